/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/job/generator.h"
#include "core/data/image.h"
#include "plugin/image/size.h"

G_BEGIN_DECLS

/** Generation in a worker thread, watched from the main thread. It touches no libgimp and no
 * widget. All functions are for the main thread. A worker may be started again when it has ended;
 * device and model then stay loaded. */
typedef struct _Job Worker;

/** A finished image, which can be made again alone. */
typedef struct {
  guint channels, height, width;
  float *samples;        /**< [channels][height][width], about [-1, 1] */
  DdimImage *picture;    /**< (nullable) the image as bytes, in place of `samples` */
  char *label;           /**< (nullable) the name or number of its class */
  DdimRequest *settings; /**< every open choice made; width and height as asked; count 1 */
  char *command;         /**< the commands that sample the same */
} WorkerImage;

/** What a run made. */
typedef struct {
  DdimRequest *settings; /**< of all images: seed is the first one's, the next have the next ones */
  char *model;           /**< the model's name */
  char *warning;         /**< (nullable) a problem that did not stop the run */
  SizePlan size; /**< of what was sampled, which is then enlarged by the request's scale; width 0:
                    the model's own */
  gboolean frames;   /**< images are frames of a film: the first one is the lowest layer */
  GPtrArray *images; /**< (element-type WorkerImage) */
} WorkerResult;

/** Without images. */
WorkerResult *worker_result_new(void);
void worker_result_free(WorkerResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WorkerResult, worker_result_free)

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
