/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/job/callbacks.h"
#include "plugin/image/size.h"

G_BEGIN_DECLS

/** How far a run of several images is, each made by one or two jobs of the generator, and how much
 * time is left: from what was measured on this device before, later from the run itself. All
 * members are this file's own. */
typedef struct {
  char *device, *model, *precision;
  guint width, height; /* of what is sampled */
  guint n_images;
  double weight;            /* the part of an image's time that its first job takes */
  guint image;              /* the one that is being made */
  gboolean enlarging;       /* by its second job */
  double estimate;          /* seconds for a step of the first job; negative when unknown */
  double first_step, total; /* seconds, of the current job; total as the generator expects it */
  double measured;          /* seconds for a step; 0 when nothing was measured */
} WorkerProgress;

/** What to show. */
typedef struct {
  char *text; /**< (transfer full) */
  double fraction;
  double rate; /**< what the fraction grows by in a second; 0 when unknown */
  double gain; /**< and at most until the next step is done */
} WorkerMoment;

/** @size  of what is sampled; @width, @height  asked for, see worker_start() */
void worker_progress_init(WorkerProgress *progress, DdimRequest *request, const char *model,
                          const SizePlan *size, guint width, guint height, guint scale);
/** A job begins. */
void worker_progress_next(WorkerProgress *progress, guint image, gboolean enlarging);
WorkerMoment worker_progress_update(WorkerProgress *progress, const DdimProgress *job);
/** The run is over: remember what was measured, and free what is held. In the main thread. */
void worker_progress_remember(WorkerProgress *progress);

/** How many times as long as the sampling of @size it takes to let a model enlarge it to @width x
 * @height in windows. */
double worker_progress_enlarging(const SizePlan *size, guint width, guint height, guint scale);

G_END_DECLS
