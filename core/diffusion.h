/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>
#include <gio/gio.h>

G_BEGIN_DECLS

/** Gaussian diffusion over a respaced schedule: improved_diffusion's SpacedDiffusion.
 *
 * Index convention: `t` counts the RESPACED steps, 0 … num_timesteps-1, 0 being the least noisy. Tables
 * are float64. A DdimDiffusion is immutable after creation and may be used from any thread. */
typedef struct _DdimDiffusion DdimDiffusion;

/** What the model predicts: improved_diffusion's ModelMeanType. */
typedef enum { DDIM_MEAN_EPSILON, DDIM_MEAN_START_X, DDIM_MEAN_PREVIOUS_X } DdimMeanType;

/** Where the variance of p(x_{t-1}|x_t) comes from: improved_diffusion's ModelVarType. For the learned
 * types the model's output has twice the channels of x: first the mean part, then the variance part. */
typedef enum {
  DDIM_VAR_FIXED_LARGE,
  DDIM_VAR_FIXED_SMALL,
  DDIM_VAR_LEARNED,
  DDIM_VAR_LEARNED_RANGE
} DdimVarType;

typedef struct {
  const char *noise_schedule;      /**< "linear" or "cosine" */
  guint diffusion_steps;           /**< T of the original process */
  const char *timestep_respacing;  /**< see ddim_space_timesteps() */
  DdimMeanType mean_type;
  DdimVarType var_type;
  gboolean rescale_timesteps;      /**< the model gets timestep * 1000/T instead of timestep */
} DdimDiffusionParams;

/** improved_diffusion's defaults: linear, 1000 steps, no respacing, epsilon, fixed large. */
#define DDIM_DIFFUSION_PARAMS_INIT                                                                 \
  {                                                                                                \
    .noise_schedule = "linear", .diffusion_steps = 1000, .timestep_respacing = "",                 \
    .mean_type = DDIM_MEAN_EPSILON, .var_type = DDIM_VAR_FIXED_LARGE                               \
  }

DdimDiffusion *ddim_diffusion_new(const DdimDiffusionParams *params, GError **error);
/** As above, from betas of the caller's own, each in (0, 1]; @params' noise_schedule is not read. */
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
/** The timestep that the model receives at respaced index @t: timestep_map[t], rescaled if asked. */
double ddim_diffusion_get_model_timestep(const DdimDiffusion *diffusion, guint t);
/** Channels of the model's output for @channels channels of x: twice as many for learned variances. */
guint ddim_diffusion_get_model_channels(const DdimDiffusion *diffusion, guint channels);

/** One sampler step as arithmetic on elements, so that a host loop and a device kernel do the same. With m the
 * model's mean output, v its variance output and z standard normal noise:
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
  double sigma;            /**< 0: the noise is drawn but not used (eta 0, or the last step) */
  double min_log, max_log; /**< only for DDIM_SIGMA_LEARNED_RANGE */
} DdimStep;

/** Equation 12 of the paper; GaussianDiffusion.ddim_sample: x_t -> x_{t-1}. eps is derived again from
 * the clipped x0. @eta at least 0; DDIM_ERROR_ARGUMENT when eta makes 1 - abar_prev - sigma^2 negative. */
gboolean ddim_diffusion_ddim_step(const DdimDiffusion *diffusion, guint t, double eta, gboolean clip,
                                  DdimStep *step, GError **error);
/** GaussianDiffusion.p_sample: x_t -> x_{t-1}, ancestral. */
void ddim_diffusion_ddpm_step(const DdimDiffusion *diffusion, guint t, gboolean clip, DdimStep *step);
/** GaussianDiffusion.ddim_reverse_sample: x_t -> x_{t+1}, deterministic. */
void ddim_diffusion_reverse_step(const DdimDiffusion *diffusion, guint t, gboolean clip, DdimStep *step);

/** Apply @step to @n images of @plane elements (C*H*W) each.
 * @x       [n][plane]: x_t in, x_{t-1} out
 * @output  the model's output: [n][plane], or [n][2][plane] when @learned
 * @noise   [n][plane] or NULL when the step needs none
 * @x0      NULL, or [n][plane] that receives the predicted x0 */
void ddim_step_apply(const DdimStep *step, gsize n, gsize plane, gboolean learned, double *x,
                     const double *output, const double *noise, double *x0);

/** A denoising model seen from a sampler: anything that maps x_t to eps (or x0, or x_{t-1}). */
typedef struct {
  /** @x [n][plane]; @timestep as ddim_diffusion_get_model_timestep() gives it, the same for all images;
   * @output [n][plane] or [n][2][plane], see ddim_step_apply(). Returns FALSE with @error set to stop. */
  gboolean (*predict)(gpointer user_data, const double *x, double timestep, gsize n, gsize plane,
                      double *output, GError **error);
  gpointer user_data;
} DdimModel;

typedef enum { DDIM_SAMPLER_DDIM, DDIM_SAMPLER_DDPM, DDIM_SAMPLER_REVERSE } DdimSampler;

typedef struct {
  DdimSampler sampler;
  double eta;    /**< DDIM only: 0 deterministic, 1 as noisy as DDPM */
  gboolean clip; /**< clip_denoised */
} DdimSampleParams;

#define DDIM_SAMPLE_PARAMS_INIT { .sampler = DDIM_SAMPLER_DDIM, .eta = 0, .clip = TRUE }

/** Source of standard normal noise: fill @out with @n values. It is called once for every step, also for
 * those that do not use the noise, as the original draws it. */
typedef void (*DdimNoiseFunc)(gpointer user_data, double *out, gsize n);

/** The whole loop on the host in float64: ddim_sample_loop, p_sample_loop or ddim_reverse_sample_loop.
 * @x  [n][plane]: the starting x_T (for REVERSE: the image) in, the result out. */
gboolean ddim_diffusion_sample(const DdimDiffusion *diffusion, const DdimSampleParams *params,
                               const DdimModel *model, gsize n, gsize plane, double *x,
                               DdimNoiseFunc noise, gpointer noise_data, GCancellable *cancellable,
                               GError **error);

G_END_DECLS
