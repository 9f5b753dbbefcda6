/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/device/program-build.h"

#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "opencl/device/cache-file.h"
#include "opencl/device/kernel-sources.h"
#include "opencl/device/status.h"

/* The text of kernels/@name.cl. */
static const char *
find_file(const char *name)
{
  for (const DdimClKernelSource *s = ddim_cl_kernel_sources; s->name; s++)
    if (strcmp(s->name, name) == 0)
      return s->text;
  g_return_val_if_reached(NULL);
}

/* The texts of "one+another", one after the other. (transfer full) */
static char *
find_source(const char *names)
{
  g_auto(GStrv) parts = g_strsplit(names, "+", -1);
  GString *text = g_string_new(NULL);
  for (guint i = 0; parts[i]; i++)
    g_string_append(text, find_file(parts[i]));
  return g_string_free(text, FALSE);
}

/* The file's name holds a checksum of everything that the binary depends on. */
char *
ddim_cl_program_path(DdimContext *context, const char *source, const char *options)
{
  const DdimDeviceInfo *info = context->info;
  g_autofree char *text = find_source(source);
  g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
  const char *parts[] = {DDIM_VERSION,   find_file("common"),  text,
                         options,        info->name,           info->vendor,
                         info->platform, info->device_version, info->driver_version};
  for (guint i = 0; i < G_N_ELEMENTS(parts); i++)
    g_checksum_update(sum, (const guchar *)parts[i], strlen(parts[i]) + 1);
  g_autofree char *file = g_strdup_printf("%s-%.32s.bin", source, g_checksum_get_string(sum));
  return g_build_filename(g_get_user_cache_dir(), "ddim", "programs", file, NULL);
}

/* A cache file is the SHA-256 of what follows and of the file's own name, then the driver's binary:
 * drivers trust binaries, and some crash on damaged ones. */
#define DIGEST_SIZE 32
#define MAX_BINARY (1u << 30)

static void
digest_binary(const char *path, const guchar *binary, gsize size, guchar digest[DIGEST_SIZE])
{
  g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
  g_autofree char *name = g_path_get_basename(path);
  gsize length = DIGEST_SIZE;
  g_checksum_update(sum, (const guchar *)name, strlen(name) + 1);
  g_checksum_update(sum, binary, (gssize)size);
  g_checksum_get_digest(sum, digest, &length);
}

/* The content of the cache file @path, digest included, or NULL when it is missing or not what was
 * saved. */
static guchar *
read_binary(const char *path, gsize *size)
{
  guchar digest[DIGEST_SIZE];
  g_autofree char *data = ddim_cl_cache_read(path, MAX_BINARY, size, NULL);
  if (!data || *size <= DIGEST_SIZE)
    return NULL;
  digest_binary(path, (const guchar *)data + DIGEST_SIZE, *size - DIGEST_SIZE, digest);
  return memcmp(data, digest, DIGEST_SIZE) == 0 ? (guchar *)g_steal_pointer(&data) : NULL;
}

/* A binary that the driver refuses (after an update that kept its version) is no error, and neither
 * is a damaged file: the program is compiled again. */
cl_program
ddim_cl_program_load(DdimContext *context, const char *source, const char *options)
{
  gsize size = 0;
  g_autofree char *path = ddim_cl_program_path(context, source, options);
  g_autofree guchar *data = read_binary(path, &size);
  if (!data)
    return NULL;
  const guchar *binary = data + DIGEST_SIZE;
  size -= DIGEST_SIZE;
  cl_int binary_status = CL_SUCCESS, status = CL_SUCCESS;
  cl_program program = clCreateProgramWithBinary(context->context, 1, &context->device, &size,
                                                 &binary, &binary_status, &status);
  if (status != CL_SUCCESS)
    return NULL;
  if (binary_status != CL_SUCCESS ||
      clBuildProgram(program, 1, &context->device, options, NULL, NULL) != CL_SUCCESS) {
    clReleaseProgram(program);
    return NULL;
  }
  return program;
}

/* Failing to cache (a read-only home, a full disk) costs time at the next start only. */
static void
save_binary(cl_program program, const char *path)
{
  gsize size = 0;
  if (clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof size, &size, NULL) != CL_SUCCESS ||
      !size || size > G_MAXSSIZE - DIGEST_SIZE)
    return;
  g_autofree guchar *data = g_try_malloc(DIGEST_SIZE + size);
  if (!data)
    return;
  guchar *binary = data + DIGEST_SIZE;
  if (clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof binary, &binary, NULL) != CL_SUCCESS)
    return;
  digest_binary(path, binary, size, data);
  if (ddim_cl_cache_make_folder(path, NULL))
    g_file_set_contents(path, (const char *)data, (gssize)(DIGEST_SIZE + size), NULL);
}

static void
set_build_error(DdimContext *context, cl_program program, const char *source, GError **error)
{
  gsize size = 0;
  clGetProgramBuildInfo(program, context->device, CL_PROGRAM_BUILD_LOG, 0, NULL, &size);
  g_autofree char *log = g_malloc0(size + 1);
  clGetProgramBuildInfo(program, context->device, CL_PROGRAM_BUILD_LOG, size, log, NULL);
  g_set_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_BUILD,
              _("the kernels of %s.cl do not compile on %s (%s): %s"), source, context->info->name,
              context->info->driver_version, log);
}

static cl_program
compile(DdimContext *context, const char *source, const char *options, GError **error)
{
  g_autofree char *text = find_source(source);
  const char *strings[] = {find_file("common"), text};
  cl_int status = CL_SUCCESS;
  cl_program program =
      clCreateProgramWithSource(context->context, G_N_ELEMENTS(strings), strings, NULL, &status);
  if (!ddim_cl_check(status, "clCreateProgramWithSource", error))
    return NULL;
  status = clBuildProgram(program, 1, &context->device, options, NULL, NULL);
  if (status == CL_SUCCESS)
    return program;
  if (status == CL_BUILD_PROGRAM_FAILURE)
    set_build_error(context, program, source, error);
  else
    ddim_cl_check(status, "clBuildProgram", error);
  clReleaseProgram(program);
  return NULL;
}

cl_program
ddim_cl_program_build(DdimContext *context, const char *source, const char *options,
                      DdimClCompilingFunc compiling, gpointer data, GError **error)
{
  cl_program program = ddim_cl_program_load(context, source, options);
  if (program)
    return program;
  compiling(data);
  program = compile(context, source, options, error);
  if (program) {
    g_autofree char *path = ddim_cl_program_path(context, source, options);
    save_binary(program, path);
  }
  return program;
}

/* Take a lock, which the system releases when this process ends, however that happens. -1 where
 * files cannot be locked. */
static int
lock(const char *path)
{
  if (!ddim_cl_cache_make_folder(path, NULL))
    return -1;
  int file = g_open(path, O_CREAT | O_CLOEXEC | O_RDWR | O_NOFOLLOW | O_NONBLOCK, 0600);
  if (file >= 0 && flock(file, LOCK_EX) != 0) {
    close(file);
    return -1;
  }
  return file;
}

cl_program
ddim_cl_program_build_alone(DdimContext *context, const char *source, const char *options,
                            DdimClCompilingFunc compiling, gpointer data, GError **error)
{
  g_autofree char *path = ddim_cl_program_path(context, source, options);
  g_autofree char *lock_path = g_strconcat(path, ".lock", NULL);
  int file = lock(lock_path);
  cl_program program = ddim_cl_program_build(context, source, options, compiling, data, error);
  /* A process that waits for the lock has the file open, so the file's name is not needed any more.
   * That process then finds the program in the cache. */
  if (file >= 0) {
    g_unlink(lock_path);
    close(file);
  }
  return program;
}
