/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/data/file.h"
#include "core/data/image.h"

G_BEGIN_DECLS

/* Read parts of a PNG. Messages name it by the file's path. Each function reads only what it is
 * asked for, and takes memory only for that, because a small file can hold a picture of gigabytes
 * and gigabytes of text. The file itself is never in memory as a whole. Errors: DDIM_ERROR_FORMAT,
 * and those of ddim_file_read(). */

typedef struct {
  guint width, height;
  guint bits;    /**< per sample: 1, 2, 4, 8 or 16 */
  gboolean cmyk; /**< its color profile is for printing inks, which PNG does not support */
} DdimImageHeader;

/** Whether @file begins as a PNG does. If not, @error says so. */
gboolean ddim_png_is_picture(DdimFile *file, GError **error);
/** The picture's header, so that the caller can judge it before the pixels are read. */
gboolean ddim_png_read_header(DdimFile *file, DdimImageHeader *header, GError **error);
/** The picture's texts, at most 32 of at most 1 MiB each, and no more than 16 MiB and the last one
 * as UTF-8. Takes at most 64 MiB beside the file's size. Pixels are not read. (transfer full)
 * (element-type utf8 utf8) */
GHashTable *ddim_png_read_text(DdimFile *file, GError **error);
/** The picture: what ddim_image_read_png() makes of the file's content. (transfer full) */
DdimImage *ddim_png_read_image(DdimFile *file, GError **error);

/** The most bytes that ddim_image_write_png() makes of a picture, with some room for its texts. */
guint64 ddim_png_most_bytes(guint channels, guint width, guint height);
/** The same of ddim_image_new_grid()'s sheet of @n such pictures. */
guint64 ddim_png_most_bytes_of_grid(guint n, guint channels, guint width, guint height);

/** The version of libpng that is in use. */
const char *ddim_image_get_libpng_version(void);

G_END_DECLS
