/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Where the entries of a zip file in memory lie. libzip reads entries but does not tell where their
 * bytes are, and weights are to be used in place, not copied. The format: PKWARE's APPNOTE.TXT. */

typedef struct {
  const char *name; /* not terminated */
  guint16 name_length;
  guint16 flags, method;
  guint32 crc;
  guint64 packed_size, size;
  guint64 header; /* offset of the local header */
} DdimZipEntry;

/* The entries of the central directory, in its order. (transfer full) (element-type DdimZipEntry),
 * whose names live as long as @data. Errors: DDIM_ERROR_FORMAT, DDIM_ERROR_UNSUPPORTED. */
GArray *ddim_zip_index_read(const guint8 *data, gsize size, GError **error);

/* The bytes of @entry, which lie inside of @data or, when they were compressed, in *@inflated (out)
 * (transfer full), else set to NULL. The local header must agree with the directory. More than
 * @limit inflated bytes are refused. */
const guint8 *ddim_zip_entry_read(const guint8 *data, gsize size, const DdimZipEntry *entry,
                                  guint64 limit, GBytes **inflated, GError **error);

/* Whether @content, entry->size bytes, has the checksum that the directory gives. */
gboolean ddim_zip_entry_check(const DdimZipEntry *entry, const guint8 *content);

G_END_DECLS
