/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** A file being written, for every writer of the project. A regular file is written without a name,
 * or under a temporary one in the same folder where the file system wants a name, and takes its
 * place only in ddim_out_file_commit(): nobody ever sees half a file, and a program that is ended
 * meanwhile leaves nothing. A file that is replaced passes on its permissions, and its owner where
 * that is allowed. "-" is standard output; a device, pipe or socket is written straight. Errors:
 * G_FILE_ERROR naming the path; a link to nothing is one. One thread at a time. */
typedef struct _DdimOutput DdimOutFile;

DdimOutFile *ddim_out_file_open(const char *path, GError **error);
/** Not committed: @path is as it was. */
void ddim_out_file_free(DdimOutFile *output);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimOutFile, ddim_out_file_free)

gboolean ddim_out_file_write(DdimOutFile *output, gconstpointer data, gsize size, GError **error);
/** All is written: flush it to the disk and give it its name. */
gboolean ddim_out_file_commit(DdimOutFile *output, GError **error);

/** Open, write and commit in one call. */
gboolean ddim_out_file_write_file(const char *path, gconstpointer data, gsize size, GError **error);

G_END_DECLS
