/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/dialog/runs.h"

#include <glib/gi18n-lib.h>

/* Milliseconds between two looks at the worker. */
#define POLL_INTERVAL 50

struct _Runs {
  const RunsCallbacks *callbacks;
  gpointer user_data;
  Worker *worker;
  guint poll;        /* the event source that looks at the worker; 0: no thread runs */
  RunKind kind;      /* what is wanted */
  DdimRequest *next; /* (nullable) to be started when the worker, which is stopped, has ended */
};

Runs *
runs_new(const RunsCallbacks *callbacks, gpointer user_data)
{
  Runs *runs = g_new0(Runs, 1);

  runs->callbacks = callbacks;
  runs->user_data = user_data;
  runs->worker = worker_new();
  return runs;
}

void
runs_free(Runs *runs)
{
  if (runs->poll)
    g_source_remove(runs->poll);
  worker_free(runs->worker);
  g_clear_object(&runs->next);
  g_free(runs);
}

RunKind
runs_get_kind(Runs *runs)
{
  return runs->kind;
}

static gboolean on_poll(gpointer user_data);

static void
start(Runs *runs, DdimRequest *request)
{
  worker_start(runs->worker, request);
  runs->poll = g_timeout_add(POLL_INTERVAL, on_poll, runs);
}

static void
finish(Runs *runs)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(WorkerResult) result = worker_finish(runs->worker, &error);
  g_autoptr(DdimRequest) next = g_steal_pointer(&runs->next);
  RunKind kind = runs->kind;

  runs->poll = 0;
  if (next) {
    start(runs, next);
    return;
  }
  runs->kind = RUN_NONE;
  if (kind != RUN_NONE)
    runs->callbacks->finished(kind, result, error, runs->user_data);
}

static gboolean
on_poll(gpointer user_data)
{
  Runs *runs = user_data;
  g_auto(WorkerReport) report = {0};

  task_poll(worker_get_task(runs->worker), 0, &report);
  if (runs->kind != RUN_NONE && !runs->next)
    runs->callbacks->report(runs->kind, &report, runs->user_data);
  if (!report.ended)
    return G_SOURCE_CONTINUE;
  finish(runs);
  return G_SOURCE_REMOVE;
}

void
runs_start(Runs *runs, RunKind kind, DdimRequest *request)
{
  g_clear_object(&runs->next);
  runs->kind = kind;
  if (!runs->poll) {
    start(runs, request);
    return;
  }
  task_cancel(worker_get_task(runs->worker));
  runs->next = ddim_request_copy(request);
}

void
runs_stop(Runs *runs)
{
  g_clear_object(&runs->next);
  runs->kind = RUN_NONE;
  task_cancel(worker_get_task(runs->worker));
}
