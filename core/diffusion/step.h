/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/diffusion/diffusion.h"
#include "core/diffusion/sampler.h"

G_BEGIN_DECLS

/** How many earlier evaluations a step may look back at. UniPC needs as many as its order, PLMS 3,
 * DPM-Solver++(2M) and Heun's method 1. */
#define DDIM_STEP_HISTORY 4
/** How many arrays a loop may keep: what its steps read, and what they keep for a while. */
#define DDIM_STEP_RING 8

typedef enum {
  DDIM_SIGMA_FIXED,
  DDIM_SIGMA_LEARNED,       /**< v is the logarithm of the variance */
  DDIM_SIGMA_LEARNED_RANGE, /**< v is where it lies between two logarithms */
  DDIM_SIGMA_LEARNED_PLAIN  /**< v is the variance itself */
} DdimSigmaType;

/** One sampler step as arithmetic on elements, so that the host and the device do the same. With m
 * the model's mean output, v its variance output and z standard normal noise:
 *
 *   x0   = clamp(x0_x * x + x0_m * m, -limit, limit)      (clamped only with `clip`)
 *   next = next_x * x + next_x0 * x0 + next_m * m + sum_k history[k] * h_k + sigma * z
 *   kept = keep_x * x + keep_x0 * x0                      (only with `keep`)
 *
 * sigma is `sigma` for DDIM_SIGMA_FIXED, exp(v / 2) for DDIM_SIGMA_LEARNED, sqrt(max(v, 0)) for
 * DDIM_SIGMA_LEARNED_PLAIN, and exp((f * max_log + (1-f) * min_log) / 2), f = (v + 1) / 2, for
 * DDIM_SIGMA_LEARNED_RANGE.
 *
 * With a `threshold_ratio` x0 is thresholded before anything else sees it, see
 * ddim_step_threshold().
 *
 * h_0 is what the last step with `keep` has kept, h_1 what the one before it has kept, and so on.
 * What is kept is a stack: `drop` arrays are taken off when the step has read its history, before
 * it keeps one of its own. A solver chooses what it keeps: x0 itself (keep_x0 = 1), or the eps that
 * belongs to x and x0 (keep_x = 1 / sqrt(1 - abar), keep_x0 = -sqrt(abar / (1 - abar))), as PLMS
 * wants it.
 *
 * eps never appears: every step writes it as (x - sqrt(abar) * x0) / sqrt(1 - abar). So whoever
 * corrects x0 between the two lines has also corrected eps. The exception is a step with next_m,
 * which reads the model's output again: that of DDPM with DDIM_MEAN_PREVIOUS_X, and those of
 * programs which take x0 clipped and eps not. */
typedef struct {
  double x0_x, x0_m;
  double next_x, next_x0, next_m;
  double history[DDIM_STEP_HISTORY];
  double keep_x, keep_x0;
  gboolean keep;
  guint drop;
  gboolean clip;
  double range; /**< the limit of `clip`; 0 stands for 1 */
  double threshold_ratio, threshold_max;
  DdimSigmaType sigma_type;
  double sigma; /**< DDIM_SIGMA_FIXED: 0 when the noise is drawn but not used (eta 0, or t = 0) */
  double min_log, max_log; /**< only for DDIM_SIGMA_LEARNED_RANGE */
} DdimStep;

/** Fill x0_x and x0_m of @step, p_mean_variance's pred_xstart as a function of x and of the model's
 * output. */
void ddim_diffusion_set_x0(const DdimDiffusion *diffusion, guint t, DdimStep *step);
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
/** DPM-Solver++(2M), arXiv 2211.01095, Algorithm 2: x_t -> x_{t-1}, deterministic. With alpha =
 * sqrt(abar), sigma = sqrt(1 - abar), lambda = log(alpha / sigma), h = lambda_{t-1} - lambda_t and
 * r = (lambda_t - lambda_{t+1}) / h:
 *
 *   D    = (1 + 1 / (2 r)) * x0_t - 1 / (2 r) * x0_{t+1}
 *   next = sigma_{t-1} / sigma_t * x - alpha_{t-1} * (exp(-h) - 1) * D
 *
 * @second_order  h_0 is the x0 of the step at t + 1. Without it D is x0_t, which is DDIM's step
 * with eta 0. The last two steps, at t = 1 and t = 0, are computed that way in any case. At t = 0 h
 * is infinite. At t = 1, with timesteps at equal distances, h is several times as long as the step
 * before it, and D would go far beyond what two predictions tell: without this rule, pictures in 25
 * steps were five times as far from those in 100 steps as they are with DDIM. */
void ddim_diffusion_dpmpp_step(const DdimDiffusion *diffusion, guint t, gboolean second_order,
                               gboolean clip, DdimStep *step);
/** Back in time: x at respaced index @from -> x at @to, @from < @to, by the process q alone:
 * next = sqrt(abar_to / abar_from) * x + sqrt(1 - abar_to / abar_from) * z. */
void ddim_diffusion_renoising_step(const DdimDiffusion *diffusion, guint from, guint to,
                                   DdimStep *step);

/** Whether the step reads its noise. */
static inline gboolean
ddim_step_uses_noise(const DdimStep *step)
{
  return step->sigma_type != DDIM_SIGMA_FIXED || step->sigma != 0;
}

/** How many of h_0, h_1 … the step reads: up to the last one with a coefficient. */
guint ddim_step_get_history(const DdimStep *step);

/** The limit of x0; INFINITY when it is not clipped. */
double ddim_step_get_limit(const DdimStep *step);
/** Dynamic thresholding (Saharia et al. 2022, arXiv 2205.11487, section 2.3; diffusers'
 * _threshold_sample): of each image, with s the quantile `threshold_ratio` of |x0|, but at least 1
 * and at most threshold_max, x0 = clamp(x0, -s, s) / s. Like torch.quantile, it interpolates.
 * @x0    [n][plane]
 * @work  [plane], overwritten */
void ddim_step_threshold(const DdimStep *step, gsize n, gsize plane, double *x0, double *work);

/** What a step works on, on the host: @n images of @plane elements (C*H*W) each, lying one after
 * the other. Pointers are the caller's. */
typedef struct {
  gsize n, plane;
  gboolean learned;     /**< the output has variances: [n][2][plane], else [n][plane] */
  double *x;            /**< [n][plane]: x in, next out */
  double *x0;           /**< [n][plane] */
  const double *output; /**< see `learned` */
  const double *noise;  /**< [n][plane]; NULL when the step needs none */
  const double *history[DDIM_STEP_HISTORY]; /**< h_k: [n][plane]; those the step reads */
  double *keep; /**< [n][plane] or NULL: receives `kept`. May be the last h_k that is read */
} DdimStepArrays;

/** The first line of DdimStep: fill arrays->x0 from arrays->x and arrays->output. */
void ddim_step_predict(const DdimStep *step, const DdimStepArrays *arrays);
/** The other two lines of DdimStep: fill arrays->x and arrays->keep, using the x0 in arrays->x0. */
void ddim_step_advance(const DdimStep *step, const DdimStepArrays *arrays);
/** x = next_x * x + sigma * z, as a step that goes back in time does; reads nothing else. */
void ddim_step_renoise(const DdimStep *step, const DdimStepArrays *arrays);

/** Apply @step, which uses no history, to @n images of @plane elements each.
 * @x       [n][plane]: x_t in, the next state out
 * @output  the model's output: [n][plane], or [n][2][plane] when @learned
 * @noise   [n][plane] or NULL when the step needs none
 * @x0      [n][plane], receives the predicted x0 */
void ddim_step_apply(const DdimStep *step, gsize n, gsize plane, gboolean learned, double *x,
                     const double *output, const double *noise, double *x0);

G_END_DECLS
