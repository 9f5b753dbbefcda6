/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/device/compile-worker.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "opencl/device/program-build.h"

/* More bytes than a message needs with any options. */
#define MAX_MESSAGE 8192

static void
ignore(gpointer data)
{
}

/* Do what @message asks for. Returns whether the cache now holds the program. */
static gboolean
answer(DdimContext *context, const char *message)
{
  g_auto(GStrv) parts = g_strsplit(message, "\n", 3);
  if (g_strv_length(parts) != 3)
    return FALSE;
  const char *file = parts[0], *source = parts[1], *options = parts[2];
  g_autofree char *path = ddim_cl_program_path(context, source, options);
  g_autofree char *own = path ? g_path_get_basename(path) : NULL;
  /* The device, the driver or the version of this program is not the same as in the process that
   * asks. */
  if (g_strcmp0(file, own) != 0)
    return FALSE;
  cl_program program = ddim_cl_program_build_alone(context, source, options, ignore, NULL, NULL);
  if (!program)
    return FALSE;
  clReleaseProgram(program);
  return g_file_test(path, G_FILE_TEST_EXISTS);
}

/* Compile a program that does nothing. The driver's compiler takes half a second to load its
 * libraries for its first program, and this way that may be done before the first message comes. */
static void
warm_up(DdimContext *context)
{
  const char *source = "__kernel void nothing(__global float *x) { x[get_global_id(0)] = 0.0f; }";
  cl_program program = clCreateProgramWithSource(context->context, 1, &source, NULL, NULL);
  if (!program)
    return;
  clBuildProgram(program, 1, &context->device, NULL, NULL, NULL);
  clReleaseProgram(program);
}

static int
serve(int socket, const char *device)
{
  DdimContext *context = ddim_context_new(device, NULL);
  char message[MAX_MESSAGE];
  gssize size;
  if (!context)
    return EXIT_FAILURE;
  warm_up(context);
  while ((size = recv(socket, message, sizeof message - 1, 0)) > 0) {
    message[size] = '\0';
    const char done = answer(context, message) ? '1' : '0';
    if (send(socket, &done, 1, MSG_NOSIGNAL) != 1)
      break;
  }
  return EXIT_SUCCESS;
}

/* Mesa's rusticl shows no device of a driver that RUSTICL_ENABLE does not name. Names of drivers
 * that it was built without do no harm. */
#define RUSTICL_DRIVERS "asahi,freedreno,iris,nouveau,panfrost,radeonsi,llvmpipe"

static void
set_environment(void)
{
  g_autofree char *file = g_file_read_link("/proc/self/exe", NULL);
  if (file)
    g_setenv(DDIM_COMPILE_WORKER_VARIABLE, file, FALSE);
  g_setenv("POCL_WORK_GROUP_SPECIALIZATION", "0", FALSE);
  g_setenv("RUSTICL_ENABLE", RUSTICL_DRIVERS, FALSE);
}

gboolean
ddim_compile_worker_begin(int argc, char **argv, int *status)
{
  if (argc == 3 && strcmp(argv[1], DDIM_COMPILE_WORKER) == 0) {
    *status = serve(STDIN_FILENO, argv[2]);
    return TRUE;
  }
  set_environment();
  return FALSE;
}
