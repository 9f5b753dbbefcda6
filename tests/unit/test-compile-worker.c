/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Compile workers: what a good one compiles is in the cache; what a bad one does not compile, this
 * process does. $DDIM names the command, which answers as a worker. */
#include <glib/gstdio.h>
#include <sys/stat.h>

#include "opencl/device/compile-client.h"
#include "opencl/device/compile-worker.h"
#include "opencl/device/program-build.h"
#include "opencl/device/program.h"

/* A folder for this process alone; set before anything asks GLib for it. */
static char *folder;

static DdimContext *
context_new(void)
{
  g_autoptr(GError) error = NULL;
  DdimContext *context = ddim_context_new(NULL, &error);
  g_assert_no_error(error);
  return context;
}

/* The options of a separate program for every test, completed as ddim_cl_kernel_new() does. */
static char *
options_new(DdimContext *context, const char *name)
{
  return g_strdup_printf("-DVEC=%u -DNR=%u -DMR=%u -DROW_LOOP=%d -D%s", context->profile.vec,
                         context->profile.nr, context->profile.mr,
                         context->profile.row_loop ? 1 : 0, name);
}

static gboolean
is_cached(DdimContext *context, const char *options)
{
  cl_program program = ddim_cl_program_load(context, "edges", options);
  if (program)
    clReleaseProgram(program);
  return program != NULL;
}

static void
set_worker(const char *program)
{
  g_setenv(DDIM_COMPILE_WORKER_VARIABLE, program, TRUE);
}

/* A worker that does as @lines say. (transfer full) */
static char *
script_new(const char *lines)
{
  g_autoptr(GError) error = NULL;
  char *path = g_build_filename(folder, "worker", NULL);
  g_autofree char *text = g_strdup_printf("#!/bin/sh\n%s\n", lines);
  g_file_set_contents(path, text, -1, &error);
  g_assert_no_error(error);
  g_assert_cmpint(g_chmod(path, 0700), ==, 0);
  set_worker(path);
  return path;
}

static void
test_good(void)
{
  g_autoptr(DdimContext) context = context_new();
  g_autoptr(DdimClCompileClient) client = ddim_cl_compile_client_new(context);
  g_autofree char *first = options_new(context, "FIRST"), *second = options_new(context, "SECOND"),
                  *third = options_new(context, "THIRD");
  set_worker(g_getenv("DDIM"));
  g_assert_false(is_cached(context, first));
  g_assert_true(ddim_cl_compile_client_build(client, "edges", first));
  g_assert_true(is_cached(context, first));
  g_assert_true(ddim_cl_compile_client_build(client, "edges", second));
  g_assert_true(is_cached(context, second));
  ddim_cl_compile_client_rest(client);
  g_assert_true(ddim_cl_compile_client_build(client, "edges", third));
  g_assert_true(is_cached(context, third));
}

/* The worker refuses what does not compile, and goes on. */
static void
test_bad_program(void)
{
  g_autoptr(DdimContext) context = context_new();
  g_autoptr(DdimClCompileClient) client = ddim_cl_compile_client_new(context);
  g_autofree char *bad = options_new(context, "C=)"), *good = options_new(context, "AFTER_BAD");
  set_worker(g_getenv("DDIM"));
  g_assert_false(ddim_cl_compile_client_build(client, "edges", bad));
  g_assert_true(ddim_cl_compile_client_build(client, "edges", good));
  g_assert_true(is_cached(context, good));
}

/* A worker with another device or version would make another file: refused by its name. */
static void
test_other_kernels(void)
{
  g_autoptr(DdimContext) context = context_new();
  g_autoptr(DdimClCompileClient) client = ddim_cl_compile_client_new(context);
  g_autofree char *options = options_new(context, "OTHER");
  set_worker(g_getenv("DDIM"));
  g_free(context->info->driver_version);
  context->info->driver_version = g_strdup("another");
  g_assert_false(ddim_cl_compile_client_build(client, "edges", options));
}

/* However a worker fails, the kernel is built all the same. */
static void
assert_kernel_comes(const char *name)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimContext) context = context_new();
  g_autofree char *option = g_strdup_printf("-D%s", name);
  ddim_cl_program_announce(context, "edges", option);
  cl_kernel kernel = ddim_cl_kernel_new(context, "edges", option, "silu_in_place", &error);
  g_assert_no_error(error);
  clReleaseKernel(kernel);
}

static void
test_no_worker(void)
{
  set_worker("/nonexistent/ddim");
  assert_kernel_comes("NO_WORKER");
  set_worker("/bin/false");
  assert_kernel_comes("FALSE_WORKER");
  set_worker("/bin/true");
  assert_kernel_comes("TRUE_WORKER");
}

/* It dies while it compiles. */
static void
test_killed(void)
{
  g_autofree char *lines =
      g_strdup_printf("\"%s\" \"$@\" <&0 & sleep 0.2; kill -9 $!; exit 1", g_getenv("DDIM"));
  g_free(script_new(lines));
  assert_kernel_comes("KILLED");
}

/* It says that it is done, but nothing is in the cache. */
static void
test_liar(void)
{
  g_free(script_new("exec python3 -c 'import socket\n"
                    "s = socket.socket(fileno=0)\n"
                    "while s.recv(9999): s.send(b\"1\")'"));
  assert_kernel_comes("LIAR");
}

static gpointer
stop_soon(gpointer client)
{
  g_usleep(G_USEC_PER_SEC / 5);
  ddim_cl_compile_client_stop(client);
  return NULL;
}

/* The worker hangs; a thread that waits for it can be released. */
static void
test_stopped(void)
{
  g_autoptr(DdimContext) context = context_new();
  g_autoptr(DdimClCompileClient) client = ddim_cl_compile_client_new(context);
  g_free(script_new("exec sleep 1000"));
  const gint64 begin = g_get_monotonic_time();
  GThread *thread = g_thread_new(NULL, stop_soon, client);
  g_assert_false(ddim_cl_compile_client_build(client, "edges", "-DHANGS"));
  g_thread_join(thread);
  g_assert_cmpint(g_get_monotonic_time() - begin, <, 60 * G_USEC_PER_SEC);
  g_assert_false(ddim_cl_compile_client_build(client, "edges", "-DHANGS"));
}

/* The cache can't be written: a worker's work is lost, but not the kernel. */
static void
test_not_writable(void)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *programs = g_build_filename(folder, "ddim", "programs", NULL);
  g_autofree char *aside = g_strconcat(programs, ".aside", NULL);
  g_assert_cmpint(g_rename(programs, aside), ==, 0);
  g_file_set_contents(programs, "in the way", -1, &error);
  g_assert_no_error(error);
  set_worker(g_getenv("DDIM"));
  assert_kernel_comes("NOT_WRITABLE");
  g_assert_cmpint(g_unlink(programs), ==, 0);
  g_assert_cmpint(g_rename(aside, programs), ==, 0);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  folder = g_dir_make_tmp("ddim-test-XXXXXX", NULL);
  g_assert_nonnull(folder);
  g_setenv("XDG_CACHE_HOME", folder, TRUE);
  g_assert_nonnull(g_getenv("DDIM"));
  g_test_add_func("/compile-worker/good", test_good);
  g_test_add_func("/compile-worker/bad-program", test_bad_program);
  g_test_add_func("/compile-worker/other-kernels", test_other_kernels);
  g_test_add_func("/compile-worker/no-worker", test_no_worker);
  g_test_add_func("/compile-worker/killed", test_killed);
  g_test_add_func("/compile-worker/liar", test_liar);
  g_test_add_func("/compile-worker/stopped", test_stopped);
  g_test_add_func("/compile-worker/not-writable", test_not_writable);
  const int result = g_test_run();
  g_autofree char *command = g_strdup_printf("rm -rf '%s'", folder);
  g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL);
  g_free(folder);
  return result;
}
