/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/diffusion/sampler-steps.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "core/data/error.h"
#include "core/diffusion/solver.h"

struct _DdimSamplerRun {
  const DdimDiffusion *diffusion;
  DdimSampleParams params;
  guint first, last, n;   /* n respaced indices */
  DdimNoiseLevel *levels; /* [n + 1]: before each step, and after the last */
};

static gboolean
is_known(DdimSampler sampler)
{
  return (int)sampler >= 0 && sampler <= DDIM_SAMPLER_REVERSE;
}

DdimSamplerRun *
ddim_sampler_run_new(const DdimDiffusion *diffusion, const DdimSampleParams *params, guint first,
                     guint last, GError **error)
{
  g_return_val_if_fail(diffusion != NULL && params != NULL, NULL);

  const gboolean up = params->sampler == DDIM_SAMPLER_REVERSE;
  const double *table = ddim_diffusion_get_table(diffusion, DDIM_TABLE_ALPHAS_CUMPROD);
  const double *previous = ddim_diffusion_get_table(diffusion, DDIM_TABLE_ALPHAS_CUMPROD_PREV);
  g_autoptr(DdimSamplerRun) run = g_new0(DdimSamplerRun, 1);

  if (!is_known(params->sampler)) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT, _("there is no sampler number %d"),
                params->sampler);
    return NULL;
  }
  run->diffusion = diffusion;
  run->params = *params;
  run->first = first;
  run->last = last;
  run->n = (up ? last - first : first - last) + 1;
  run->levels = g_try_new(DdimNoiseLevel, (gsize)run->n + 1);
  if (!run->levels) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("not enough memory for a list of %u steps: take fewer"), run->n);
    return NULL;
  }
  for (guint i = 0; i < run->n; i++)
    run->levels[i] = ddim_noise_level_from_alpha_bar(table[up ? first + i : first - i]);
  run->levels[run->n] = ddim_noise_level_from_alpha_bar(previous[last]);
  return g_steal_pointer(&run);
}

void
ddim_sampler_run_free(DdimSamplerRun *run)
{
  if (!run)
    return;
  g_free(run->levels);
  g_free(run);
}

guint
ddim_sampler_run_get_count(const DdimSamplerRun *run)
{
  if (run->params.sampler != DDIM_SAMPLER_HEUN)
    return run->n;
  return 2 * run->n - (run->last == 0 ? 1 : 0);
}

/* What the steps of solvers have in common. */
static DdimStep
begin_step(const DdimSamplerRun *run, guint t)
{
  DdimStep step = {.clip = run->params.clip, .sigma_type = DDIM_SIGMA_FIXED};

  ddim_diffusion_set_x0(run->diffusion, t, &step);
  return step;
}

/* The order of a solver of order 2 in step @i. */
static guint
get_order(const DdimSamplerRun *run, guint i)
{
  return i == 0 || run->first - i <= 1 ? 1 : 2;
}

static DdimStep
make_sde_step(const DdimSamplerRun *run, guint i)
{
  const DdimSolverRun levels = {.levels = run->levels, .n = run->n};
  const DdimDpmParams params = {.space = DDIM_SOLVE_X0, .sde = TRUE};
  DdimStep step = begin_step(run, run->first - i);

  ddim_solver_dpm_step(&levels, i, get_order(run, i), &params, &step);
  return step;
}

static DdimStep
make_unipc_step(const DdimSamplerRun *run, guint i)
{
  const DdimSolverRun levels = {.levels = run->levels, .n = run->n};
  const DdimUnipcParams params = {.space = DDIM_SOLVE_X0};
  DdimStep step = begin_step(run, run->first - i);

  ddim_solver_unipc_step(&levels, i, get_order(run, i), i > 0 ? get_order(run, i - 1) : 0, &params,
                         &step);
  return step;
}

/* DDIM's step with eta 0 from level @i to the next. It exists for pure noise too. */
static void
set_straight(const DdimSamplerRun *run, guint i, DdimStep *step)
{
  const DdimNoiseLevel *from = &run->levels[i], *to = &run->levels[i + 1];

  step->next_x = to->sigma / from->sigma;
  step->next_x0 = to->alpha - to->sigma * from->alpha / from->sigma;
}

static DdimStep
make_plms_step(const DdimSamplerRun *run, guint i)
{
  const DdimNoiseLevel *from = &run->levels[i], *to = &run->levels[i + 1];
  const guint n = MIN(i, 3); /* earlier eps */
  const double *weights = ddim_solver_adams_bashforth[n];
  DdimStep step = begin_step(run, run->first - i);

  step.keep = TRUE;
  step.keep_x = 1 / from->sigma;
  step.keep_x0 = -from->alpha / from->sigma;
  set_straight(run, i, &step);
  if (n == 0)
    return step;
  /* x0 = (x - sigma * eps) / alpha in the straight step. Only the first may come from pure noise.
   */
  const double eps = to->sigma - to->alpha * from->sigma / from->alpha;
  step.next_x = to->alpha / from->alpha + eps * weights[0] * step.keep_x;
  step.next_x0 = eps * weights[0] * step.keep_x0;
  for (guint k = 0; k < n; k++)
    step.history[k] = eps * weights[k + 1];
  return step;
}

/* Evaluation @index: at the beginning of a step, or at its end. */
static DdimStep
make_heun_step(const DdimSamplerRun *run, guint index, guint *t)
{
  const guint i = index / 2;
  const DdimNoiseLevel *from = &run->levels[i], *to = &run->levels[i + 1];
  DdimStep step;

  *t = run->first - i - index % 2;
  step = begin_step(run, *t);
  if (index % 2 == 0) {
    set_straight(run, i, &step);
    step.keep = TRUE;
    step.keep_x0 = 1;
    return step;
  }
  step.next_x = 1;
  if (from->alpha > 0) {
    step.next_x0 = to->alpha * (from->sigma * to->alpha / (to->sigma * from->alpha) - 1) / 2;
    step.history[0] = -step.next_x0;
  }
  return step;
}

gboolean
ddim_sampler_run_get_step(const DdimSamplerRun *run, guint index, guint *t, DdimStep *step,
                          GError **error)
{
  const DdimSampleParams *params = &run->params;

  *t = params->sampler == DDIM_SAMPLER_REVERSE ? run->first + index : run->first - index;
  switch (params->sampler) {
  case DDIM_SAMPLER_DDIM:
    return ddim_diffusion_ddim_step(run->diffusion, *t, params->eta, params->clip, step, error);
  case DDIM_SAMPLER_DDPM:
    ddim_diffusion_ddpm_step(run->diffusion, *t, params->clip, step);
    return TRUE;
  case DDIM_SAMPLER_DPMPP:
    ddim_diffusion_dpmpp_step(run->diffusion, *t, index > 0, params->clip, step);
    return TRUE;
  case DDIM_SAMPLER_DPMPP_SDE:
    *step = make_sde_step(run, index);
    return TRUE;
  case DDIM_SAMPLER_UNIPC:
    *step = make_unipc_step(run, index);
    return TRUE;
  case DDIM_SAMPLER_PLMS:
    *step = make_plms_step(run, index);
    return TRUE;
  case DDIM_SAMPLER_HEUN:
    *step = make_heun_step(run, index, t);
    return TRUE;
  case DDIM_SAMPLER_REVERSE:
    ddim_diffusion_reverse_step(run->diffusion, *t, params->clip, step);
    return TRUE;
  }
  g_return_val_if_reached(FALSE);
}

gboolean
ddim_diffusion_get_step(const DdimDiffusion *diffusion, const DdimSampleParams *params, guint t,
                        DdimStep *step, GError **error)
{
  g_autoptr(DdimSamplerRun) run = ddim_sampler_run_new(diffusion, params, t, t, error);

  return run && ddim_sampler_run_get_step(run, 0, &t, step, error);
}
