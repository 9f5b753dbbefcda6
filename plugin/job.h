/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/generator.h"
#include "core/image.h"
#include "size.h"

G_BEGIN_DECLS

/** Generation in a worker thread, watched from the main thread. It touches no libgimp and no
 * widget. All functions are for the main thread. A job may be started again when it has ended;
 * device and model then stay loaded. */
typedef struct _Job Job;

/** A finished image. */
typedef struct {
  guint channels, height, width;
  float *samples; /**< [channels][height][width], about [-1, 1] */
  char *label;    /**< (nullable) the name or number of its class */
} JobImage;

/** What a run made. */
typedef struct {
  DdimRequest *settings; /**< every open choice made; width and height as asked */
  char *command;         /**< the command that samples the same */
  char *model;           /**< the model's name */
  char *warning;         /**< (nullable) what did not keep it from being made */
  SizePlan size;
  GPtrArray *images; /**< (element-type JobImage) */
} JobResult;

void job_result_free(JobResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(JobResult, job_result_free)

typedef struct {
  char *status;    /**< what is being done now, in the user's language */
  double fraction; /**< of the whole, 0 … 1; negative while unknown */
  DdimImage
      *preview; /**< (nullable) the predicted x0, when there is one newer than the last report's */
  gboolean ended; /**< job_finish() will not wait */
} JobReport;

void job_report_clear(JobReport *report);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(JobReport, job_report_clear)

Job *job_new(void);
/** Stops what runs and waits for it. */
void job_free(Job *job);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Job, job_free)

/** @request  width or height 0: the model's size; seed -1: chosen below 2^31, so that every GIMP
 * can take it again */
void job_start(Job *job, DdimRequest *request);
gboolean job_is_running(Job *job);
/** Ask the run to stop; it ends with G_IO_ERROR_CANCELLED within a step. */
void job_cancel(Job *job);
/** Wait until something changes, at most @milliseconds (0: not at all), then say how far it is. */
void job_poll(Job *job, guint milliseconds, JobReport *report);
/** Wait for the end of the run. (transfer full) */
JobResult *job_finish(Job *job, GError **error);

G_END_DECLS
