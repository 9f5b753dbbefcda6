/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** The largest area, in pixels, that is sampled as it is, in one piece or in windows. */
#define SIZE_MAX_SAMPLED_AREA (4096 * 4096)

/** How an image of any size comes out of a UNet, which takes multiples of its stride only, and
 * knows only images of the size that it was trained with or larger ones.
 *
 * Up to SIZE_MAX_SAMPLED_AREA the network, being convolutional, samples the next multiples of the
 * stride that hold the image, in each direction no less than it was trained with, and the image is
 * cut from the middle. A larger image is sampled in the same proportions at about that area, then
 * enlarged. */
typedef struct {
  guint width, height;                 /**< of the image asked for */
  guint sampled_width, sampled_height; /**< what the UNet samples: multiples of the stride */
  gboolean scaled;                     /**< resample what was sampled; else cut it */
  gboolean loops;                      /**< beyond an edge lies the opposite one */
  guint crop_x, crop_y; /**< where the image lies in what was sampled; 0 when scaled */
} SizePlan;

/** @width, @height, @stride  at least 1
 * @least  the side of the images that the model was trained with; 0 when it is not known */
SizePlan size_plan(guint width, guint height, guint stride, guint least);

/** The same for a picture whose sides fit together, of which nothing may be cut: what is no
 * multiple of the stride, or smaller than the model's images, is resampled. */
SizePlan size_plan_whole(guint width, guint height, guint stride, guint least);

/** The side of an image that, @scale times enlarged, is as long as @side or a little longer. */
guint size_shrink(guint side, guint scale);
/** The size at which a draft of a picture of @width x @height is sampled: as many pixels as an
 * image of the model has, in the same proportions. 0 for both: a square. */
void size_draft(guint width, guint height, guint stride, guint image_size, guint *draft_width,
                guint *draft_height);

G_END_DECLS
