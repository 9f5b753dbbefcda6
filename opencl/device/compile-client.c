/* SPDX-License-Identifier: LGPL-3.0-or-later */
#define _GNU_SOURCE /* sched_getaffinity() */
#include "opencl/device/compile-client.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "opencl/device/compile-worker.h"
#include "opencl/device/program-build.h"

/* The most workers. Each takes some 150 MiB while it compiles. */
#define MAX_WORKERS 8
/* A worker that has not answered after this time was stopped or hangs. No program takes a tenth of
 * it to compile. */
#define TIMEOUT_MS (120 * 1000)
/* A worker that failed this often is not started again. */
#define MAX_FAILURES 2

struct _DdimClCompileClient {
  DdimContext *context;
  guint failures;
  GMutex mutex; /* protects the following members */
  gboolean stopped;
  GPid pid; /* 0: no worker runs */
  int socket;
};

/* The number of processors that this process may use. Not every version of GLib counts only
 * these. */
static guint
count_processors(void)
{
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    return (guint)CPU_COUNT(&set);
  return g_get_num_processors();
}

guint
ddim_cl_compile_client_count(DdimContext *context)
{
  const guint processors = count_processors();
  const gboolean holds_up = strstr(context->info->platform, "Portable Computing Language") != NULL;
  if (!holds_up || processors < 2 || !g_getenv(DDIM_COMPILE_WORKER_VARIABLE))
    return 0;
  return MIN(processors, MAX_WORKERS);
}

DdimClCompileClient *
ddim_cl_compile_client_new(DdimContext *context)
{
  DdimClCompileClient *client = g_new0(DdimClCompileClient, 1);
  client->context = context;
  client->socket = -1;
  g_mutex_init(&client->mutex);
  return client;
}

/* Kill the worker. It has nothing that could be lost: a file of the cache is either complete or not
 * there. The caller holds the mutex. */
static void
end_locked(DdimClCompileClient *client)
{
  if (!client->pid)
    return;
  kill(client->pid, SIGKILL);
  while (waitpid(client->pid, NULL, 0) < 0 && errno == EINTR)
    ;
  g_spawn_close_pid(client->pid);
  close(client->socket);
  client->pid = 0;
  client->socket = -1;
}

void
ddim_cl_compile_client_rest(DdimClCompileClient *client)
{
  g_mutex_lock(&client->mutex);
  end_locked(client);
  g_mutex_unlock(&client->mutex);
}

void
ddim_cl_compile_client_free(DdimClCompileClient *client)
{
  if (!client)
    return;
  ddim_cl_compile_client_rest(client);
  g_mutex_clear(&client->mutex);
  g_free(client);
}

void
ddim_cl_compile_client_stop(DdimClCompileClient *client)
{
  g_mutex_lock(&client->mutex);
  client->stopped = TRUE;
  /* A thread that waits for the worker's answer then reads the end of the stream. */
  if (client->pid)
    kill(client->pid, SIGKILL);
  g_mutex_unlock(&client->mutex);
}

static gboolean
start_locked(DdimClCompileClient *client)
{
  const char *program = g_getenv(DDIM_COMPILE_WORKER_VARIABLE);
  int sockets[2];
  if (client->pid || client->stopped || !program)
    return client->pid != 0 && !client->stopped;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0)
    return FALSE;
  g_autofree char *device = g_strdup_printf("%u", client->context->info->index);
  const char *argv[] = {program, DDIM_COMPILE_WORKER, device, NULL};
  /* What the driver prints in the worker is discarded, because nobody asked for it. */
  const GSpawnFlags flags =
      G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL;
  const gboolean started = g_spawn_async_with_fds(NULL, (char **)argv, NULL, flags, NULL, NULL,
                                                  &client->pid, sockets[1], -1, -1, NULL);
  close(sockets[1]);
  if (!started) {
    close(sockets[0]);
    client->pid = 0;
    return FALSE;
  }
  client->socket = sockets[0];
  return TRUE;
}

void
ddim_cl_compile_client_start(DdimClCompileClient *client)
{
  g_mutex_lock(&client->mutex);
  start_locked(client);
  g_mutex_unlock(&client->mutex);
}

static gboolean
is_answered(int socket)
{
  struct pollfd wait = {.fd = socket, .events = POLLIN};
  char done = '0';
  int n;
  while ((n = poll(&wait, 1, TIMEOUT_MS)) < 0 && errno == EINTR)
    ;
  return n > 0 && recv(socket, &done, 1, 0) == 1 && done == '1';
}

gboolean
ddim_cl_compile_client_build(DdimClCompileClient *client, const char *source, const char *options)
{
  if (client->failures >= MAX_FAILURES)
    return FALSE;
  g_autofree char *path = ddim_cl_program_path(client->context, source, options);
  g_autofree char *file = g_path_get_basename(path);
  g_autofree char *message = g_strdup_printf("%s\n%s\n%s", file, source, options);
  const gssize size = (gssize)strlen(message);
  g_mutex_lock(&client->mutex);
  const gboolean started = start_locked(client);
  g_mutex_unlock(&client->mutex);
  /* The mutex is not needed here: no other thread changes the socket. */
  if (started && send(client->socket, message, (gsize)size, MSG_NOSIGNAL) == size &&
      is_answered(client->socket))
    return TRUE;
  client->failures++;
  ddim_cl_compile_client_rest(client);
  return FALSE;
}
