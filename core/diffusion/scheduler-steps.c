/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/diffusion/scheduler-steps.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "core/data/error.h"
#include "core/diffusion/scheduler-pndm.h"
#include "core/diffusion/solver.h"

/* The model's output and x in terms of each other, at one timestep. */
typedef struct {
  float alpha, sigma; /* x = alpha * x0 + sigma * eps */
} Signal;

static Signal
get_signal(float alpha_bar)
{
  return (Signal){sqrtf(alpha_bar), sqrtf(1 - alpha_bar)};
}

/* x0 from x and the output. Where x is noise only (alpha is 0, by rescale_betas_zero_snr),
 * diffusers divides by 0 and then limits what it gets: a very large number does the same. */
static void
set_x0(const DdimScheduler *s, double alpha, double sigma, DdimStep *step)
{
  const gboolean limited = s->clip_sample && !s->thresholding;
  const double divisor = limited ? MAX(alpha, 1e-30) : alpha;

  switch (s->prediction_type) {
  case DDIM_PREDICTION_EPSILON:
    step->x0_x = 1 / divisor;
    step->x0_m = -sigma / divisor;
    break;
  case DDIM_PREDICTION_SAMPLE:
    step->x0_m = 1;
    break;
  case DDIM_PREDICTION_V:
    step->x0_x = alpha;
    step->x0_m = -sigma;
    break;
  }
  if (s->thresholding) {
    step->threshold_ratio = s->dynamic_thresholding_ratio;
    step->threshold_max = s->sample_max_value;
  } else if (s->clip_sample) {
    step->clip = TRUE;
    step->range = s->clip_sample_range;
  }
}

static float
get_alpha_bar(const DdimSchedulerPlan *plan, gint64 t)
{
  /* Python's index -1 is the last. */
  return plan->alphas_cumprod[t < 0 ? plan->scheduler->num_train_timesteps - 1 : t];
}

static gboolean
append(DdimStepTable *table, gint64 timestep, gboolean draws, const DdimStep *arithmetic,
       GError **error)
{
  const DdimTableStep step = {.kind = DDIM_STEP_EVALUATION,
                              .timestep = (double)timestep,
                              .draws_noise = draws,
                              .arithmetic = *arithmetic};

  return ddim_step_table_append_step(table, &step, error);
}

/* ---- DDIM ---- */

/* next += @direction * eps, with eps from x0, or as the model gave it. */
static void
add_eps(const DdimSchedulerPlan *plan, Signal at, double direction, DdimStep *step)
{
  const gboolean changed = step->clip || step->threshold_ratio > 0;

  if (!changed || plan->run->follows_x0) {
    step->next_x += direction / at.sigma;
    step->next_x0 -= direction * at.alpha / at.sigma;
    return;
  }
  switch (plan->scheduler->prediction_type) {
  case DDIM_PREDICTION_EPSILON:
    step->next_m += direction;
    return;
  case DDIM_PREDICTION_SAMPLE:
    step->next_x += direction / at.sigma;
    step->next_m -= direction * at.alpha / at.sigma;
    return;
  case DDIM_PREDICTION_V:
    step->next_m += direction * at.alpha;
    step->next_x += direction * at.sigma;
    return;
  }
}

static gboolean
append_ddim(const DdimSchedulerPlan *plan, DdimStepTable *table, GError **error)
{
  const DdimScheduler *s = plan->scheduler;
  const gint64 stride = s->num_train_timesteps / plan->run->n_steps;
  const double eta = plan->run->eta;

  for (guint i = 0; i < plan->n; i++) {
    const gint64 t = plan->timesteps[i];
    const float abar = get_alpha_bar(plan, t);
    const float prev = ddim_scheduler_plan_get_previous(plan, t - stride);
    const float variance = (1 - prev) / (1 - abar) * (1 - abar / prev);
    const float sigma = (float)eta * sqrtf(variance), rest = 1 - prev - sigma * sigma;
    const Signal at = get_signal(abar);
    DdimStep step = {.sigma_type = DDIM_SIGMA_FIXED, .sigma = eta > 0 ? sigma : 0};

    if (eta > 1 && rest < 0) {
      g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                  _("eta is %g: too large, step %u would add more noise than it may hold; at most "
                    "%g fits there, and 1 always"),
                  eta, i, eta * sqrt(1 - prev) / sigma);
      return FALSE;
    }
    set_x0(s, at.alpha, at.sigma, &step);
    step.next_x0 = sqrtf(prev);
    add_eps(plan, at, sqrtf(MAX(rest, 0)), &step);
    if (!append(table, t, eta > 0, &step, error))
      return FALSE;
  }
  return TRUE;
}

/* ---- DDPM ---- */

/* _get_variance, and what step() makes of it. */
static void
set_variance(const DdimScheduler *s, float abar, float prev, DdimStep *step)
{
  const float beta = 1 - abar / prev;
  const float variance = MAX((1 - prev) / (1 - abar) * beta, 1e-20f);

  switch (s->variance_type) {
  case DDIM_VARIANCE_FIXED_SMALL:
    step->sigma = sqrtf(variance);
    break;
  case DDIM_VARIANCE_FIXED_SMALL_LOG:
    step->sigma = expf(0.5f * logf(variance));
    break;
  case DDIM_VARIANCE_FIXED_LARGE:
  case DDIM_VARIANCE_FIXED_LARGE_LOG: /* ddim_scheduler_check() has refused it */
    step->sigma = sqrtf(beta);
    break;
  case DDIM_VARIANCE_LEARNED:
    step->sigma_type = DDIM_SIGMA_LEARNED_PLAIN;
    break;
  case DDIM_VARIANCE_LEARNED_RANGE:
    step->sigma_type = DDIM_SIGMA_LEARNED_RANGE;
    step->min_log = logf(variance);
    step->max_log = logf(beta);
    break;
  }
}

static gboolean
append_ddpm(const DdimSchedulerPlan *plan, DdimStepTable *table, GError **error)
{
  for (guint i = 0; i < plan->n; i++) {
    const gint64 t = plan->timesteps[i];
    const float abar = get_alpha_bar(plan, t);
    const float prev =
        i + 1 < plan->n ? get_alpha_bar(plan, plan->timesteps[i + 1]) : plan->final_alpha_cumprod;
    const float alpha = abar / prev, beta = 1 - alpha;
    const Signal at = get_signal(abar);
    DdimStep step = {.sigma_type = DDIM_SIGMA_FIXED};

    set_x0(plan->scheduler, at.alpha, at.sigma, &step);
    step.next_x0 = sqrtf(prev) * beta / (1 - abar);
    step.next_x = sqrtf(alpha) * (1 - prev) / (1 - abar);
    if (t > 0)
      set_variance(plan->scheduler, abar, prev, &step);
    if (!append(table, t, t > 0, &step, error))
      return FALSE;
  }
  return TRUE;
}

/* ---- DPM-Solver and UniPC ---- */

static gboolean
set_no_memory(guint n, GError **error)
{
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
              _("not enough memory for a list of %u steps: take fewer"), n);
  return FALSE;
}

static guint
get_dpm_order(const DdimSchedulerPlan *plan, guint i)
{
  const DdimScheduler *s = plan->scheduler;
  const gboolean few = s->lower_order_final && plan->n < 15;
  guint order = MIN(s->solver_order, i + 1);

  if (i + 1 == plan->n &&
      (s->euler_at_final || few || s->final_sigmas_type == DDIM_FINAL_SIGMA_ZERO))
    return 1;
  return i + 2 == plan->n && few ? MIN(order, 2) : order;
}

static gboolean
append_dpm(const DdimSchedulerPlan *plan, const DdimSolverRun *run, DdimStepTable *table,
           GError **error)
{
  const DdimScheduler *s = plan->scheduler;
  const DdimAlgorithmType type = s->algorithm_type;
  const gboolean sde =
      type == DDIM_ALGORITHM_SDE_DPMSOLVER || type == DDIM_ALGORITHM_SDE_DPMSOLVER_PP;
  const gboolean eps = type == DDIM_ALGORITHM_DPMSOLVER || type == DDIM_ALGORITHM_SDE_DPMSOLVER;
  const DdimDpmParams params = {.space = eps ? DDIM_SOLVE_EPS : DDIM_SOLVE_X0,
                                .sde = sde,
                                .heun = s->solver_type == DDIM_SOLVER_HEUN};

  for (guint i = 0; i < plan->n; i++) {
    DdimStep step = {.sigma_type = DDIM_SIGMA_FIXED};

    set_x0(s, run->levels[i].alpha, run->levels[i].sigma, &step);
    ddim_solver_dpm_step(run, i, get_dpm_order(plan, i), &params, &step);
    if (!append(table, plan->timesteps[i], sde, &step, error))
      return FALSE;
  }
  return TRUE;
}

/* Whether the corrector is disabled, for each of @n steps. (transfer full) */
static gboolean *
list_disabled(const DdimScheduler *s, guint n)
{
  gboolean *disabled = g_try_new0(gboolean, n);

  for (guint k = 0; disabled && k < s->n_disable_corrector; k++)
    if (s->disable_corrector[k] < n)
      disabled[s->disable_corrector[k]] = TRUE;
  return disabled;
}

static gboolean
append_unipc(const DdimSchedulerPlan *plan, const DdimSolverRun *run, DdimStepTable *table,
             GError **error)
{
  const DdimScheduler *s = plan->scheduler;
  const DdimUnipcParams params = {.space = s->predict_x0 ? DDIM_SOLVE_X0 : DDIM_SOLVE_EPS,
                                  .bh1 = s->solver_type == DDIM_SOLVER_BH1};
  g_autofree gboolean *disabled = list_disabled(s, plan->n);
  guint before = 0;

  if (!disabled)
    return set_no_memory(plan->n, error);
  for (guint i = 0; i < plan->n; i++) {
    const guint order =
        MIN(s->lower_order_final ? MIN(s->solver_order, plan->n - i) : s->solver_order, i + 1);
    DdimStep step = {.sigma_type = DDIM_SIGMA_FIXED};

    set_x0(s, run->levels[i].alpha, run->levels[i].sigma, &step);
    if (!s->predict_x0)
      step.threshold_ratio = 0;
    ddim_solver_unipc_step(run, i, order, i > 0 && !disabled[i - 1] ? before : 0, &params, &step);
    if (!append(table, plan->timesteps[i], FALSE, &step, error))
      return FALSE;
    before = order;
  }
  return TRUE;
}

static gboolean
append_solver(const DdimSchedulerPlan *plan, DdimStepTable *table, GError **error)
{
  g_autofree DdimNoiseLevel *levels = g_try_new(DdimNoiseLevel, (gsize)plan->n + 1);
  const DdimSolverRun run = {.levels = levels, .n = plan->n, .single = TRUE};

  if (!levels)
    return set_no_memory(plan->n, error);
  for (guint i = 0; i <= plan->n; i++)
    levels[i] = ddim_noise_level_from_sigma(plan->sigmas[i]);
  return plan->scheduler->type == DDIM_SCHEDULER_DPM ? append_dpm(plan, &run, table, error)
                                                     : append_unipc(plan, &run, table, error);
}

/* ---- all ---- */

static guint
count_steps(const DdimSchedulerPlan *plan)
{
  return plan->scheduler->type == DDIM_SCHEDULER_PNDM ? ddim_scheduler_pndm_count(plan) : plan->n;
}

static gboolean
append_steps(const DdimSchedulerPlan *plan, DdimStepTable *table, GError **error)
{
  switch (plan->scheduler->type) {
  case DDIM_SCHEDULER_DDIM:
    return append_ddim(plan, table, error);
  case DDIM_SCHEDULER_DDPM:
    return append_ddpm(plan, table, error);
  case DDIM_SCHEDULER_PNDM:
    return ddim_scheduler_append_pndm(plan, table, error);
  case DDIM_SCHEDULER_DPM:
  case DDIM_SCHEDULER_UNIPC:
    return append_solver(plan, table, error);
  case DDIM_N_SCHEDULERS:
    break;
  }
  g_return_val_if_reached(FALSE);
}

DdimStepTable *
ddim_scheduler_new_steps(const DdimScheduler *scheduler, const DdimSchedulerRun *run,
                         GError **error)
{
  g_return_val_if_fail(scheduler != NULL && run != NULL, NULL);

  DdimSchedulerPlan plan;
  g_autoptr(DdimStepTable) table = NULL;
  gboolean done = FALSE;

  if (!(run->eta >= 0) || isinf(run->eta)) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("eta is %g: expected a number from 0 (deterministic) to 1 (as noisy as DDPM)"),
                run->eta);
    return NULL;
  }
  if (ddim_scheduler_plan_init(&plan, scheduler, run, error) &&
      (table = ddim_step_table_new_plain(count_steps(&plan), error)))
    done = append_steps(&plan, table, error);
  ddim_scheduler_plan_clear(&plan);
  return done ? g_steal_pointer(&table) : NULL;
}
