/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** A regular file that is read in parts. Each read is checked: a file that somebody shortens
 * meanwhile gives an error, whereas reading a mapping of it would end the program with SIGBUS. Any
 * thread may read it. Errors: G_FILE_ERROR naming the path. */
typedef struct _DdimFile DdimFile;

/** Anything but a regular file is an error, because reading a pipe or a device might block for ever
 * or never end. */
DdimFile *ddim_file_open(const char *path, GError **error);
/** Make @bytes readable as if they were the content of a file named @path. */
DdimFile *ddim_file_new_from_bytes(GBytes *bytes, const char *path);
void ddim_file_free(DdimFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimFile, ddim_file_free)

const char *ddim_file_get_path(DdimFile *file);
/** The size in bytes that the file had when it was opened. */
guint64 ddim_file_get_size(DdimFile *file);
/** Read @size bytes, starting at @offset, into @to. */
gboolean ddim_file_read(DdimFile *file, guint64 offset, gpointer to, gsize size, GError **error);
/** The same, but into new memory. (transfer full) */
GBytes *ddim_file_load(DdimFile *file, guint64 offset, gsize size, GError **error);

G_END_DECLS
