/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/device/program-build.h"

#include <glib/gi18n-lib.h>
#include <string.h>

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

/* The cache file of a binary: its key holds everything that the binary depends on. */
static char *
cache_path(DdimContext *context, const char *source, const char *text, const char *options)
{
  const DdimDeviceInfo *info = context->info;
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

/* A binary that the driver refuses (an update under the same version) is no error, as a damaged
 * file is none: compile again. */
static cl_program
load_binary(DdimContext *context, const char *path, const char *options)
{
  gsize size = 0;
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
compile(DdimContext *context, const char *source, const char *text, const char *options,
        GError **error)
{
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
  g_autofree char *text = find_source(source);
  g_autofree char *path = cache_path(context, source, text, options);
  cl_program program = load_binary(context, path, options);
  if (program)
    return program;
  compiling(data);
  program = compile(context, source, text, options, error);
  if (program)
    save_binary(program, path);
  return program;
}
