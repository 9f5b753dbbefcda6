/* SPDX-License-Identifier: LGPL-3.0-or-later
 * The cache of compiled programs: used when it fits, made again when it is damaged, done without
 * when it can't be written. */
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <math.h>

#include "opencl/ops/edges.h"
#include "opencl/device/program.h"

/* A folder for this process alone; set before anything asks GLib for it. */
static char *cache;

static void
count_build(const DdimBuildProgress *progress, gpointer count)
{
  g_assert_cmpstr(progress->program, ==, "edges");
  ++*(guint *)count;
}

/* Compute with a program of a new context. The result must be right, wherever the program came
 * from. Returns how many programs were compiled. */
static guint
compute(void)
{
  g_autoptr(GError) error = NULL;
  guint builds = 0;
  float values[16];
  for (guint i = 0; i < 16; i++)
    values[i] = (float)i - 8;
  g_autoptr(DdimContext) context = ddim_context_new(NULL, &error);
  g_assert_no_error(error);
  ddim_context_set_build_func(context, count_build, &builds);
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(context);
  DdimClMem x = ddim_cl_plan_alloc_floats(plan, 16);
  ddim_cl_silu(plan, x, 16);
  g_assert_true(ddim_cl_plan_seal(plan, &error));
  g_assert_true(ddim_cl_plan_write(plan, x, 16, values, &error));
  g_assert_true(ddim_cl_plan_run(plan, &error));
  g_assert_true(ddim_cl_plan_read(plan, x, 16, values, &error));
  g_assert_no_error(error);
  for (guint i = 0; i < 16; i++) {
    const double v = (double)i - 8;
    g_assert_cmpfloat_with_epsilon(values[i], v / (1 + exp(-v)), 1e-6);
  }
  return builds;
}

static char *
programs_folder(void)
{
  return g_build_filename(cache, "ddim", "programs", NULL);
}

/* The one file of the cache. */
static char *
cached_file(void)
{
  g_autofree char *folder = programs_folder();
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  g_assert_nonnull(dir);
  const char *name = g_dir_read_name(dir);
  g_assert_nonnull(name);
  g_assert_true(g_str_has_prefix(name, "edges-"));
  char *path = g_build_filename(folder, name, NULL);
  g_assert_null(g_dir_read_name(dir));
  return path;
}

static void
read_file(const char *path, char **data, gsize *size)
{
  g_autoptr(GError) error = NULL;
  g_file_get_contents(path, data, size, &error);
  g_assert_no_error(error);
}

static void
write_file(const char *path, const char *data, gsize size)
{
  g_autoptr(GError) error = NULL;
  g_file_set_contents(path, data, (gssize)size, &error);
  g_assert_no_error(error);
}

/* An empty cache. */
static char *
fresh_file(void)
{
  g_autofree char *folder = programs_folder();
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  const char *name;
  while (dir && (name = g_dir_read_name(dir))) {
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_assert_cmpint(g_unlink(path), ==, 0);
  }
  g_assert_cmpuint(compute(), ==, 1);
  return cached_file();
}

static void
test_second_start(void)
{
  g_autofree char *path = fresh_file();
  GStatBuf before, after;
  g_assert_cmpint(g_stat(path, &before), ==, 0);
  g_assert_cmpuint(compute(), ==, 0);
  g_assert_cmpint(g_stat(path, &after), ==, 0);
  g_assert_cmpuint(before.st_ino, ==, after.st_ino);
}

/* Compiled again, and the file is whole again. */
static void
assert_recovers(const char *path, const char *good, gsize good_size)
{
  g_autofree char *data = NULL;
  gsize size = 0;
  g_assert_cmpuint(compute(), ==, 1);
  read_file(path, &data, &size);
  g_assert_cmpuint(size, >, 32);
  g_assert_cmpuint(compute(), ==, 0);
  write_file(path, good, good_size);
}

/* Whatever lies where a program should be is not waited for, read without end, or run. */
static void
test_no_file(void)
{
  g_autofree char *path = fresh_file(), *good = NULL;
  gsize size = 0;
  read_file(path, &good, &size);
  for (guint i = 0; i < 3; i++) {
    g_assert_cmpint(g_unlink(path), ==, 0);
    g_assert_cmpint(i == 0   ? mkfifo(path, 0600)
                    : i == 1 ? symlink("/dev/zero", path)
                             : symlink("nothing", path),
                    ==, 0);
    assert_recovers(path, good, size);
  }
  if (geteuid() != 0)
    return;
  g_assert_cmpint(chown(path, 1234, 1234), ==, 0);
  assert_recovers(path, good, size);
  /* A folder of somebody else's: nothing of it is used, nothing put there. */
  g_autofree char *folder = g_path_get_dirname(path);
  g_assert_cmpint(g_unlink(path), ==, 0);
  g_assert_cmpint(chown(folder, 1234, 1234), ==, 0);
  g_assert_cmpuint(compute(), ==, 1);
  g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
  g_assert_cmpint(chown(folder, 0, 0), ==, 0);
}

static void
test_truncated(void)
{
  g_autofree char *path = fresh_file(), *good = NULL;
  gsize size = 0;
  read_file(path, &good, &size);
  const gsize sizes[] = {0, 1, 31, 32, 33, size / 2, size - 1};
  for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
    write_file(path, good, sizes[i]);
    assert_recovers(path, good, size);
  }
}

static void
test_damaged(void)
{
  g_autofree char *path = fresh_file(), *good = NULL;
  gsize size = 0;
  read_file(path, &good, &size);
  const gsize places[] = {0, 31, 32, 40, size / 3, size / 2, size - 1};
  for (guint i = 0; i < G_N_ELEMENTS(places); i++) {
    g_autofree char *bad = g_memdup2(good, size);
    bad[places[i]] ^= 1 << i;
    write_file(path, bad, size);
    assert_recovers(path, good, size);
  }
  g_autofree char *longer = g_malloc0(size + 1);
  memcpy(longer, good, size);
  write_file(path, longer, size + 1);
  assert_recovers(path, good, size);
}

/* A complete file under the name of another program is not used for that program. */
static void
test_exchanged(void)
{
  g_autofree char *path = fresh_file(), *good = NULL, *other = NULL;
  g_autoptr(GError) error = NULL;
  gsize size = 0, other_size = 0;
  g_autoptr(DdimContext) context = ddim_context_new(NULL, &error);
  g_assert_no_error(error);
  cl_kernel kernel = ddim_cl_kernel_new(context, "edges", "-DOTHER", "silu_in_place", &error);
  g_assert_no_error(error);
  clReleaseKernel(kernel);
  read_file(path, &good, &size);
  g_autofree char *folder = programs_folder();
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  const char *name;
  guint files = 0;
  while ((name = g_dir_read_name(dir))) {
    g_autofree char *file = g_build_filename(folder, name, NULL);
    files++;
    if (strcmp(file, path) == 0)
      continue;
    read_file(file, &other, &other_size);
    g_assert_cmpint(g_unlink(file), ==, 0);
  }
  g_assert_cmpuint(files, ==, 2);
  write_file(path, other, other_size);
  assert_recovers(path, good, size);
}

/* The folder's place is taken by a file: even root can't write there. */
static void
test_not_writable(void)
{
  g_autofree char *path = fresh_file(), *folder = programs_folder();
  g_assert_cmpint(g_unlink(path), ==, 0);
  g_assert_cmpint(g_rmdir(folder), ==, 0);
  write_file(folder, "in the way", 10);
  g_assert_cmpuint(compute(), ==, 1);
  g_assert_cmpuint(compute(), ==, 1);
  g_assert_cmpint(g_unlink(folder), ==, 0);
  g_assert_cmpuint(compute(), ==, 1);
  g_assert_cmpuint(compute(), ==, 0);
}

/* Users pass the compiler's messages on to the authors of their driver. */
static void
test_build_error(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimContext) context = ddim_context_new(NULL, &error);
  g_assert_no_error(error);
  g_assert_null(ddim_cl_kernel_new(context, "edges", "-DC=)", "silu_in_place", &error));
  g_assert_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_BUILD);
  g_assert_nonnull(strstr(error->message, "edges.cl"));
  g_assert_nonnull(strstr(error->message, ddim_context_get_device(context)->name));
}

/* A kernel that its program lacks is an error, not a crash. */
static void
test_no_such_kernel(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimContext) context = ddim_context_new(NULL, &error);
  g_assert_no_error(error);
  g_assert_null(ddim_cl_kernel_new(context, "edges", NULL, "missing", &error));
  g_assert_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_FAILED);
}

/* What was reported about announced programs. */
typedef struct {
  GThread *thread;
  guint calls;
  guint done, total; /* those that were compiled, of those that had to be */
} Told;

static void
on_build(const DdimBuildProgress *progress, gpointer data)
{
  Told *told = data;
  g_assert_cmpstr(progress->program, ==, "edges");
  g_assert_true(g_thread_self() == told->thread);
  told->calls++;
  told->total = progress->total;
  g_assert_cmpuint(progress->done, >=, told->done);
  g_assert_cmpuint(progress->done, <=, progress->total);
  told->done = progress->done;
}

#define ANNOUNCED 6

/* Announce programs, then take a kernel of each, the last first: how many were compiled. */
static guint
announce_and_take(gboolean twice)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimContext) context = ddim_context_new(NULL, &error);
  g_assert_no_error(error);
  Told told = {.thread = g_thread_self()};
  ddim_context_set_build_func(context, on_build, &told);
  char options[ANNOUNCED][16];
  for (guint i = 0; i < ANNOUNCED; i++) {
    g_snprintf(options[i], sizeof options[i], "-DNUMBER=%u", i);
    ddim_cl_program_announce(context, "edges", options[i]);
    if (twice)
      ddim_cl_program_announce(context, "edges", options[i]);
  }
  g_assert_cmpuint(told.calls, ==, 0);
  for (guint i = ANNOUNCED; i > 0; i--) {
    cl_kernel kernel =
        ddim_cl_kernel_new(context, "edges", options[i - 1], "silu_in_place", &error);
    g_assert_no_error(error);
    clReleaseKernel(kernel);
  }
  return told.total;
}

/* Each program is compiled once, whichever thread comes first. Its user is told in the user's own
 * thread, and not at all at the second start. */
static void
test_announced(void)
{
  g_assert_cmpuint(announce_and_take(TRUE), ==, ANNOUNCED);
  g_assert_cmpuint(announce_and_take(FALSE), ==, 0);
}

/* Whoever asks for the kernel gets the compiler's messages, each time. Whoever does not ask gets
 * nothing. */
static void
test_announced_error(void)
{
  g_autoptr(DdimContext) context = ddim_context_new(NULL, NULL);
  Told told = {.thread = g_thread_self()};
  g_assert_nonnull(context);
  ddim_context_set_build_func(context, on_build, &told);
  ddim_cl_program_announce(context, "edges", "-DC=(");
  ddim_cl_program_announce(context, "edges", "-DC=)");
  for (guint i = 1; i <= 2; i++) {
    g_autoptr(GError) error = NULL;
    told.calls = 0;
    g_assert_null(ddim_cl_kernel_new(context, "edges", "-DC=)", "silu_in_place", &error));
    g_assert_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_BUILD);
    g_assert_nonnull(strstr(error->message, "edges.cl"));
    g_assert_cmpuint(told.calls, >, 0);
  }
}

/* A context that goes away waits for what is being built, and builds no more. */
static void
test_announced_in_vain(void)
{
  g_autoptr(DdimContext) context = ddim_context_new(NULL, NULL);
  g_assert_nonnull(context);
  for (guint i = 0; i < 200; i++) {
    g_autofree char *options = g_strdup_printf("-DVAIN=%u", i);
    ddim_cl_program_announce(context, "edges", options);
  }
  g_clear_pointer(&context, ddim_context_unref);
  g_autofree char *folder = programs_folder();
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  guint files = 0;
  while (dir && g_dir_read_name(dir))
    files++;
  g_assert_cmpuint(files, <, 100);
}

static void
remove_tree(const char *path)
{
  g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
  const char *name;
  while (dir && (name = g_dir_read_name(dir))) {
    g_autofree char *child = g_build_filename(path, name, NULL);
    if (g_file_test(child, G_FILE_TEST_IS_DIR) && !g_file_test(child, G_FILE_TEST_IS_SYMLINK))
      remove_tree(child);
    else
      g_unlink(child);
  }
  g_rmdir(path);
}

int
main(int argc, char **argv)
{
  g_autoptr(GError) error = NULL;
  cache = g_dir_make_tmp("ddim-programs-XXXXXX", &error);
  g_assert_no_error(error);
  g_setenv("XDG_CACHE_HOME", cache, TRUE);
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/program/second-start", test_second_start);
  g_test_add_func("/program/no-file", test_no_file);
  g_test_add_func("/program/truncated", test_truncated);
  g_test_add_func("/program/damaged", test_damaged);
  g_test_add_func("/program/exchanged", test_exchanged);
  g_test_add_func("/program/not-writable", test_not_writable);
  g_test_add_func("/program/build-error", test_build_error);
  g_test_add_func("/program/no-such-kernel", test_no_such_kernel);
  g_test_add_func("/program/announced", test_announced);
  g_test_add_func("/program/announced-error", test_announced_error);
  g_test_add_func("/program/announced-in-vain", test_announced_in_vain);
  const int status = g_test_run();
  remove_tree(cache);
  g_free(cache);
  return status;
}
