/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/diffusion/scheduler.h"

G_BEGIN_DECLS

typedef struct {
  guint n_steps; /**< num_inference_steps. PNDM evaluates the model more often than that */
  double eta;    /**< of DDIM */
  /** Steps use the output only through x0, so that x0 can be corrected. DDIM with clipping then
   * derives eps from the clipped x0: diffusers' use_clipped_model_output. */
  gboolean follows_x0;
} DdimSchedulerRun;

/** Its betas as other samplers need them: num_train_timesteps float32 values, rescaled to a last
 * one of 1 with rescale_betas_zero_snr. (transfer full) DDIM_ERROR_ARGUMENT: no memory. */
double *ddim_scheduler_new_betas(const DdimScheduler *scheduler, GError **error);

/** What the steps of a scheduler are made from. */
typedef struct {
  const DdimScheduler *scheduler;
  const DdimSchedulerRun *run;
  float *alphas_cumprod; /**< [num_train_timesteps] */
  float final_alpha_cumprod;
  gint64 *timesteps; /**< [n]: one for each step */
  guint n;
  float *sigmas; /**< [n + 1]: of DPM and UniPC, else zeros */
} DdimSchedulerPlan;

/** alphas_cumprod, timesteps and sigmas; @scheduler and @run are kept. Clear it also after a
 * failure. Errors: as ddim_scheduler_new_steps(). */
gboolean ddim_scheduler_plan_init(DdimSchedulerPlan *plan, const DdimScheduler *scheduler,
                                  const DdimSchedulerRun *run, GError **error);
void ddim_scheduler_plan_clear(DdimSchedulerPlan *plan);
/** alphas_cumprod at a timestep; final_alpha_cumprod below 0. */
float ddim_scheduler_plan_get_previous(const DdimSchedulerPlan *plan, gint64 timestep);

G_END_DECLS
