/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Read parts of a PNG that is in memory. Messages call it @name. Each function reads only what it
 * is asked for, and takes memory only for that, because a small file can hold a picture of
 * gigabytes and gigabytes of text. Errors: DDIM_ERROR_FORMAT. Pixels are read by
 * ddim_image_read_png(). */

typedef struct {
  guint width, height;
  guint bits;    /**< per sample: 1, 2, 4, 8 or 16 */
  gboolean cmyk; /**< its color profile is for printing inks, which PNG does not support */
} DdimImageHeader;

/** The picture's header, so that the caller can judge it before ddim_image_read_png(). */
gboolean ddim_image_read_png_header(GBytes *bytes, const char *name, DdimImageHeader *header,
                                    GError **error);
/** Only the picture's size. */
gboolean ddim_image_read_png_size(GBytes *bytes, const char *name, guint *width, guint *height,
                                  GError **error);
/** The picture's texts, at most 32 of at most 1 MiB each. Pixels are not read. (transfer full)
 * (element-type utf8 utf8) */
GHashTable *ddim_image_read_png_text(GBytes *bytes, const char *name, GError **error);

/** The version of libpng that is in use. */
const char *ddim_image_get_libpng_version(void);

G_END_DECLS
