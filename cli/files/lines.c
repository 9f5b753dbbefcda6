/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/files/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

struct _DdimLines {
  char *path;
  int fd;
  guint64 number; /* of the last line */
  gsize from, to; /* what has been read and not handed out lies between them in `bytes` */
  gsize kept;     /* bytes of the present line in `line` */
  char bytes[4096];
  char line[DDIM_MAX_LINE];
};

static gboolean
fail(DdimLines *lines, int number, GError **error)
{
  g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(number), _("cannot read “%s”: %s"),
              lines->path, g_strerror(number));
  return FALSE;
}

DdimLines *
ddim_lines_open(const char *path, GError **error)
{
  g_autoptr(DdimLines) lines = g_new0(DdimLines, 1);

  lines->path = g_strdup(path);
  lines->fd = g_str_equal(path, "-") ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
  if (lines->fd >= 0)
    return g_steal_pointer(&lines);
  fail(lines, errno, error);
  return NULL;
}

void
ddim_lines_free(DdimLines *lines)
{
  if (!lines)
    return;
  if (lines->fd > STDIN_FILENO)
    close(lines->fd);
  g_free(lines->path);
  g_free(lines);
}

/* Read what is there. @end is set when there is nothing more. */
static gboolean
fill(DdimLines *lines, gboolean *end, GError **error)
{
  gssize n;

  do
    n = read(lines->fd, lines->bytes, sizeof lines->bytes);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    return fail(lines, errno, error);
  lines->from = 0;
  lines->to = (gsize)n;
  *end = n == 0;
  return TRUE;
}

/* Move bytes to the present line, up to its end or as far as there are some. TRUE at its end. */
static gboolean
take(DdimLines *lines, DdimLine *line)
{
  const char *start = lines->bytes + lines->from;
  const char *end = memchr(start, '\n', lines->to - lines->from);
  const gsize n = end ? (gsize)(end - start) : lines->to - lines->from;
  const gsize room = DDIM_MAX_LINE - lines->kept;

  memcpy(lines->line + lines->kept, start, MIN(n, room));
  lines->kept += MIN(n, room);
  line->too_long |= n > room;
  lines->from += n + (end ? 1 : 0);
  return end != NULL;
}

gboolean
ddim_lines_next(DdimLines *lines, DdimLine *line, GError **error)
{
  gboolean begun = FALSE, end = FALSE;

  lines->kept = 0;
  *line = (DdimLine){.number = lines->number + 1, .text = lines->line};
  do {
    if (lines->from == lines->to && !fill(lines, &end, error))
      return FALSE;
    begun |= !end;
  } while (!end && !take(lines, line));
  lines->number += begun;
  line->length = lines->kept;
  return begun;
}
