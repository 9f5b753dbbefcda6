/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/device/cache-file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

static gboolean
fail(int code, const char *path, const char *why, GError **error)
{
  g_autofree char *shown = g_filename_display_name(path);
  g_set_error(error, G_FILE_ERROR, code, "%s: %s", shown, why);
  return FALSE;
}

static gboolean
fail_errno(const char *path, GError **error)
{
  const int code = errno;
  return fail(g_file_error_from_errno(code), path, g_strerror(code), error);
}

static gboolean
is_ours(const struct stat *info)
{
  return info->st_uid == geteuid() || info->st_uid == 0;
}

static gboolean
check(int fd, const char *path, gsize limit, struct stat *info, GError **error)
{
  if (fstat(fd, info) != 0)
    return fail_errno(path, error);
  if (!S_ISREG(info->st_mode) || info->st_size < 0 || (guint64)info->st_size > limit)
    return fail(G_FILE_ERROR_INVAL, path, _("it is no file of the cache"), error);
  if (!is_ours(info))
    return fail(G_FILE_ERROR_PERM, path, _("it belongs to another user"), error);
  return TRUE;
}

static char *
read_open(int fd, const char *path, gsize limit, gsize *size, GError **error)
{
  struct stat info;
  if (!check(fd, path, limit, &info, error))
    return NULL;
  g_autofree char *data = g_try_malloc((gsize)info.st_size + 1);
  if (!data)
    return (void)fail(G_FILE_ERROR_NOMEM, path, g_strerror(ENOMEM), error), NULL;
  *size = 0;
  while (*size < (gsize)info.st_size) {
    const gssize n = read(fd, data + *size, (gsize)info.st_size - *size);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return (void)fail_errno(path, error), NULL;
    if (n == 0)
      break;
    *size += (gsize)n;
  }
  data[*size] = '\0';
  return g_steal_pointer(&data);
}

char *
ddim_cl_cache_read(const char *path, gsize limit, gsize *size, GError **error)
{
  /* With O_NONBLOCK, because opening a pipe would otherwise wait for a writer. */
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return (void)fail_errno(path, error), NULL;
  char *data = read_open(fd, path, limit, size, error);
  close(fd);
  return data;
}

gboolean
ddim_cl_cache_make_folder(const char *path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname(path);
  GStatBuf info;
  if (g_mkdir_with_parents(folder, 0700) != 0 || g_stat(folder, &info) != 0)
    return fail_errno(folder, error);
  if (info.st_uid != geteuid())
    return fail(G_FILE_ERROR_PERM, folder, _("it belongs to another user"), error);
  return TRUE;
}
