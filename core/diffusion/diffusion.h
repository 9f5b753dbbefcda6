/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>
#include <gio/gio.h>

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

/** What the model predicts: improved_diffusion's ModelMeanType. */
typedef enum { DDIM_MEAN_EPSILON, DDIM_MEAN_START_X, DDIM_MEAN_PREVIOUS_X } DdimMeanType;

/** Where the variance of p(x_{t-1}|x_t) comes from: improved_diffusion's ModelVarType. For the
 * learned types the model's output has twice the channels of x: first the mean part, then the
 * variance part. */
typedef enum {
  DDIM_VAR_FIXED_LARGE,
  DDIM_VAR_FIXED_SMALL,
  DDIM_VAR_LEARNED,
  DDIM_VAR_LEARNED_RANGE
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

/** DDIM_ERROR_ARGUMENT as ddim_betas_new() and ddim_space_timesteps() say. */
DdimDiffusion *ddim_diffusion_new(const DdimDiffusionParams *params, GError **error);
/** As above, from params->diffusion_steps betas of the caller's own, copied; noise_schedule is not
 * read. DDIM_ERROR_ARGUMENT when one is outside (0, 1], too small to change 1, or when
 * alphas_cumprod vanishes before the last step. */
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
/** Channels of the model's output for @channels channels of x: twice as many for learned variances.
 */
guint ddim_diffusion_get_model_channels(const DdimDiffusion *diffusion, guint channels);

/** One sampler step as arithmetic on elements, so that a host loop and a device kernel do the same.
 * With m the model's mean output, v its variance output and z standard normal noise:
 *
 *   x0   = clamp(x0_x * x + x0_m * m, -1, 1)              (clamped only with `clip`)
 *   next = next_x * x + next_x0 * x0 + next_m * m + sigma * z
 *
 * where sigma is `sigma` for DDIM_SIGMA_FIXED, exp(v / 2) for DDIM_SIGMA_LEARNED, and
 * exp((f * max_log + (1-f) * min_log) / 2), f = (v + 1) / 2, for DDIM_SIGMA_LEARNED_RANGE. */
typedef enum { DDIM_SIGMA_FIXED, DDIM_SIGMA_LEARNED, DDIM_SIGMA_LEARNED_RANGE } DdimSigmaType;

typedef struct {
  double x0_x, x0_m;
  double next_x, next_x0, next_m;
  gboolean clip;
  DdimSigmaType sigma_type;
  double sigma; /**< DDIM_SIGMA_FIXED: 0 when the noise is drawn but not used (eta 0, or t = 0) */
  double min_log, max_log; /**< only for DDIM_SIGMA_LEARNED_RANGE */
} DdimStep;

/** Equation 12 of the paper; GaussianDiffusion.ddim_sample: x_t -> x_{t-1}. eps is derived again
 * from the clipped x0. @eta at least 0; DDIM_ERROR_ARGUMENT when eta makes 1 - abar_prev - sigma^2
 * negative. */
gboolean ddim_diffusion_ddim_step(const DdimDiffusion *diffusion, guint t, double eta,
                                  gboolean clip, DdimStep *step, GError **error);
/** GaussianDiffusion.p_sample: x_t -> x_{t-1}, ancestral. */
void ddim_diffusion_ddpm_step(const DdimDiffusion *diffusion, guint t, gboolean clip,
                              DdimStep *step);
/** GaussianDiffusion.ddim_reverse_sample: x_t -> x_{t+1}, deterministic. */
void ddim_diffusion_reverse_step(const DdimDiffusion *diffusion, guint t, gboolean clip,
                                 DdimStep *step);

/** Whether the step reads its noise. */
static inline gboolean
ddim_step_uses_noise(const DdimStep *step)
{
  return step->sigma_type != DDIM_SIGMA_FIXED || step->sigma != 0;
}

/** Apply @step to @n images of @plane elements (C*H*W) each.
 * @x       [n][plane]: x_t in, x_{t-1} out
 * @output  the model's output: [n][plane], or [n][2][plane] when @learned
 * @noise   [n][plane] or NULL when the step needs none
 * @x0      NULL, or [n][plane] that receives the predicted x0 */
void ddim_step_apply(const DdimStep *step, gsize n, gsize plane, gboolean learned, double *x,
                     const double *output, const double *noise, double *x0);

/** More noise than this is asked for by mistake. */
#define DDIM_MAX_ETA 10

typedef enum { DDIM_SAMPLER_DDIM, DDIM_SAMPLER_DDPM, DDIM_SAMPLER_REVERSE } DdimSampler;

typedef struct {
  DdimSampler sampler;
  double eta;    /**< DDIM only: 0 deterministic, 1 as noisy as DDPM */
  gboolean clip; /**< clip_denoised */
} DdimSampleParams;

#define DDIM_SAMPLE_PARAMS_INIT                                                                    \
  {                                                                                                \
    .sampler = DDIM_SAMPLER_DDIM, .eta = 0, .clip = TRUE                                           \
  }

/** The step of @params' sampler at @t, with its eta and clip. DDIM_ERROR_ARGUMENT for an eta out of
 * range. */
gboolean ddim_diffusion_get_step(const DdimDiffusion *diffusion, const DdimSampleParams *params,
                                 guint t, DdimStep *step, GError **error);

/** A denoising model seen from a sampler: anything that maps x_t to eps (or x0, or x_{t-1}). */
typedef struct {
  /** @x [n][plane]; @timestep as ddim_diffusion_get_model_timestep() gives it, the same for all
   * images;
   * @output [n][plane] or [n][2][plane], see ddim_step_apply(). Returns FALSE with @error set to
   * stop. */
  gboolean (*predict)(gpointer user_data, const double *x, double timestep, gsize n, gsize plane,
                      double *output, GError **error);
  gpointer user_data;
} DdimModel;

/** Source of standard normal noise: fill @out with @n values. It is called once for every step,
 * also for those that do not use the noise, as the original draws it; DDIM_SAMPLER_REVERSE draws
 * none. */
typedef void (*DdimNoiseFunc)(gpointer user_data, double *out, gsize n);

/** The whole loop on the host in float64: ddim_sample_loop, p_sample_loop or
 * ddim_reverse_sample_loop.
 * @x      [n][plane]: the starting x_T (for REVERSE: the image) in, the result out; after a failure
 * an intermediate state.
 * @noise  may be NULL when no step uses it (see ddim_step_uses_noise())
 * Errors: an eta out of range (before the model is first called), no memory, cancelled, the model's
 * own. */
gboolean ddim_diffusion_sample(const DdimDiffusion *diffusion, const DdimSampleParams *params,
                               const DdimModel *model, gsize n, gsize plane, double *x,
                               DdimNoiseFunc noise, gpointer noise_data, GCancellable *cancellable,
                               GError **error);

G_END_DECLS
