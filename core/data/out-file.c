/* SPDX-License-Identifier: LGPL-3.0-or-later */
#define _GNU_SOURCE /* O_TMPFILE */
#include "core/data/out-file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct _DdimOutput {
  char *path;      /* as the caller named it, for messages */
  char *target;    /* what the file will be called; NULL when `fd` is the target itself */
  char *folder;    /* the folder of `target` */
  char *temporary; /* the new file's present name; NULL when it has none yet, or none is needed */
  int fd;          /* -1 once closed */
  gboolean own_fd;
  gboolean replaces;    /* a file exists already, which `replaced` describes */
  struct stat replaced; /* the replaced file, as it was when the new one was opened */
};

/* The temporary names of all files that are being written. The lock is held while a name is made,
 * so that none is missing. */
static GMutex temporaries_lock;
static GList *temporaries;

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

/* The path by which the kernel gives access to an open file that has no name. */
static char *
name_of_fd(int fd)
{
  return g_strdup_printf("/proc/self/fd/%d", fd);
}

/* Open a file without a name. It vanishes when the program ends, however that happens. -1 where the
 * file system or the system does not support such files. */
static int
open_nameless(DdimOutFile *output, int mode)
{
#ifdef O_TMPFILE
  int fd = open(output->folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
  g_autofree char *name = name_of_fd(fd);

  if (fd < 0 || access(name, F_OK) == 0)
    return fd;
  close(fd); /* without /proc the file could not get a name later */
#endif
  return -1;
}

static char *
temporary_pattern(DdimOutFile *output)
{
  return g_build_filename(output->folder, ".ddim-XXXXXX", NULL);
}

/* Make a file with a temporary name. -1, with errno, when that fails. */
static int
open_temporary(DdimOutFile *output, int mode)
{
  g_autofree char *pattern = temporary_pattern(output);
  int fd;

  g_mutex_lock(&temporaries_lock);
  fd = g_mkstemp_full(pattern, O_WRONLY | O_CLOEXEC, mode);
  if (fd >= 0) {
    output->temporary = g_steal_pointer(&pattern);
    temporaries = g_list_prepend(temporaries, output->temporary);
  }
  g_mutex_unlock(&temporaries_lock);
  return fd;
}

/* The temporary name is no longer in use. */
static void
forget_temporary(DdimOutFile *output)
{
  g_mutex_lock(&temporaries_lock);
  temporaries = g_list_remove(temporaries, output->temporary);
  g_mutex_unlock(&temporaries_lock);
  g_clear_pointer(&output->temporary, g_free);
}

void
ddim_out_file_end_all(void)
{
  g_mutex_lock(&temporaries_lock); /* for ever: nothing is written any more */
  for (GList *at = temporaries; at; at = at->next)
    unlink(at->data);
}

/* Open the new file beside the target. A file that replaces another one is never readable for more
 * users than that one, not even while it is written. Otherwise it gets the permissions of any new
 * file. */
static gboolean
open_beside(DdimOutFile *output, GError **error)
{
  /* A link stays a link: what it points to is replaced. */
  char *resolved = realpath(output->path, NULL);
  const int mode = output->replaces ? output->replaced.st_mode & 0666 : 0666;

  output->target = g_strdup(resolved ? resolved : output->path);
  free(resolved);
  output->folder = g_path_get_dirname(output->target);
  output->own_fd = TRUE;
  output->fd = open_nameless(output, mode);
  if (output->fd < 0)
    output->fd = open_temporary(output, mode);
  return output->fd >= 0 || fail(output, errno, error);
}

static gboolean
open_new(DdimOutFile *output, GError **error)
{
  struct stat link;

  if (errno != ENOENT)
    return fail(output, errno, error);
  if (lstat(output->path, &link) != 0)
    return open_beside(output, error);
  g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
              _("cannot write “%s”: it is a link to a file that does not exist"), output->path);
  return FALSE;
}

static gboolean
open_target(DdimOutFile *output, GError **error)
{
  if (g_str_equal(output->path, "-")) {
    output->fd = STDOUT_FILENO;
    return TRUE;
  }
  if (output->path[0] == '\0')
    return fail(output, ENOENT, error);
  if (stat(output->path, &output->replaced) != 0)
    return open_new(output, error);
  output->replaces = S_ISREG(output->replaced.st_mode);
  if (output->replaces)
    return open_beside(output, error);
  if (S_ISDIR(output->replaced.st_mode))
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
  if (output->temporary) {
    g_unlink(output->temporary);
    forget_temporary(output);
  }
  g_free(output->folder);
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

gboolean
ddim_out_file_rewrite(DdimOutFile *output, guint64 offset, gconstpointer data, gsize size,
                      GError **error)
{
  const guint8 *from = data;

  while (size > 0) {
    gssize written = pwrite(output->fd, from, size, (off_t)offset);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return fail(output, errno, error);
    from += written;
    offset += (guint64)written;
    size -= (gsize)written;
  }
  return TRUE;
}

/* Give the new file the owner and the permissions of the file that it replaces. Only root may give
 * a file to another user. Failing to do so is no error, because the new content matters more. */
static void
pass_on_rights(DdimOutFile *output)
{
  const struct stat *old = &output->replaced;

  if (!output->replaces)
    return;
  if (fchown(output->fd, old->st_uid, old->st_gid) != 0 &&
      fchown(output->fd, (uid_t)-1, old->st_gid) != 0)
    g_debug("%s: the owner changes", output->path);
  if (fchmod(output->fd, old->st_mode & 0777) != 0)
    g_debug("%s: the permissions change", output->path);
}

/* Link the nameless file @from under a temporary name. */
static gboolean
link_temporary(DdimOutFile *output, const char *from, const char *name)
{
  gboolean good;

  g_mutex_lock(&temporaries_lock);
  good = linkat(AT_FDCWD, from, AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0;
  if (good) {
    output->temporary = g_strdup(name);
    temporaries = g_list_prepend(temporaries, output->temporary);
  }
  g_mutex_unlock(&temporaries_lock);
  return good;
}

/* Give a nameless file its name. Linking cannot replace an existing file. In that case the new file
 * is linked under a temporary name first, and then renamed. */
static gboolean
give_name(DdimOutFile *output, GError **error)
{
  g_autofree char *from = name_of_fd(output->fd);

  if (!output->replaces && linkat(AT_FDCWD, from, AT_FDCWD, output->target, AT_SYMLINK_FOLLOW) == 0)
    return TRUE;
  for (guint tries = 0; tries < 100; tries++) {
    g_autofree char *name = temporary_pattern(output);
    g_autofree char *letters = g_strdup_printf("%06x", g_random_int() & 0xffffff);
    memcpy(name + strlen(name) - 6, letters, 6);
    if (link_temporary(output, from, name))
      return TRUE;
    if (errno != EEXIST)
      break;
  }
  return fail(output, errno, error);
}

gboolean
ddim_out_file_commit(DdimOutFile *output, GError **error)
{
  if (!output->target)
    return close_fd(output, error);
  pass_on_rights(output);
  if (fsync(output->fd) != 0)
    return fail(output, errno, error);
  if (!output->temporary && !give_name(output, error))
    return FALSE;
  /* At once, because a program that is killed in between leaves both files. The file is closed
   * later: everything is on the disk. */
  if (output->temporary && g_rename(output->temporary, output->target) != 0)
    return fail(output, errno, error);
  if (output->temporary)
    forget_temporary(output);
  return TRUE;
}

gboolean
ddim_out_file_get_space(const char *path, guint64 *space, GError **error)
{
  g_autoptr(DdimOutFile) output = NULL;
  struct stat info;
  struct statvfs disk;

  *space = G_MAXUINT64;
  if (g_str_equal(path, "-") ||
      (stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)))
    return TRUE;
  if (!(output = ddim_out_file_open(path, error)))
    return FALSE;
  if (fstatvfs(output->fd, &disk) == 0)
    *space = (guint64)disk.f_bavail * disk.f_frsize;
  return TRUE;
}

gboolean
ddim_out_file_check(const char *path, guint64 size, GError **error)
{
  guint64 space;

  if (!ddim_out_file_get_space(path, &space, error))
    return FALSE;
  if (size <= space)
    return TRUE;
  g_autofree char *asked = g_format_size(size);
  g_autofree char *left = g_format_size(space);
  g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOSPC,
              _("'%s' needs %s, but its disk has only %s left"), path, asked, left);
  return FALSE;
}

gboolean
ddim_out_file_write_file(const char *path, gconstpointer data, gsize size, GError **error)
{
  g_autoptr(DdimOutFile) output = ddim_out_file_open(path, error);

  return output && ddim_out_file_write(output, data, size, error) &&
         ddim_out_file_commit(output, error);
}
