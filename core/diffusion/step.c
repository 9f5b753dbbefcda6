/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The coefficients of every sampler's step. */
#include "core/diffusion/step.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "core/data/error.h"

static double
at(const DdimDiffusion *diffusion, DdimTable table, guint t)
{
  return ddim_diffusion_get_table(diffusion, table)[t];
}

void
ddim_diffusion_set_x0(const DdimDiffusion *diffusion, guint t, DdimStep *step)
{
  const double alpha_bar = at(diffusion, DDIM_TABLE_ALPHAS_CUMPROD, t);
  const double coef1 = at(diffusion, DDIM_TABLE_POSTERIOR_MEAN_COEF1, t);
  const double coef2 = at(diffusion, DDIM_TABLE_POSTERIOR_MEAN_COEF2, t);

  switch (ddim_diffusion_get_mean_type(diffusion)) {
  case DDIM_MEAN_EPSILON: /* _predict_xstart_from_eps */
    step->x0_x = alpha_bar > 0 ? sqrt(1 / alpha_bar) : 0;
    step->x0_m = alpha_bar > 0 ? -sqrt(1 / alpha_bar - 1) : 0;
    break;
  case DDIM_MEAN_START_X:
    step->x0_m = 1;
    break;
  case DDIM_MEAN_VELOCITY:
    step->x0_x = sqrt(alpha_bar);
    step->x0_m = -sqrt(1 - alpha_bar);
    break;
  case DDIM_MEAN_PREVIOUS_X: /* _predict_xstart_from_xprev */
    step->x0_x = -coef2 / coef1;
    step->x0_m = 1 / coef1;
    break;
  }
}

/* next = sqrt(alpha_bar_to) * x0 + @direction * eps, where eps is derived from the clipped x0
 * (_predict_eps_from_xstart): (x / sqrt(alpha_bar) - x0) / sqrt(1 / alpha_bar - 1). It is written
 * so that it also exists for alpha_bar = 0. */
static void
set_ddim_next(const DdimDiffusion *diffusion, guint t, double alpha_bar_to, double direction,
              DdimStep *step)
{
  const double alpha_bar = at(diffusion, DDIM_TABLE_ALPHAS_CUMPROD, t);

  step->next_x = direction / sqrt(1 - alpha_bar);
  step->next_x0 = sqrt(alpha_bar_to) - direction * sqrt(alpha_bar / (1 - alpha_bar));
}

gboolean
ddim_diffusion_ddim_step(const DdimDiffusion *diffusion, guint t, double eta, gboolean clip,
                         DdimStep *step, GError **error)
{
  g_return_val_if_fail(diffusion != NULL && step != NULL, FALSE);
  g_return_val_if_fail(t < ddim_diffusion_get_num_timesteps(diffusion), FALSE);

  const double alpha_bar = at(diffusion, DDIM_TABLE_ALPHAS_CUMPROD, t);
  const double prev = at(diffusion, DDIM_TABLE_ALPHAS_CUMPROD_PREV, t);
  const double sigma = eta * sqrt((1 - prev) / (1 - alpha_bar)) * sqrt(1 - alpha_bar / prev);
  double rest = 1 - prev - sigma * sigma;

  if (!(eta >= 0) || isinf(eta)) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("eta is %g: expected a number from 0 (deterministic) to 1 (as noisy as DDPM)"),
                eta);
    return FALSE;
  }
  /* With eta <= 1 only rounding makes it negative (linear, T = 20, "6"). */
  if (eta <= 1)
    rest = MAX(rest, 0);
  if (rest < 0) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("eta is %g: too large, step %u would add more noise than it may hold; at most %g "
                  "fits there, and 1 always"),
                eta, t, eta * sqrt(1 - prev) / sigma);
    return FALSE;
  }
  /* sigma is 0 at t = 0, where prev is 1: the mask of the original needs no line here. */
  *step = (DdimStep){.clip = clip, .sigma_type = DDIM_SIGMA_FIXED, .sigma = sigma};
  ddim_diffusion_set_x0(diffusion, t, step);
  set_ddim_next(diffusion, t, prev, sqrt(rest), step);
  return TRUE;
}

void
ddim_diffusion_reverse_step(const DdimDiffusion *diffusion, guint t, gboolean clip, DdimStep *step)
{
  g_return_if_fail(diffusion != NULL && step != NULL);
  g_return_if_fail(t < ddim_diffusion_get_num_timesteps(diffusion));

  const double next = at(diffusion, DDIM_TABLE_ALPHAS_CUMPROD_NEXT, t);

  *step = (DdimStep){.clip = clip, .sigma_type = DDIM_SIGMA_FIXED};
  ddim_diffusion_set_x0(diffusion, t, step);
  set_ddim_next(diffusion, t, next, sqrt(1 - next), step);
}

/* The noise of p(x_{t-1} | x_t): p_mean_variance's log_variance, masked at t = 0 as p_sample does.
 */
static void
set_ddpm_sigma(const DdimDiffusion *diffusion, guint t, DdimStep *step)
{
  const double min_log = at(diffusion, DDIM_TABLE_POSTERIOR_LOG_VARIANCE_CLIPPED, t);
  const double beta = at(diffusion, DDIM_TABLE_BETAS, t);

  step->sigma_type = DDIM_SIGMA_FIXED;
  if (t == 0)
    return;
  switch (ddim_diffusion_get_var_type(diffusion)) {
  case DDIM_VAR_FIXED_LARGE:
    step->sigma = sqrt(beta);
    break;
  case DDIM_VAR_FIXED_SMALL:
    step->sigma = exp(0.5 * min_log);
    break;
  case DDIM_VAR_LEARNED:
    step->sigma_type = DDIM_SIGMA_LEARNED;
    break;
  case DDIM_VAR_LEARNED_RANGE:
    step->sigma_type = DDIM_SIGMA_LEARNED_RANGE;
    step->min_log = min_log;
    step->max_log = log(beta);
    break;
  case DDIM_VAR_LEARNED_PLAIN:
    step->sigma_type = DDIM_SIGMA_LEARNED_PLAIN;
    break;
  }
}

void
ddim_diffusion_ddpm_step(const DdimDiffusion *diffusion, guint t, gboolean clip, DdimStep *step)
{
  g_return_if_fail(diffusion != NULL && step != NULL);
  g_return_if_fail(t < ddim_diffusion_get_num_timesteps(diffusion));

  *step = (DdimStep){.clip = clip};
  ddim_diffusion_set_x0(diffusion, t, step);
  if (ddim_diffusion_get_mean_type(diffusion) == DDIM_MEAN_PREVIOUS_X) {
    step->next_m = 1;
  } else { /* q_posterior_mean_variance */
    step->next_x0 = at(diffusion, DDIM_TABLE_POSTERIOR_MEAN_COEF1, t);
    step->next_x = at(diffusion, DDIM_TABLE_POSTERIOR_MEAN_COEF2, t);
  }
  set_ddpm_sigma(diffusion, t, step);
}

/* log(alpha / sigma); -inf for pure noise. */
static double
get_lambda(const DdimDiffusion *diffusion, guint t)
{
  const double alpha_bar = at(diffusion, DDIM_TABLE_ALPHAS_CUMPROD, t);

  return 0.5 * (log(alpha_bar) - log1p(-alpha_bar));
}

void
ddim_diffusion_dpmpp_step(const DdimDiffusion *diffusion, guint t, gboolean second_order,
                          gboolean clip, DdimStep *step)
{
  g_return_if_fail(diffusion != NULL && step != NULL);
  g_return_if_fail(t < ddim_diffusion_get_num_timesteps(diffusion));
  g_return_if_fail(!second_order || t + 1 < ddim_diffusion_get_num_timesteps(diffusion));

  const double prev = at(diffusion, DDIM_TABLE_ALPHAS_CUMPROD_PREV, t);

  *step = (DdimStep){.clip = clip, .sigma_type = DDIM_SIGMA_FIXED, .keep = TRUE, .keep_x0 = 1};
  ddim_diffusion_set_x0(diffusion, t, step);
  /* alpha_to - alpha * sigma_to / sigma, which set_ddim_next() puts into next_x0, is
   * -alpha_to * (exp(-h) - 1). */
  set_ddim_next(diffusion, t, prev, sqrt(1 - prev), step);
  if (!second_order || t <= 1)
    return;

  /* After pure noise h_before is infinite, and the step is of the first order again. */
  const double h = get_lambda(diffusion, t - 1) - get_lambda(diffusion, t);
  const double h_before = get_lambda(diffusion, t) - get_lambda(diffusion, t + 1);
  const double correction = step->next_x0 * h / (2 * h_before);

  step->next_x0 += correction;
  step->history[0] = -correction;
}

void
ddim_diffusion_renoising_step(const DdimDiffusion *diffusion, guint from, guint to, DdimStep *step)
{
  g_return_if_fail(diffusion != NULL && step != NULL);
  g_return_if_fail(from < to && to < ddim_diffusion_get_num_timesteps(diffusion));

  const double kept =
      at(diffusion, DDIM_TABLE_ALPHAS_CUMPROD, to) / at(diffusion, DDIM_TABLE_ALPHAS_CUMPROD, from);

  *step = (DdimStep){.sigma_type = DDIM_SIGMA_FIXED, .next_x = sqrt(kept), .sigma = sqrt(1 - kept)};
}
