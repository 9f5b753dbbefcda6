/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "plugin/work/result.h"
#include "plugin/work/task.h"

G_BEGIN_DECLS

/** Generation in a worker thread, watched from the main thread. It touches no libgimp and no
 * widget. All functions are for the main thread. A worker may be started again when it has ended;
 * device and model then stay loaded. */
typedef struct _Job Worker;

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
/** For watching the run, and stopping it. (transfer none) */
Task *worker_get_task(Worker *worker);
/** Wait for the end of the run. (transfer full) */
WorkerResult *worker_finish(Worker *worker, GError **error);

G_END_DECLS
