/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** The largest area, in pixels, that is sampled as it is. */
#define SIZE_MAX_SAMPLED_AREA (1024 * 1024)

/** How an image of any size comes out of a UNet, which takes multiples of its stride only.
 *
 * Up to SIZE_MAX_SAMPLED_AREA the network, being convolutional, samples the next multiples of the
 * stride that hold the image, and the image is cut from the middle. A larger image is sampled in
 * the same proportions at about that area, then enlarged. */
typedef struct {
  guint width, height;                 /**< of the image asked for */
  guint sampled_width, sampled_height; /**< what the UNet samples: multiples of the stride */
  gboolean scaled;                     /**< enlarge what was sampled; else cut it */
  guint crop_x, crop_y; /**< where the image lies in what was sampled; 0 when scaled */
} SizePlan;

/** @width, @height, @stride  at least 1 */
SizePlan size_plan(guint width, guint height, guint stride);

G_END_DECLS
