/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/job/generator.h"
#include "core/data/image.h"
#include "plugin/work/result.h"

G_BEGIN_DECLS

/** Generation in a worker thread, watched from the main thread. It touches no libgimp and no
 * widget. All functions are for the main thread. A worker may be started again when it has ended;
 * device and model then stay loaded. */
typedef struct _Job Worker;

typedef struct {
  char *status;    /**< what is being done now, in the user's language */
  double fraction; /**< of the whole, 0 … 1; negative while unknown */
  /** (nullable) the predicted x0, when there is one newer than the last report's */
  DdimImage *preview;
  guint index;    /**< of the image that is being made */
  gboolean ended; /**< worker_finish() will not wait */
} WorkerReport;

void worker_report_clear(WorkerReport *report);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(WorkerReport, worker_report_clear)

Worker *worker_new(void);
/** Stops what runs and waits for it. */
void worker_free(Worker *worker);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Worker, worker_free)

/** Begin to make images. Each has its own seed, one higher than that of the one before, and of
 * several classes the next one, so that it can be made again alone.
 * @request  width or height 0: the model's size; seed -1: chosen below 2^31, so that every GIMP
 * can take it again; scale above 1: sampled that many times smaller, then enlarged by the model, so
 * that features are larger */
void worker_start(Worker *worker, DdimRequest *request);
gboolean worker_is_running(Worker *worker);
/** Ask the run to stop; it ends with G_IO_ERROR_CANCELLED within a step. */
void worker_cancel(Worker *worker);
/** Wait until something changes, at most @milliseconds (0: not at all), then say how far it is. */
void worker_poll(Worker *worker, guint milliseconds, WorkerReport *report);
/** Wait for the end of the run. (transfer full) */
WorkerResult *worker_finish(Worker *worker, GError **error);

G_END_DECLS
