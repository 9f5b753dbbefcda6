/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Reading parts of a PNG in memory, which messages call @name. Each function reads no more than it
 * is asked for, so memory follows from that: a small file can hold a picture of gigabytes, and
 * texts of gigabytes beside it. Errors: DDIM_ERROR_FORMAT. Pixels are read by
 * ddim_image_read_png().
 */

typedef struct {
  guint width, height;
  guint bits;    /**< per sample: 1, 2, 4, 8 or 16 */
  gboolean cmyk; /**< its color profile is for printing inks, which PNG does not have */
} DdimImageHeader;

/** What it says of itself, for judging before ddim_image_read_png(). */
gboolean ddim_image_read_png_header(GBytes *bytes, const char *name, DdimImageHeader *header,
                                    GError **error);
/** Its size alone. */
gboolean ddim_image_read_png_size(GBytes *bytes, const char *name, guint *width, guint *height,
                                  GError **error);
/** Its texts, at most 32 of at most 1 MiB; pixels are not read. (transfer full) (element-type utf8
 * utf8) */
GHashTable *ddim_image_read_png_text(GBytes *bytes, const char *name, GError **error);

G_END_DECLS
