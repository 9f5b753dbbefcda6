/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/data/image.h"
#include "opencl/ops/wrap.h"
#include "plugin/edit/commands.h"
#include "plugin/image/target.h"

G_BEGIN_DECLS

/** What a procedure takes from an image, all at once, so that what the user does meanwhile changes
 * nothing. */
typedef struct {
  const EditCommand *command;
  DdimRequest *request; /**< complete but for the model's choices */
  Target target;        /**< where the result goes, and its mask */
  GeglRectangle area;   /**< of `picture` in the image */
  DdimImage *picture;   /**< (nullable) what is changed */
  DdimImage *mask;      /**< (nullable) of the size of `picture`: white is made anew */
  guint8 *coverage;     /**< (nullable) of the same size: how much of the new is seen, up to 255 */
  GeglRectangle cut;    /**< the part of the result that goes into the layer; width 0: all */
  DdimImage *ends[2];   /**< (nullable) between which pictures are made */
} EditInput;

/** Main thread. Errors: of target_init() and source_read(); DDIM_ERROR_ARGUMENT, which says what to
 * select or to choose. */
EditInput *edit_input_new(ImageRef image, DrawableRef drawable, const EditSettings *settings,
                          GError **error);
void edit_input_free(EditInput *input);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EditInput, edit_input_free)

/** Whether both make the same of the same settings: pixels, selection and place. */
gboolean edit_input_equal(const EditInput *a, const EditInput *b);

/** The axes along which the result tiles. */
DdimWrap edit_input_get_axes(const EditInput *input);

/** What the user sees of the picture once @made (nullable) is in place; before that, what will be
 * made anew is transparent. A picture that tiles is seen three times along its axes. NULL where
 * there is no picture. (transfer full) */
DdimImage *edit_input_show(const EditInput *input, const DdimImage *made);

G_END_DECLS
