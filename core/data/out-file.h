/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** A file being written, for every writer of the project. A regular file is written without a name,
 * or, where the file system does not allow that, under a temporary name in the same folder. It
 * takes its place only in ddim_out_file_commit(), so nobody ever sees half a file, and a program
 * that is ended meanwhile leaves nothing behind. A file that is replaced passes on its permissions,
 * and its owner where that is allowed. "-" is standard output; a device, pipe or socket is written
 * straight. Errors: G_FILE_ERROR naming the path; a link that points to nothing is also an error.
 * One thread at a time. */
typedef struct _DdimOutput DdimOutFile;

DdimOutFile *ddim_out_file_open(const char *path, GError **error);
/** Without a commit before, @path is left as it was. */
void ddim_out_file_free(DdimOutFile *output);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimOutFile, ddim_out_file_free)

gboolean ddim_out_file_write(DdimOutFile *output, gconstpointer data, gsize size, GError **error);
/** Replace @size bytes at @offset, which were written before. A pipe cannot do that. */
gboolean ddim_out_file_rewrite(DdimOutFile *output, guint64 offset, gconstpointer data, gsize size,
                               GError **error);
/** To be called when everything is written: flush the file to the disk and give it its name. */
gboolean ddim_out_file_commit(DdimOutFile *output, GError **error);

/** For a program that is about to end because of a signal: remove all temporary names. Files that
 * are being written do not take their places any more; a thread that tries waits for ever. To be
 * called from any thread, but not from a signal handler. */
void ddim_out_file_end_all(void);

/** Before long work: how many bytes a new file @path could take, whatever becomes of the old one;
 * G_MAXUINT64 where that cannot be told, as for what is no regular file. Nothing is left behind.
 * FALSE with @error set where @path cannot be opened. */
gboolean ddim_out_file_get_space(const char *path, guint64 *space, GError **error);
/** Before long work: whether @path could be opened, and whether its disk has space for @size bytes,
 * as far as that can be told. Nothing is left behind. What is no regular file is not looked at:
 * opening a pipe would wait for its reader. */
gboolean ddim_out_file_check(const char *path, guint64 size, GError **error);

/** Open, write and commit in one call. */
gboolean ddim_out_file_write_file(const char *path, gconstpointer data, gsize size, GError **error);

G_END_DECLS
