/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* diffusers' PNDMScheduler: Liu et al. 2022 (arXiv 2202.09778), algorithm 2 with the transfer of
 * equation 9. Three steps of the pseudo Runge-Kutta method, unless they are skipped, then the
 * pseudo linear multistep method. */
#include "core/diffusion/scheduler-pndm.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "core/data/error.h"
#include "core/diffusion/solver.h"

/* Steps of the Runge-Kutta method, and evaluations of each. */
enum { N_PRK = 3, N_EVALUATIONS = 4 };

/* next = x * X + m * (a mean of outputs), see transfer(). */
typedef struct {
  double x, m;
} Transfer;

guint
ddim_scheduler_pndm_count(const DdimSchedulerPlan *plan)
{
  if (plan->scheduler->skip_prk_steps)
    return plan->n > 1 ? plan->n + 1 : 1;
  return plan->n + N_PRK * (N_EVALUATIONS - 1);
}

/* _get_prev_sample: equation 9 from @timestep to @previous. */
static Transfer
transfer(const DdimSchedulerPlan *plan, gint64 timestep, gint64 previous)
{
  const float abar =
      plan->alphas_cumprod[CLAMP(timestep, 0, plan->scheduler->num_train_timesteps - 1)];
  const float prev = ddim_scheduler_plan_get_previous(plan, previous);
  const float beta = 1 - abar;
  const float denominator = abar * sqrtf(1 - prev) + sqrtf(abar * beta * prev);
  const double x = sqrtf(prev / abar), e = -(double)(prev - abar) / denominator;

  if (plan->scheduler->prediction_type == DDIM_PREDICTION_V)
    return (Transfer){.x = x + e * sqrtf(beta), .m = e * sqrtf(abar)};
  return (Transfer){.x = x, .m = e};
}

/* An evaluation at @timestep. What a step reads of the output it reads through x0:
 * output = output_x * x + output_x0 * x0. */
typedef struct {
  DdimStep step;
  double output_x, output_x0;
} Evaluation;

static Evaluation
evaluate(const DdimSchedulerPlan *plan, gint64 timestep)
{
  const float abar = plan->alphas_cumprod[timestep];
  const double alpha = sqrtf(abar), sigma = sqrtf(1 - abar);
  const gboolean v = plan->scheduler->prediction_type == DDIM_PREDICTION_V;
  Evaluation e = {.step = {.sigma_type = DDIM_SIGMA_FIXED,
                           .x0_x = v ? alpha : 1 / alpha,
                           .x0_m = v ? -sigma : -sigma / alpha},
                  .output_x = (v ? alpha : 1) / sigma,
                  .output_x0 = (v ? -1 : -alpha) / sigma};

  return e;
}

static void
add_output(Evaluation *e, double weight)
{
  e->step.next_x += weight * e->output_x;
  e->step.next_x0 += weight * e->output_x0;
}

static void
keep_output(Evaluation *e)
{
  e->step.keep = TRUE;
  e->step.keep_x = e->output_x;
  e->step.keep_x0 = e->output_x0;
}

static gboolean
append(DdimStepTable *table, gint64 timestep, const Evaluation *e, GError **error)
{
  const DdimTableStep step = {
      .kind = DDIM_STEP_EVALUATION, .timestep = (double)timestep, .arithmetic = e->step};

  return ddim_step_table_append_step(table, &step, error);
}

/* step_prk: four evaluations from timestep @i of the list to the next. The X from which they all
 * start is found again in the present x: x = before.x * X + before.m * h_0, h_0 being the last
 * output. Of the outputs the first stays on the stack, for the linear multistep method. */
static gboolean
append_prk(const DdimSchedulerPlan *plan, guint i, DdimStepTable *table, GError **error)
{
  const gint64 t = plan->timesteps[i], to = plan->timesteps[i + 1];
  const gint64 half = plan->scheduler->num_train_timesteps / plan->run->n_steps / 2;
  const gint64 at[N_EVALUATIONS] = {t, to + half, to + half, to};
  const gint64 previous[N_EVALUATIONS] = {t - half, to + half, to, to};
  static const double weights[N_EVALUATIONS] = {1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6};
  Transfer before = {.x = 1, .m = 0};

  for (guint k = 0; k < N_EVALUATIONS; k++) {
    const Transfer now = transfer(plan, t, previous[k]);
    const gboolean last = k + 1 == N_EVALUATIONS;
    Evaluation e = evaluate(plan, at[k]);

    e.step.next_x = now.x / before.x;
    e.step.history[0] = -now.x * before.m / before.x;
    add_output(&e, last ? now.m * weights[k] : now.m);
    if (last) {
      for (guint j = 0; j < k; j++)
        e.step.history[j] += now.m * weights[k - 1 - j];
      e.step.drop = k - 1;
    } else {
      keep_output(&e);
    }
    if (!append(table, at[k], &e, error))
      return FALSE;
    before = now;
  }
  return TRUE;
}

/* step_plms from @t to @previous, with @n_kept earlier outputs on the stack: the Adams-Bashforth
 * formula of that order. */
static gboolean
append_plms(const DdimSchedulerPlan *plan, gint64 t, gint64 previous, guint n_kept,
            DdimStepTable *table, GError **error)
{
  const double *weights = ddim_solver_adams_bashforth[n_kept];
  const Transfer now = transfer(plan, t, previous);
  Evaluation e = evaluate(plan, t);

  e.step.next_x = now.x;
  add_output(&e, now.m * weights[0]);
  for (guint k = 0; k < n_kept; k++)
    e.step.history[k] = now.m * weights[k + 1];
  keep_output(&e);
  return append(table, t, &e, error);
}

/* The second evaluation without Runge-Kutta: at the end of the first step, which is repeated with
 * the mean of both outputs. */
static gboolean
append_repeated(const DdimSchedulerPlan *plan, gint64 t, Transfer before, DdimStepTable *table,
                GError **error)
{
  const gint64 stride = plan->scheduler->num_train_timesteps / plan->run->n_steps;
  const Transfer now = transfer(plan, t + stride, t);
  Evaluation e = evaluate(plan, t);

  e.step.next_x = now.x / before.x;
  add_output(&e, now.m / 2);
  e.step.history[0] = now.m / 2 - now.x * before.m / before.x;
  return append(table, t, &e, error);
}

static gboolean
check(const DdimSchedulerPlan *plan, GError **error)
{
  const gint64 n = plan->scheduler->num_train_timesteps;

  if (!plan->scheduler->skip_prk_steps && plan->n <= N_PRK) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("%u steps: PNDM begins with the Runge-Kutta method and needs at least %u steps"),
                plan->n, N_PRK + 1);
    return FALSE;
  }
  if (plan->timesteps[0] < n && plan->timesteps[plan->n - 1] >= 0)
    return TRUE;
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT, _("%u steps: this model takes 1 to %u steps"),
              plan->n, (guint)n - 1);
  return FALSE;
}

gboolean
ddim_scheduler_append_pndm(const DdimSchedulerPlan *plan, DdimStepTable *table, GError **error)
{
  const gint64 stride = plan->scheduler->num_train_timesteps / plan->run->n_steps;
  const guint first = plan->scheduler->skip_prk_steps ? 0 : N_PRK;
  guint n_kept = first;

  if (!check(plan, error))
    return FALSE;
  for (guint i = 0; i < first; i++)
    if (!append_prk(plan, i, table, error))
      return FALSE;
  for (guint i = first; i < plan->n; i++) {
    const gint64 t = plan->timesteps[i], previous = t - stride;
    if (!append_plms(plan, t, previous, n_kept, table, error))
      return FALSE;
    n_kept = MIN(n_kept + 1, 3);
    if (i == 0 && plan->n > 1 &&
        !append_repeated(plan, plan->timesteps[1], transfer(plan, t, previous), table, error))
      return FALSE;
  }
  return TRUE;
}
