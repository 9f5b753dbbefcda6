/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/data/file.h"

G_BEGIN_DECLS

/* Where the entries of a zip file lie. libzip reads entries but does not tell where their bytes
 * are, and weights must be readable in part and in any order. The format: PKWARE's APPNOTE.TXT.
 * Memory: an index takes at most twice the directory's bytes, of which at most 16 MiB are read; an
 * entry takes the bytes that it expands to, and those that it has in the file while it is read.
 * Errors: DDIM_ERROR_FORMAT, DDIM_ERROR_UNSUPPORTED, and those of ddim_file_read(). */

typedef struct {
  const char *name; /* not terminated */
  guint16 name_length;
  guint16 flags, method;
  guint32 crc;
  guint64 packed_size, size;
  guint64 header; /* offset of the local header */
} DdimZipEntry;

typedef struct {
  DdimZipEntry *entries; /* in the order of the directory */
  guint n;
  GBytes *directory; /* the bytes that the names point into */
} DdimZipIndex;

/* Read the central directory of @file. (transfer full) */
DdimZipIndex *ddim_zip_index_read(DdimFile *file, GError **error);
void ddim_zip_index_free(DdimZipIndex *index);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimZipIndex, ddim_zip_index_free)

gboolean ddim_zip_entry_is_stored(const DdimZipEntry *entry);
/* Find where the stored bytes of @entry begin in the file, and check that all of them lie in it.
 * The local header must agree with the directory. */
gboolean ddim_zip_entry_locate(DdimFile *file, const DdimZipEntry *entry, guint64 *offset,
                               GError **error);
/* The content of @entry, inflated if necessary. Its checksum is verified, and more than @limit
 * bytes are refused. */
GBytes *ddim_zip_entry_load(DdimFile *file, const DdimZipEntry *entry, guint64 limit,
                            GError **error);
G_END_DECLS
