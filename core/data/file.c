/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/data/file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct _DdimFile {
  char *path;
  guint64 size;
  int fd;        /* -1 when the content is in `bytes` */
  GBytes *bytes; /* the content; NULL when `fd` is open */
};

static gboolean
fail(const char *path, int number, GError **error)
{
  g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(number), _("cannot read “%s”: %s"), path,
              g_strerror(number));
  return FALSE;
}

DdimFile *
ddim_file_open(const char *path, GError **error)
{
  g_autoptr(DdimFile) file = g_new0(DdimFile, 1);
  struct stat info;

  g_return_val_if_fail(path != NULL, NULL);
  file->path = g_strdup(path);
  /* With O_NONBLOCK, because opening a pipe that has no writer would otherwise wait for ever. Pipes
   * are refused below. */
  file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file->fd < 0 || fstat(file->fd, &info) != 0)
    return (void)fail(path, errno, error), NULL;
  if (S_ISDIR(info.st_mode))
    return (void)fail(path, EISDIR, error), NULL;
  if (!S_ISREG(info.st_mode)) {
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                _("cannot read “%s”: it is not a regular file"), path);
    return NULL;
  }
  file->size = (guint64)info.st_size;
  return g_steal_pointer(&file);
}

DdimFile *
ddim_file_new_from_bytes(GBytes *bytes, const char *path)
{
  DdimFile *file = g_new0(DdimFile, 1);

  file->path = g_strdup(path);
  file->size = g_bytes_get_size(bytes);
  file->fd = -1;
  file->bytes = g_bytes_ref(bytes);
  return file;
}

void
ddim_file_free(DdimFile *file)
{
  if (!file)
    return;
  if (file->fd >= 0)
    close(file->fd);
  g_clear_pointer(&file->bytes, g_bytes_unref);
  g_free(file->path);
  g_free(file);
}

const char *
ddim_file_get_path(DdimFile *file)
{
  return file->path;
}

guint64
ddim_file_get_size(DdimFile *file)
{
  return file->size;
}

static gboolean
became_shorter(DdimFile *file, GError **error)
{
  g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_IO,
              _("cannot read “%s”: it ends too early; did somebody change it meanwhile?"),
              file->path);
  return FALSE;
}

gboolean
ddim_file_read(DdimFile *file, guint64 offset, gpointer to, gsize size, GError **error)
{
  guint8 *at = to;

  if (offset > file->size || size > file->size - offset)
    return became_shorter(file, error);
  if (file->bytes) {
    if (size > 0)
      memcpy(to, (const guint8 *)g_bytes_get_data(file->bytes, NULL) + offset, size);
    return TRUE;
  }
  while (size > 0) {
    gssize n = pread(file->fd, at, MIN(size, 1u << 30), (off_t)offset);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return fail(file->path, errno, error);
    if (n == 0)
      return became_shorter(file, error);
    at += n;
    offset += (guint64)n;
    size -= (gsize)n;
  }
  return TRUE;
}

GBytes *
ddim_file_load(DdimFile *file, guint64 offset, gsize size, GError **error)
{
  g_autofree guint8 *data = NULL;

  if (offset > file->size || size > file->size - offset)
    return (void)became_shorter(file, error), NULL;
  data = g_try_malloc(MAX(size, 1));
  if (!data)
    return (void)fail(file->path, ENOMEM, error), NULL;
  if (!ddim_file_read(file, offset, data, size, error))
    return NULL;
  return g_bytes_new_take(g_steal_pointer(&data), size);
}
