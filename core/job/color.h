/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/diffusion/constraint.h"
#include "core/job/request.h"

G_BEGIN_DECLS

/** The mean color that a request asks for. Private to the job's folder. */
typedef struct {
  gboolean given;
  guint channels; /**< of the model's images */
  double y[4];    /**< [channels], in [-1, 1]; alpha is 1 */
} DdimMeanColor;

/** Read the option "color" for a model of @channels channels. Errors: as ddim_edit_parse_color().
 */
gboolean ddim_mean_color_read(DdimMeanColor *color, DdimRequest *request, guint channels,
                              GError **error);
/** Add the constraint that the mean over @region of images of @width x @height pixels is @color.
 * @region  (nullable) see DdimConstraintParams
 * @shift   added to the color's channels */
void ddim_mean_color_constrain(const DdimMeanColor *color, guint width, guint height,
                               const guint8 *region, double shift, DdimConstraints *constraints);
/** The mean of the color's channels, without alpha. */
double ddim_mean_color_get_gray(const DdimMeanColor *color);

G_END_DECLS
