/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <gegl.h>
#include "plugin/image/compat.h"
#include "core/job/request.h"

G_BEGIN_DECLS

/** Where the images go. This is recorded when a run begins, so what the user does meanwhile changes
 * nothing. */
typedef struct {
  ImageRef image;       /**< NO_IMAGE: a new image is made */
  DrawableRef drawable; /**< the new layer comes above it; may be NO_DRAWABLE */
  int x, y;             /**< of the new layer in the image */
  guint width, height;  /**< of the selection, else of the image; 0 without an image */
  gboolean selected;    /**< there is a selection */
  GeglBuffer *mask;     /**< (nullable) the selection, "Y float", in the image's coordinates */
} Target;

/** Errors: DDIM_ERROR_UNSUPPORTED for an indexed image or one with a floating selection. */
gboolean target_init(Target *target, ImageRef image, DrawableRef drawable, GError **error);
/** The same without the mask, which takes no time. */
gboolean target_look(Target *target, ImageRef image, DrawableRef drawable, GError **error);
void target_clear(Target *target);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Target, target_clear)

/** @request with the target's width and height where it leaves them open. (transfer full) */
DdimRequest *target_fit_request(const Target *target, DdimRequest *request);

/** The parent (NO_LAYER: none) and the position of a new item directly above the target's drawable.
 */
LayerRef target_find_place(const Target *target, int *position);
/** Give @layer, which is in the image, the target's selection as its mask, if it has one. */
void target_add_mask(const Target *target, LayerRef layer);

G_END_DECLS
