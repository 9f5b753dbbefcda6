/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** 8-bit images and the conversion from samples. PNG is read and written in image-png.c alone. */
typedef struct {
  guint width, height;
  guint channels; /**< 1 gray, 2 gray+alpha, 3 RGB, 4 RGBA; interleaved, rows top to bottom, no
                     padding */
  guint8 *pixels; /**< width * height * channels bytes, owned */
} DdimImage;

DdimImage *ddim_image_new(guint width, guint height, guint channels, GError **error);
void ddim_image_free(DdimImage *image);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimImage, ddim_image_free)

/** Samples in [-1, 1], planar [channels][height][width], to bytes as the original does:
 * clamp((x + 1) * 127.5, 0, 255), truncated. A NaN becomes 0. */
DdimImage *ddim_image_new_from_samples(const float *samples, guint channels, guint height,
                                       guint width, GError **error);
/** The inverse edge: bytes to planar floats in [-1, 1], x / 127.5 - 1. @samples
 * [channels][height][width]. */
void ddim_image_to_samples(const DdimImage *image, float *samples);
/** All images, of one size, side by side in a near-square grid. */
DdimImage *ddim_image_new_grid(DdimImage *const *images, guint n, GError **error);

/** @text  (nullable) key -> value pairs (char* -> char*), written as tEXt, or iTXt when not
 * Latin-1.
 * @path "-" is standard output; else a temporary file is renamed to @path. */
gboolean ddim_image_write_png(const DdimImage *image, const char *path, GHashTable *text,
                              GError **error);
/* Reading a PNG in memory, which messages call @name. Each function reads no more than it is asked
 * for, so memory follows from that: a small file can hold a picture of gigabytes, and texts of
 * gigabytes beside it. Errors: DDIM_ERROR_FORMAT. */

/** What its header says, for judging before ddim_image_read_png(). */
gboolean ddim_image_read_png_size(GBytes *bytes, const char *name, guint *width, guint *height,
                                  GError **error);
/** Any PNG, reduced to 8 bits per sample, palettes expanded: at most 4 bytes per pixel. */
DdimImage *ddim_image_read_png(GBytes *bytes, const char *name, GError **error);
/** Its texts, at most 32 of at most 1 MiB; pixels are not read. (transfer full) (element-type utf8
 * utf8) */
GHashTable *ddim_image_read_png_text(GBytes *bytes, const char *name, GError **error);

G_END_DECLS
