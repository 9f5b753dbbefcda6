/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** The longest line that is read, in bytes. */
#define DDIM_MAX_LINE 65536

/** A text file that is read line by line, as its lines come, from a pipe for instance. However long
 * a line is, memory is only taken for DDIM_MAX_LINE bytes. One thread at a time. */
typedef struct _DdimLines DdimLines;

/** One line without its end. It may hold any bytes. Valid until the next line is read. */
typedef struct {
  guint64 number; /**< from 1 */
  const char *text;
  gsize length;
  gboolean too_long; /**< longer than DDIM_MAX_LINE: text holds its beginning */
} DdimLine;

/** @path  "-" is standard input. Errors: G_FILE_ERROR naming the path. */
DdimLines *ddim_lines_open(const char *path, GError **error);
void ddim_lines_free(DdimLines *lines);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimLines, ddim_lines_free)

/** Read the next line. FALSE at the end of the file, or with @error set when it cannot be read. */
gboolean ddim_lines_next(DdimLines *lines, DdimLine *line, GError **error);

G_END_DECLS
