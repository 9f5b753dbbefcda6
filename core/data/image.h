/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

#include "opencl/since.h"

G_BEGIN_DECLS

/** An 8-bit image. Any thread may read it as long as no thread frees it. */
typedef struct _DdimImage DdimImage;

/** Samples in [-1, 1], planar [channels][height][width], to bytes as the original does:
 * clamp((x + 1) * 127.5, 0, 255), truncated. A NaN becomes 0.
 * @channels  1 gray, 2 gray and alpha, 3 RGB, 4 RGBA
 * (transfer full) Errors: DDIM_ERROR_ARGUMENT for other channels, a side of 0, or no memory. */
DDIM_AVAILABLE_IN_0_1
DdimImage *ddim_image_new_from_samples(const float *samples, guint channels, guint height,
                                       guint width, GError **error);
/** All images side by side in a near-square grid, row by row. They must have the same size and
 * number of channels. Places that are left over are 0.
 * @n  at least 1
 * (transfer full) Errors: DDIM_ERROR_ARGUMENT when there is no memory. */
DDIM_AVAILABLE_IN_0_1
DdimImage *ddim_image_new_grid(DdimImage *const *images, guint n, GError **error);
/** Read any PNG. It is reduced to 8 bits per sample and palettes are expanded, so it takes at most
 * 4 bytes per pixel.
 * @bytes  the file's content
 * @name   what messages call it
 * (transfer full) Errors: DDIM_ERROR_FORMAT for what is no PNG, broken, or more than 32768 pixels
 * wide or high. */
DDIM_AVAILABLE_IN_0_1
DdimImage *ddim_image_read_png(GBytes *bytes, const char *name, GError **error);
/** @image  (nullable) */
DDIM_AVAILABLE_IN_0_1
void ddim_image_free(DdimImage *image);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimImage, ddim_image_free)

/** In pixels. */
DDIM_AVAILABLE_IN_0_1
guint ddim_image_get_width(const DdimImage *image);
DDIM_AVAILABLE_IN_0_1
guint ddim_image_get_height(const DdimImage *image);
/** 1 gray, 2 gray and alpha, 3 RGB, 4 RGBA; alpha is not premultiplied. */
DDIM_AVAILABLE_IN_0_1
guint ddim_image_get_channels(const DdimImage *image);
/** [height][width][channels] bytes, rows from top to bottom, without padding. (transfer none) */
DDIM_AVAILABLE_IN_0_1
const guint8 *ddim_image_get_pixels(const DdimImage *image);

/** The other way: convert bytes to planar floats in [-1, 1], x / 127.5 - 1.
 * @samples  [channels][height][width] */
DDIM_AVAILABLE_IN_0_1
void ddim_image_to_samples(const DdimImage *image, float *samples);
/** @path  in the encoding of file names; "-" is standard output; else a temporary file is renamed
 * to
 *        @path, so that nobody ever sees half a picture
 * @text  (nullable) key -> value pairs (char* -> char*), written as tEXt, or iTXt when not Latin-1
 * Errors: G_FILE_ERROR; DDIM_ERROR_UNSUPPORTED for what PNG cannot hold. */
DDIM_AVAILABLE_IN_0_1
gboolean ddim_image_write_png(const DdimImage *image, const char *path, GHashTable *text,
                              GError **error);

G_END_DECLS
