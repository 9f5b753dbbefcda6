/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/job/generator.h"

G_BEGIN_DECLS

/** The files that `ddim generate` writes: pictures one by one, arrays and contact sheets when all
 * images are there. */
typedef struct _DdimWriter DdimWriter;

/** Checks everything that can be checked before sampling: the kind of file, its name, whether its
 * folder can be written. If @path is a pipe, waits until somebody reads from it.
 * @path  .png, .npz, .npy, "-" for standard output, or NULL for ddim-SEED.png
 * Errors: DDIM_ERROR_ARGUMENT, G_FILE_ERROR. */
DdimWriter *ddim_writer_new(const char *path, guint count, gboolean grid, GError **error);
void ddim_writer_free(DdimWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimWriter, ddim_writer_free)

/** Names of files that were written before: @writer refuses to replace these, and adds its own.
 * @taken  absolute names, owned by the table */
void ddim_writer_set_taken(DdimWriter *writer, GHashTable *taken);
/** To be called before the first image: @resolved goes into the pictures' text. Fails when a name
 * is taken. */
gboolean ddim_writer_set_request(DdimWriter *writer, DdimRequest *resolved, GError **error);
/** Fails when the disk has too little space left for what is written at once: an array or a sheet
 * of all images, or one picture. To be called after ddim_writer_set_request().
 * @warning  (out) (transfer full): where several pictures may need more than there is, a line that
 *           says so; else it is left as it is */
gboolean ddim_writer_check_space(DdimWriter *writer, guint channels, char **warning,
                                 GError **error);
/** Whether the picture of image @index has been written by an earlier run with the same settings.
 * To be called after ddim_writer_set_request(). Errors: as ddim_picture_is_there(). */
gboolean ddim_writer_is_there(DdimWriter *writer, guint index, gboolean *there, GError **error);
/** Whether each image becomes a picture of its own, so that several runs can share them out. */
gboolean ddim_writer_writes_pictures(DdimWriter *writer);
/** Write @sample, or keep it for ddim_writer_finish(). @file (out) (nullable) (transfer full): what
 * was written. */
gboolean ddim_writer_add(DdimWriter *writer, const DdimSample *sample, char **file, GError **error);
/** Write what was kept: all images, or those that were finished before the job ended. @file as
 * above. */
gboolean ddim_writer_finish(DdimWriter *writer, char **file, GError **error);

G_END_DECLS
