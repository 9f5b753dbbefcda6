/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "plugin/work/worker.h"

G_BEGIN_DECLS

/** One worker for all that a dialog computes: drafts, thumbnails, and what the user asked for. A
 * new run takes the place of the one before, which ends after its step and is not heard of again.
 * Main thread. */
typedef struct _Runs Runs;

/** Higher ones are more important to the user. */
typedef enum { RUN_NONE, RUN_THUMBNAIL, RUN_DRAFT, RUN_FULL } RunKind;

typedef struct {
  /** Some twenty times a second. */
  void (*report)(RunKind kind, const WorkerReport *report, gpointer user_data);
  /** @result  NULL with @error set when it failed */
  void (*finished)(RunKind kind, WorkerResult *result, const GError *error, gpointer user_data);
} RunsCallbacks;

/** @callbacks  must stay */
Runs *runs_new(const RunsCallbacks *callbacks, gpointer user_data);
/** Waits for the thread, which may need the rest of its step. */
void runs_free(Runs *runs);

/** @request  as for worker_start() */
void runs_start(Runs *runs, RunKind kind, DdimRequest *request);
/** Nothing is wanted any more. */
void runs_stop(Runs *runs);
/** What is wanted now: it runs, or begins when the one before has ended. */
RunKind runs_get_kind(Runs *runs);

G_END_DECLS
