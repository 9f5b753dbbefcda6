/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** Gaussian diffusion over a respaced schedule: improved_diffusion's SpacedDiffusion.
 *
 * Index convention: `t` counts the RESPACED steps, 0 … num_timesteps-1, 0 being the least noisy.
 * Tables and steps are float64 throughout (the original rounds table entries to the tensor's
 * float32). A DdimDiffusion is immutable after creation and may be used from any thread.
 *
 * Two cases in which the original fails or yields NaN have a meaning here:
 * - A single kept step ("1"). There is no posterior_variance[1] to clip with, so betas[0], the
 * upper bound of the variance, stands for it. No sample depends on it: the only step is the last
 * one, which adds no noise.
 * - alphas_cumprod[last] = 0 (a last beta of 1, as linear with T = 20 has). x_T is then pure noise
 * and tells nothing of x0: with DDIM_MEAN_EPSILON x0 is taken as 0, and eps is x_T. */
typedef struct _DdimDiffusion DdimDiffusion;

/** What the model predicts: improved_diffusion's ModelMeanType, and v = sqrt(alphas_cumprod) * eps
 * - sqrt(1 - alphas_cumprod) * x0 (Salimans and Ho 2022, arXiv 2202.00512). */
typedef enum {
  DDIM_MEAN_EPSILON,
  DDIM_MEAN_START_X,
  DDIM_MEAN_PREVIOUS_X,
  DDIM_MEAN_VELOCITY
} DdimMeanType;

/** Where the variance of p(x_{t-1}|x_t) comes from: improved_diffusion's ModelVarType. For the
 * learned types the model's output has twice the channels of x: first the mean part, then the
 * variance part. In that, LEARNED models of improved_diffusion have the variance's logarithm, and
 * "learned" models of diffusers' DDPMScheduler the variance itself. */
typedef enum {
  DDIM_VAR_FIXED_LARGE,
  DDIM_VAR_FIXED_SMALL,
  DDIM_VAR_LEARNED,
  DDIM_VAR_LEARNED_RANGE,
  DDIM_VAR_LEARNED_PLAIN /**< diffusers' "learned" */
} DdimVarType;

typedef struct {
  const char *noise_schedule;     /**< "linear" or "cosine" */
  guint diffusion_steps;          /**< T of the original process */
  const char *timestep_respacing; /**< see ddim_space_timesteps() */
  DdimMeanType mean_type;
  DdimVarType var_type;
  gboolean rescale_timesteps; /**< the model gets timestep * 1000/T instead of timestep */
} DdimDiffusionParams;

/** improved_diffusion's defaults: linear, 1000 steps, no respacing, epsilon, fixed large. */
#define DDIM_DIFFUSION_PARAMS_INIT                                                                 \
  {                                                                                                \
    .noise_schedule = "linear", .diffusion_steps = 1000, .timestep_respacing = "",                 \
    .mean_type = DDIM_MEAN_EPSILON, .var_type = DDIM_VAR_FIXED_LARGE                               \
  }

/** Errors: those of ddim_betas_new() and ddim_space_timesteps(). */
DdimDiffusion *ddim_diffusion_new(const DdimDiffusionParams *params, GError **error);
/** The same, but with betas of the caller's own: params->diffusion_steps of them, which are copied.
 * noise_schedule is not read. DDIM_ERROR_ARGUMENT when one is outside (0, 1], too small to change
 * 1, or when alphas_cumprod vanishes before the last step. */
DdimDiffusion *ddim_diffusion_new_from_betas(const double *betas, const DdimDiffusionParams *params,
                                             GError **error);
void ddim_diffusion_free(DdimDiffusion *diffusion);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimDiffusion, ddim_diffusion_free)

typedef enum {
  DDIM_TABLE_BETAS,
  DDIM_TABLE_ALPHAS_CUMPROD,
  DDIM_TABLE_ALPHAS_CUMPROD_PREV, /**< [0] = 1 */
  DDIM_TABLE_ALPHAS_CUMPROD_NEXT, /**< [last] = 0 */
  DDIM_TABLE_POSTERIOR_VARIANCE,
  DDIM_TABLE_POSTERIOR_LOG_VARIANCE_CLIPPED, /**< [0] = log(posterior_variance[1]) */
  DDIM_TABLE_POSTERIOR_MEAN_COEF1,
  DDIM_TABLE_POSTERIOR_MEAN_COEF2,
  DDIM_N_TABLES
} DdimTable;

guint ddim_diffusion_get_num_timesteps(const DdimDiffusion *diffusion);
/** (transfer none) num_timesteps values, living as long as @diffusion. */
const double *ddim_diffusion_get_table(const DdimDiffusion *diffusion, DdimTable table);
/** The improved_diffusion name of a table: "alphas_cumprod". */
const char *ddim_table_get_name(DdimTable table);
/** (transfer none) num_timesteps entries: respaced index -> timestep of the original process. */
const guint *ddim_diffusion_get_timestep_map(const DdimDiffusion *diffusion);
/** The timestep that the model receives at respaced index @t: timestep_map[t], rescaled if asked
 * (in float32, as the original's tensor is). */
double ddim_diffusion_get_model_timestep(const DdimDiffusion *diffusion, guint t);
DdimMeanType ddim_diffusion_get_mean_type(const DdimDiffusion *diffusion);
DdimVarType ddim_diffusion_get_var_type(const DdimDiffusion *diffusion);
/** Channels of the model's output for @channels channels of x: twice as many for learned variances.
 */
guint ddim_diffusion_get_model_channels(const DdimDiffusion *diffusion, guint channels);

/** GaussianDiffusion.q_sample: x_t = @signal * x_0 + @noise * z, z standard normal, at respaced
 * index
 * @t; sqrt(alphas_cumprod[t]) and sqrt(1 - alphas_cumprod[t]). */
void ddim_diffusion_q_sample(const DdimDiffusion *diffusion, guint t, double *signal,
                             double *noise);

G_END_DECLS
