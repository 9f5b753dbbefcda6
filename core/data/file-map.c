/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/data/file-map.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <sys/stat.h>
#include <unistd.h>

static GBytes *
fail(const char *path, int number, GError **error)
{
  g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(number), _("cannot read “%s”: %s"), path,
              g_strerror(number));
  return NULL;
}

GBytes *
ddim_file_map(const char *path, GError **error)
{
  g_autoptr(GMappedFile) file = NULL;
  g_autoptr(GError) local = NULL;
  struct stat info;
  int fd;

  g_return_val_if_fail(path != NULL, NULL);
  /* Not blocking: opening a pipe without a writer would wait for ever, only to be refused. */
  fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return fail(path, errno, error);
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(fd);
    if (S_ISDIR(info.st_mode))
      return fail(path, EISDIR, error);
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                _("cannot read “%s”: it is not a regular file"), path);
    return NULL;
  }
  file = g_mapped_file_new_from_fd(fd, FALSE, &local);
  close(fd);
  if (!file) {
    g_set_error(error, G_FILE_ERROR, local->code, _("cannot read “%s”: %s"), path, local->message);
    return NULL;
  }
  return g_mapped_file_get_bytes(file);
}
