/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

#include "core/job/callbacks.h"
#include "core/data/npy.h"
#include "core/job/job.h"
#include "core/network/device-sampling.h"

G_BEGIN_DECLS

/** Runs the sampling loops of one job on its device and reports on them. A batch of images takes
 * one loop, or several where an image is computed in windows. Private to the job's folder; members
 * are read by everyone, and set by the functions below unless they say otherwise. */
typedef struct {
  /* Owned by the caller. */
  DdimSession *session;
  const DdimJob *job;
  const DdimGeneratorCallbacks *callbacks;
  gpointer user_data;
  GCancellable *cancellable;
  guint first, n;      /**< what is computed now: the first image, and how many */
  guint skip;          /**< how many images of the batch come in front of those */
  guint most;          /**< how many images are computed at a time; 0: a batch */
  guint8 *wanted;      /**< [count] for each image; NULL: all are wanted */
  guint before, total; /**< images in the batches that are computed: before this one, and in all */
  guint loop, n_loops; /**< which loop of the batch, of how many */

  DdimWindowChoice windows;   /**< the job's, unless the device has no memory for one piece */
  const DdimStepTable *steps; /**< of the current loop */
  guint done;                 /**< how many of them are done */
  DdimEvaluator *evaluator;   /**< of the current loop */
  DdimSamplerState *state;    /**< of the current loop */
  DdimArray *images;          /**< [batch][C][H][W]: where a loop starts and what it ends with */
  gint64 *labels;             /**< [batch] of the current batch */
  gint64 started, previewed;  /**< monotonic microseconds */
  gint64 warm;                /**< when the first step was over, which may build kernels */
  double warm_done;           /**< image-steps done then */
} DdimRunner;

void ddim_runner_clear(DdimRunner *runner);
/** For the status callback. */
DdimNetworkParams ddim_runner_get_network_params(const DdimRunner *runner);
/** Begin to run the job @job. */
void ddim_runner_set_job(DdimRunner *runner, DdimSession *session, const DdimJob *job);
/** Make the evaluator that computes runner->n images of the job's size, in one piece or in windows,
 * and the memory for them. Does nothing when they are there already. Errors: as
 * ddim_evaluator_new(); no memory. */
gboolean ddim_runner_prepare(DdimRunner *runner, GError **error);
/** From now on compute in windows, because nothing has the memory for one piece, or in smaller
 * ones. FALSE where the
 * request says how, where a window would be no smaller, or where sampling has begun. */
gboolean ddim_runner_use_windows(DdimRunner *runner);
/** From now on compute one window at a time. FALSE where there are none, or where it is so. */
gboolean ddim_runner_use_windows_one_by_one(DdimRunner *runner);
/** How many values one image has. */
gsize ddim_runner_get_image_size(const DdimRunner *runner);
/** Ask which images are wanted. To be called before the first batch. Errors: no memory, and those
 * of the callback. */
gboolean ddim_runner_select(DdimRunner *runner, GError **error);
/** Whether any of @n images from @first on is wanted. */
gboolean ddim_runner_wants(const DdimRunner *runner, guint first, guint n);
/** Begin to draw for a batch, and choose its classes: those of the job in turn, else random ones,
 * which are drawn. */
void ddim_runner_begin_batch(DdimRunner *runner);
/** Memory for runner->images and labels. ddim_runner_prepare() does the same. */
gboolean ddim_runner_have_images(DdimRunner *runner, GError **error);
/** One torch.randn for the whole batch, also when fewer images are computed. @out
 * [job->batch][C][H][W]; the numbers of the current images come first */
void ddim_runner_draw(DdimRunner *runner, float *out);
/** Run a loop. It starts with runner->images and leaves its result there. The first loop of a job
 * calls `started`.
 * @hooks  (nullable) that come before the runner's own
 * Errors: as ddim_sampling_run(). */
gboolean ddim_runner_run(DdimRunner *runner, const DdimStepTable *steps,
                         const DdimSamplingHooks *hooks, guint n_hooks, GError **error);
/** Image @i of the batch. */
DdimSample ddim_runner_get_sample(const DdimRunner *runner, guint i);
/** Hand out image @i of the batch, if it is wanted. @picture  (nullable) see DdimSample */
gboolean ddim_runner_finish_image(DdimRunner *runner, guint i, const DdimImage *picture,
                                  GError **error);

G_END_DECLS
