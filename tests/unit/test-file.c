/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Files that are read in parts, and things that are not regular files and are refused. */
#include "core/data/file.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
  char *folder, *path;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
  fixture->folder = g_dir_make_tmp("ddim-file-XXXXXX", NULL);
  fixture->path = g_build_filename(fixture->folder, "file", NULL);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
  g_unlink(fixture->path);
  g_rmdir(fixture->folder);
  g_free(fixture->path);
  g_free(fixture->folder);
}

static void
assert_refused(const char *path, int code)
{
  g_autoptr(GError) error = NULL;
  g_assert_null(ddim_file_open(path, &error));
  g_assert_error(error, G_FILE_ERROR, code);
  g_assert_nonnull(strstr(error->message, path));
}

static void
test_parts(Fixture *fixture, gconstpointer data)
{
  g_autoptr(GBytes) bytes = g_bytes_new_static("0123456789", 10), part = NULL;
  g_assert_true(g_file_set_contents(fixture->path, "0123456789", 10, NULL));
  for (guint memory = 0; memory < 2; memory++) {
    g_autoptr(DdimFile) file =
        memory ? ddim_file_new_from_bytes(bytes, "x") : ddim_file_open(fixture->path, NULL);
    g_autoptr(GError) error = NULL;
    char to[10];
    g_assert_cmpuint(ddim_file_get_size(file), ==, 10);
    g_assert_true(ddim_file_read(file, 3, to, 4, NULL));
    g_assert_cmpmem(to, 4, "3456", 4);
    g_assert_true(ddim_file_read(file, 10, to, 0, NULL));
    g_assert_false(ddim_file_read(file, 3, to, 8, &error));
    g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_IO);
    g_clear_error(&error);
    g_assert_false(ddim_file_read(file, G_MAXUINT64, to, 2, NULL));
    g_assert_null(ddim_file_load(file, 0, G_MAXSSIZE, NULL));
    g_clear_pointer(&part, g_bytes_unref);
    part = ddim_file_load(file, 8, 2, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(g_bytes_get_data(part, NULL), g_bytes_get_size(part), "89", 2);
  }
}

static void
test_shortened(Fixture *fixture, gconstpointer data)
{
  g_autoptr(DdimFile) file = NULL;
  g_autoptr(GError) error = NULL;
  char to[10];
  g_assert_true(g_file_set_contents(fixture->path, "0123456789", 10, NULL));
  file = ddim_file_open(fixture->path, NULL);
  g_assert_cmpint(truncate(fixture->path, 5), ==, 0);
  g_assert_true(ddim_file_read(file, 0, to, 5, NULL));
  g_assert_false(ddim_file_read(file, 0, to, 10, &error));
  g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_IO);
  g_assert_nonnull(strstr(error->message, fixture->path));
}

static void
test_no_files(Fixture *fixture, gconstpointer data)
{
  assert_refused(fixture->path, G_FILE_ERROR_NOENT);
  assert_refused(fixture->folder, G_FILE_ERROR_ISDIR);
  assert_refused("/dev/zero", G_FILE_ERROR_INVAL);
  g_assert_cmpint(mkfifo(fixture->path, 0600), ==, 0);
  assert_refused(fixture->path, G_FILE_ERROR_INVAL);
}

int
main(int argc, char **argv)
{
#define ADD(NAME, FUNCTION) g_test_add(NAME, Fixture, NULL, set_up, FUNCTION, tear_down)
  g_test_init(&argc, &argv, NULL);
  ADD("/file/parts", test_parts);
  ADD("/file/shortened", test_shortened);
  ADD("/file/no-files", test_no_files);
  return g_test_run();
}
