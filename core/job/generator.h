/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <gio/gio.h>
#include "core/model/config.h"
#include "opencl/device/device.h"
#include "core/job/request.h"

G_BEGIN_DECLS

/** Generation jobs: a request in, images out. A generator keeps the device, the model and the last
 * plan, so a second job of the same kind starts at once. Create it in any thread; run one job at a
 * time. All callbacks are called in the thread that runs the job; front ends with a main loop run
 * the job in a worker thread and hand over. */
typedef struct _DdimGenerator DdimGenerator;

DdimGenerator *ddim_generator_new(void);
void ddim_generator_free(DdimGenerator *generator);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimGenerator, ddim_generator_free)

typedef struct {
  guint image, n_images; /**< images finished, of how many */
  guint batch;           /**< images in the current batch */
  guint step, n_steps;   /**< steps done in the current batch */
  double fraction;       /**< of the whole job, 0 … 1 */
  double elapsed;        /**< seconds since sampling began */
  double remaining;      /**< seconds left, negative while unknown */
} DdimProgress;

/** A finished image or a preview (the predicted x0). Valid during the callback. */
typedef struct {
  guint index; /**< 0 … count-1 */
  guint channels, height, width;
  const float *samples;   /**< [channels][height][width], about [-1, 1] */
  gint64 label;           /**< -1: unconditional */
  const char *label_name; /**< (nullable) */
} DdimSample;

typedef struct {
  /** What is being done before the first step: "Loading textures", "Building kernels (first run
   * only)". */
  void (*status)(const char *what, double fraction, gpointer user_data);
  /** Once, before the first step: the request with every open choice made (seed, size, batch,
   * model). Random classes stay open in it: they are drawn from the seed's numbers, so the same
   * request draws the same again. */
  void (*started)(DdimRequest *resolved, DdimConfig *config, gpointer user_data);
  void (*progress)(const DdimProgress *progress, gpointer user_data);
  /** After a step, when not NULL: the predicted x0 of the batch's first image. At most about ten a
   * second. */
  void (*preview)(const DdimSample *x0, gpointer user_data);
  /** Each finished image, in order. FALSE with @error set stops the job. */
  gboolean (*image)(const DdimSample *sample, gpointer user_data, GError **error);
} DdimGeneratorCallbacks;

/** Run the job. Any callback may be NULL. Cancelling stops within a step with G_IO_ERROR_CANCELLED;
 * images handed out before stay valid. Batches and seed: one generator stream over all batches, x_T
 * of a batch drawn as one tensor, then one draw per step, as the original's image_sample.py does.
 * Random classes are drawn before x_T; x_T is not drawn when init-noise is given. The last batch
 * draws for all its images and computes only those wanted. Errors: those of the request, the model,
 * the device, and G_IO_ERROR_CANCELLED. */
gboolean ddim_generator_run(DdimGenerator *generator, DdimRequest *request,
                            const DdimGeneratorCallbacks *callbacks, gpointer user_data,
                            GCancellable *cancellable, GError **error);

/** The device of the last job; NULL before the first. (transfer none) (nullable) */
const DdimDeviceInfo *ddim_generator_get_device(DdimGenerator *generator);
/** See ddim_context_get_tuning_problem(); NULL before the first job. (transfer none) (nullable) */
const char *ddim_generator_get_tuning_problem(DdimGenerator *generator);

G_END_DECLS
