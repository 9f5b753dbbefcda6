/* SPDX-License-Identifier: LGPL-3.0-or-later */
#define _GNU_SOURCE /* O_TMPFILE */
#include "core/data/out-file.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
  char *folder, *path;
} Fixture;

static guint
count_files(const char *folder)
{
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  guint n = 0;
  while (g_dir_read_name(dir))
    n++;
  return n;
}

static void
set_up(Fixture *fixture, gconstpointer data)
{
  fixture->folder = g_dir_make_tmp("ddim-output-XXXXXX", NULL);
  fixture->path = g_build_filename(fixture->folder, "file", NULL);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
  g_unlink(fixture->path);
  g_assert_cmpint(g_rmdir(fixture->folder), ==, 0); /* nothing else was left there */
  g_free(fixture->path);
  g_free(fixture->folder);
}

static void
assert_content(const char *path, const char *expected)
{
  g_autofree char *content = NULL;
  g_assert_true(g_file_get_contents(path, &content, NULL, NULL));
  g_assert_cmpstr(content, ==, expected);
}

static void
test_replaces_at_commit(Fixture *fixture, gconstpointer data)
{
  g_autoptr(GError) error = NULL;
  DdimOutFile *output;
  struct stat info;
  mode_t mask = umask(022);

  g_assert_true(ddim_out_file_write_file(fixture->path, "old", 3, &error));
  output = ddim_out_file_open(fixture->path, &error);
  g_assert_no_error(error);
  g_assert_true(ddim_out_file_write(output, "ne", 2, &error));
  assert_content(fixture->path, "old");
  g_assert_true(ddim_out_file_write(output, "w!", 2, &error));
  g_assert_true(ddim_out_file_commit(output, &error));
  assert_content(fixture->path, "new!");
  ddim_out_file_free(output);
  assert_content(fixture->path, "new!");
  g_assert_cmpint(stat(fixture->path, &info), ==, 0);
  g_assert_cmpint(info.st_mode & 0777, ==, 0644);
  umask(mask);
}

static void
test_abandoned(Fixture *fixture, gconstpointer data)
{
  g_autoptr(GError) error = NULL;
  DdimOutFile *output = ddim_out_file_open(fixture->path, &error);

  g_assert_true(ddim_out_file_write(output, "half", 4, &error));
  ddim_out_file_free(output);
  g_assert_cmpuint(count_files(fixture->folder), ==, 0);
}

/* Permissions and owner of a replaced file stay. A link that points to nothing is not written
 * through. */
static void
test_rights(Fixture *fixture, gconstpointer data)
{
  g_autoptr(GError) error = NULL;
  struct stat before, after;

  g_assert_true(ddim_out_file_write_file(fixture->path, "old", 3, &error));
  g_assert_cmpint(chmod(fixture->path, 0600), ==, 0);
  if (geteuid() == 0)
    g_assert_cmpint(chown(fixture->path, 1234, 4321), ==, 0);
  g_assert_cmpint(stat(fixture->path, &before), ==, 0);
  g_assert_true(ddim_out_file_write_file(fixture->path, "new", 3, &error));
  assert_content(fixture->path, "new");
  g_assert_cmpint(stat(fixture->path, &after), ==, 0);
  g_assert_cmpint(after.st_mode, ==, before.st_mode);
  g_assert_cmpint(after.st_uid, ==, before.st_uid);
  g_assert_cmpint(after.st_gid, ==, before.st_gid);
  g_assert_cmpint(after.st_ino, !=, before.st_ino);
}

static void
test_link_to_nothing(Fixture *fixture, gconstpointer data)
{
  g_autofree char *link = g_build_filename(fixture->folder, "link", NULL);
  g_autoptr(GError) error = NULL;

  g_assert_cmpint(symlink("file", link), ==, 0);
  g_assert_false(ddim_out_file_write_file(link, "new", 3, &error));
  g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
  g_assert_nonnull(g_strrstr(error->message, "link"));
  g_assert_true(g_file_test(link, G_FILE_TEST_IS_SYMLINK));
  g_unlink(link);
}

/* The program ends while it is writing: nothing is left behind where the file system allows files
 * without a name. */
static void
test_killed(Fixture *fixture, gconstpointer data)
{
  int status, probe = open(fixture->folder, O_TMPFILE | O_WRONLY, 0600);
  pid_t child;

  if (probe < 0) {
    g_test_skip("this file system has no files without a name");
    return;
  }
  close(probe);
  child = fork();
  if (child == 0) {
    DdimOutFile *output = ddim_out_file_open(fixture->path, NULL);
    if (output && ddim_out_file_write(output, "half", 4, NULL))
      raise(SIGKILL);
    _exit(1);
  }
  g_assert_cmpint(waitpid(child, &status, 0), ==, child);
  g_assert_true(WIFSIGNALED(status));
  g_assert_cmpuint(count_files(fixture->folder), ==, 0);
}

static void
test_link_stays(Fixture *fixture, gconstpointer data)
{
  g_autofree char *link = g_build_filename(fixture->folder, "link", NULL);
  g_autoptr(GError) error = NULL;

  g_assert_true(ddim_out_file_write_file(fixture->path, "old", 3, &error));
  g_assert_cmpint(symlink("file", link), ==, 0);
  g_assert_true(ddim_out_file_write_file(link, "new", 3, &error));
  assert_content(fixture->path, "new");
  g_assert_true(g_file_test(link, G_FILE_TEST_IS_SYMLINK));
  g_unlink(link);
}

static void
test_devices(void)
{
  g_autoptr(GError) error = NULL;
  struct stat info;

  g_assert_true(ddim_out_file_write_file("/dev/null", "x", 1, &error));
  g_assert_cmpint(stat("/dev/null", &info), ==, 0);
  g_assert_true(S_ISCHR(info.st_mode));

  g_assert_false(ddim_out_file_write_file("/dev/full", "x", 1, &error));
  g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOSPC);
  g_assert_nonnull(g_strrstr(error->message, "/dev/full"));
}

static void
test_refused(Fixture *fixture, gconstpointer data)
{
  g_autofree char *nowhere = g_build_filename(fixture->folder, "missing", "file", NULL);
  g_autoptr(GError) error = NULL;

  g_assert_false(ddim_out_file_write_file(nowhere, "x", 1, &error));
  g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
  g_assert_nonnull(g_strrstr(error->message, nowhere));
  g_clear_error(&error);

  g_assert_false(ddim_out_file_write_file(fixture->folder, "x", 1, &error));
  g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_ISDIR);
  g_clear_error(&error);

  g_assert_false(ddim_out_file_write_file("", "x", 1, &error));
  g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
}

static void
test_stdout(void)
{
  if (g_test_subprocess()) {
    g_assert_true(ddim_out_file_write_file("-", "to stdout", 9, NULL));
    return;
  }
  g_test_trap_subprocess(NULL, 0, 0);
  g_test_trap_assert_passed();
  g_test_trap_assert_stdout("*to stdout*");
}

int
main(int argc, char **argv)
{
#define ADD(NAME, FUNCTION) g_test_add(NAME, Fixture, NULL, set_up, FUNCTION, tear_down)
  g_test_init(&argc, &argv, NULL);
  ADD("/output/replaces-at-commit", test_replaces_at_commit);
  ADD("/output/abandoned", test_abandoned);
  ADD("/output/rights", test_rights);
  ADD("/output/link-to-nothing", test_link_to_nothing);
  ADD("/output/killed", test_killed);
  ADD("/output/link-stays", test_link_stays);
  g_test_add_func("/output/devices", test_devices);
  ADD("/output/refused", test_refused);
  g_test_add_func("/output/stdout", test_stdout);
  return g_test_run();
}
