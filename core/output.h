/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** A file being written, for every writer of the project. A regular file is written under a
 * temporary name in the same folder and takes its place only in ddim_output_commit(), so that
 * nobody ever sees half a file; "-" is standard output; a device, pipe or socket is written
 * straight. Errors: G_FILE_ERROR naming the path. One thread at a time. */
typedef struct _DdimOutput DdimOutput;

DdimOutput *ddim_output_open(const char *path, GError **error);
/** Not committed: the temporary file is removed and @path is as it was. */
void ddim_output_free(DdimOutput *output);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimOutput, ddim_output_free)

gboolean ddim_output_write(DdimOutput *output, gconstpointer data, gsize size, GError **error);
/** For libraries that write files by name: a temporary file that they may write or replace, instead
 * of calling ddim_output_write(). (transfer none) */
const char *ddim_output_get_temporary(DdimOutput *output, GError **error);
/** All is written: flush it to the disk and give it its name. */
gboolean ddim_output_commit(DdimOutput *output, GError **error);

/** Open, write and commit in one call. */
gboolean ddim_output_write_file(const char *path, gconstpointer data, gsize size, GError **error);

G_END_DECLS
