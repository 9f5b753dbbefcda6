/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/data/image.h"
#include "core/job/generator.h"

G_BEGIN_DECLS

/** What a task has to show. */
typedef struct {
  char *status;    /**< what is being done now, in the user's language */
  double fraction; /**< of the whole, 0 … 1; negative while unknown */
  /** (nullable) the predicted x0, when there is one newer than the last report's */
  DdimImage *preview;
  guint index;    /**< of the image that is being made */
  gboolean ended; /**< joining will not wait */
} WorkerReport;

void worker_report_clear(WorkerReport *report);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(WorkerReport, worker_report_clear)

/** A generator in a thread of its own, watched from the main thread: what Worker and EditRun have
 * in common. It may be started again when it was joined; device and model then stay loaded. */
typedef struct {
  DdimGenerator *generator;
  GThread *thread; /**< (nullable) NULL: nothing was started, or it was joined */
  GCancellable *cancellable;

  /* Private. */
  void (*func)(gpointer user_data, GError **error);
  gpointer user_data;
  GError *error; /* the thread's own until it is joined */
  GMutex mutex;  /* guards what follows */
  GCond changed;
  gboolean news, ended;
  char *status;
  double fraction;   /* known when… */
  gint64 known;      /* …the monotonic clock was this */
  double rate, gain; /* its growth in a second, and until the next news at most; 0 when unknown */
  DdimImage *preview;
  guint index;
} Task;

/* ---- for the main thread ---- */

void task_init(Task *task);
/** A task that runs is to be cancelled and joined before. */
void task_clear(Task *task);
/** @func  is the thread's work; it reports its failure in @error */
void task_start(Task *task, void (*func)(gpointer user_data, GError **error), gpointer user_data);
/** Ask what runs to stop; it ends with G_IO_ERROR_CANCELLED within a step. */
void task_cancel(Task *task);
/** Wait until something changes, at most @milliseconds (0: not at all), then say how far it is. */
void task_poll(Task *task, guint milliseconds, WorkerReport *report);
/** Wait for the end. FALSE with the error that the work ended with. */
gboolean task_join(Task *task, GError **error);

/* ---- for the thread ---- */

/** @rate, @gain  what @fraction grows by in a second, and until the next call at most; 0 when
 * unknown */
void task_tell(Task *task, const char *status, double fraction, double rate, double gain);
/** A preview of the image @index. */
void task_show(Task *task, const DdimSample *x0, guint index);

G_END_DECLS
