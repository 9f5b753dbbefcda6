/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** A regular file that is read in parts. Each read is checked: a file that somebody shortens
 * meanwhile gives an error, where reading a mapping of it would end the program with SIGBUS. May be
 * read from any thread. Errors: G_FILE_ERROR naming the path. */
typedef struct _DdimFile DdimFile;

/** Anything but a regular file is an error: a pipe or a device may wait for ever, or never end. */
DdimFile *ddim_file_open(const char *path, GError **error);
/** @bytes as if they were a file of the name @path. */
DdimFile *ddim_file_new_from_bytes(GBytes *bytes, const char *path);
void ddim_file_free(DdimFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimFile, ddim_file_free)

const char *ddim_file_get_path(DdimFile *file);
/** In bytes, when it was opened. */
guint64 ddim_file_get_size(DdimFile *file);
/** @size bytes from @offset on. */
gboolean ddim_file_read(DdimFile *file, guint64 offset, gpointer to, gsize size, GError **error);
/** Likewise into new memory. (transfer full) */
GBytes *ddim_file_load(DdimFile *file, guint64 offset, gsize size, GError **error);

/** All of the file @path. Up to 64 MiB are read; a larger file is mapped, so that memory is taken
 * for what is looked at only, and must not become shorter meanwhile. (transfer full) */
GBytes *ddim_file_get_content(const char *path, GError **error);

G_END_DECLS
