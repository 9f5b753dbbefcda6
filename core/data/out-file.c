/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/data/out-file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct _DdimOutput {
  char *path;      /* as the caller named it, for messages */
  char *target;    /* what `temporary` is renamed to; NULL when `fd` is the target itself */
  char *temporary; /* NULL when there is none */
  int fd;          /* -1 once closed */
  gboolean own_fd;
  gboolean by_name; /* someone else writes `temporary` by its name */
};

static gboolean
fail(DdimOutFile *output, int number, GError **error)
{
  g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(number), _("cannot write “%s”: %s"),
              output->path, g_strerror(number));
  return FALSE;
}

static gboolean
close_fd(DdimOutFile *output, GError **error)
{
  int fd = output->fd;

  output->fd = -1;
  if (fd >= 0 && output->own_fd && close(fd) != 0 && errno != EINTR)
    return fail(output, errno, error);
  return TRUE;
}

/* A file of an unused name in @folder, with the permissions that any new file gets. */
static gboolean
make_temporary(DdimOutFile *output, const char *folder, int *fd, GError **error)
{
  g_autofree char *pattern = g_build_filename(folder, ".ddim-XXXXXX", NULL);

  *fd = g_mkstemp_full(pattern, O_WRONLY | O_CLOEXEC, 0666);
  if (*fd < 0)
    return fail(output, errno, error);
  output->temporary = g_steal_pointer(&pattern);
  return TRUE;
}

static gboolean
open_beside(DdimOutFile *output, GError **error)
{
  /* A link stays a link: what it points to is replaced. */
  char *resolved = realpath(output->path, NULL);
  g_autofree char *folder = NULL;

  output->target = g_strdup(resolved ? resolved : output->path);
  free(resolved);
  folder = g_path_get_dirname(output->target);
  output->own_fd = TRUE;
  return make_temporary(output, folder, &output->fd, error);
}

static gboolean
open_target(DdimOutFile *output, GError **error)
{
  struct stat info;

  if (g_str_equal(output->path, "-")) {
    output->fd = STDOUT_FILENO;
    return TRUE;
  }
  if (output->path[0] == '\0')
    return fail(output, ENOENT, error);
  if (stat(output->path, &info) != 0 || S_ISREG(info.st_mode))
    return open_beside(output, error);
  if (S_ISDIR(info.st_mode))
    return fail(output, EISDIR, error);
  /* Renaming over /dev/null or a pipe would destroy it. */
  output->own_fd = TRUE;
  output->fd = open(output->path, O_WRONLY | O_CLOEXEC);
  return output->fd >= 0 || fail(output, errno, error);
}

DdimOutFile *
ddim_out_file_open(const char *path, GError **error)
{
  g_autoptr(DdimOutFile) output = g_new0(DdimOutFile, 1);

  g_return_val_if_fail(path != NULL, NULL);
  output->path = g_strdup(path);
  output->fd = -1;
  return open_target(output, error) ? g_steal_pointer(&output) : NULL;
}

void
ddim_out_file_free(DdimOutFile *output)
{
  if (!output)
    return;
  close_fd(output, NULL);
  if (output->temporary)
    g_unlink(output->temporary);
  g_free(output->temporary);
  g_free(output->target);
  g_free(output->path);
  g_free(output);
}

gboolean
ddim_out_file_write(DdimOutFile *output, gconstpointer data, gsize size, GError **error)
{
  const guint8 *from = data;

  while (size > 0) {
    gssize written = write(output->fd, from, MIN(size, 1u << 30));
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return fail(output, errno, error);
    from += written;
    size -= (gsize)written;
  }
  return TRUE;
}

const char *
ddim_out_file_get_temporary(DdimOutFile *output, GError **error)
{
  int fd;

  output->by_name = TRUE;
  if (!output->temporary) { /* standard output or a device: collect the bytes elsewhere first */
    if (!make_temporary(output, g_get_tmp_dir(), &fd, error))
      return NULL;
    close(fd);
  }
  return output->temporary;
}

static gboolean
copy_temporary(DdimOutFile *output, int from, GError **error)
{
  enum { SIZE = 1 << 20 };
  g_autofree guint8 *buffer = g_malloc(SIZE);

  for (;;) {
    gssize n = read(from, buffer, SIZE);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return n == 0 || fail(output, errno, error);
    if (!ddim_out_file_write(output, buffer, (gsize)n, error))
      return FALSE;
  }
}

/* The library may have replaced the file: the name counts, not the descriptor of what was there
 * before. */
static gboolean
finish_by_name(DdimOutFile *output, GError **error)
{
  gboolean ok;
  int fd = open(output->temporary, O_RDONLY | O_CLOEXEC);

  if (fd < 0)
    return fail(output, errno, error);
  if (output->target)
    ok = fsync(fd) == 0 || fail(output, errno, error);
  else
    ok = copy_temporary(output, fd, error);
  close(fd);
  return ok;
}

gboolean
ddim_out_file_commit(DdimOutFile *output, GError **error)
{
  if (output->by_name) {
    if (!finish_by_name(output, error))
      return FALSE;
  } else if (output->target && fsync(output->fd) != 0) {
    return fail(output, errno, error);
  }
  if (!close_fd(output, error))
    return FALSE;
  if (!output->target)
    return TRUE;
  if (g_rename(output->temporary, output->target) != 0)
    return fail(output, errno, error);
  g_clear_pointer(&output->temporary, g_free);
  return TRUE;
}

gboolean
ddim_out_file_write_file(const char *path, gconstpointer data, gsize size, GError **error)
{
  g_autoptr(DdimOutFile) output = ddim_out_file_open(path, error);

  return output && ddim_out_file_write(output, data, size, error) &&
         ddim_out_file_commit(output, error);
}
