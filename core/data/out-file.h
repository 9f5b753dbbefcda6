/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** A file being written, for every writer of the project. A regular file is written under a
 * temporary name in the same folder and takes its place only in ddim_out_file_commit(), so that
 * nobody ever sees half a file; "-" is standard output; a device, pipe or socket is written
 * straight. Errors: G_FILE_ERROR naming the path. One thread at a time. */
typedef struct _DdimOutput DdimOutFile;

DdimOutFile *ddim_out_file_open(const char *path, GError **error);
/** Not committed: the temporary file is removed and @path is as it was. */
void ddim_out_file_free(DdimOutFile *output);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimOutFile, ddim_out_file_free)

gboolean ddim_out_file_write(DdimOutFile *output, gconstpointer data, gsize size, GError **error);
/** For libraries that write files by name: a temporary file that they may write or replace, instead
 * of calling ddim_out_file_write(). (transfer none) */
const char *ddim_out_file_get_temporary(DdimOutFile *output, GError **error);
/** All is written: flush it to the disk and give it its name. */
gboolean ddim_out_file_commit(DdimOutFile *output, GError **error);

/** Open, write and commit in one call. */
gboolean ddim_out_file_write_file(const char *path, gconstpointer data, gsize size, GError **error);

G_END_DECLS
