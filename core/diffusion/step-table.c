/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/diffusion/step-table.h"

#include <glib/gi18n-lib.h>

#include "core/data/error.h"

#define NO_CONDITION G_MAXUINT

struct _DdimStepTable {
  const DdimDiffusion *diffusion;
  DdimTableStep *steps;
  guint n_steps;
  double *timesteps; /* [n_timesteps], room for one of each t */
  guint n_timesteps;
  guint *conditions; /* respaced index -> place in timesteps, or NO_CONDITION */
  guint history;     /* the most earlier predictions that a step reads */
  guint n_kept;      /* how many steps keep something */
  gboolean uses_noise, draws_noise, follows_x0;
};

static void
set_no_memory(guint n_steps, GError **error)
{
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
              _("not enough memory for a list of %u steps: take fewer"), n_steps);
}

DdimStepTable *
ddim_step_table_new(const DdimDiffusion *diffusion, GError **error)
{
  g_return_val_if_fail(diffusion != NULL, NULL);

  const guint n = ddim_diffusion_get_num_timesteps(diffusion);
  g_autoptr(DdimStepTable) table = g_new0(DdimStepTable, 1);

  table->diffusion = diffusion;
  table->follows_x0 = TRUE;
  table->timesteps = g_try_new(double, n);
  table->conditions = g_try_new(guint, n);
  if (!table->timesteps || !table->conditions) {
    set_no_memory(n, error);
    return NULL;
  }
  for (guint t = 0; t < n; t++)
    table->conditions[t] = NO_CONDITION;
  return g_steal_pointer(&table);
}

void
ddim_step_table_free(DdimStepTable *table)
{
  if (table == NULL)
    return;
  g_free(table->steps);
  g_free(table->timesteps);
  g_free(table->conditions);
  g_free(table);
}

DdimStepTable *
ddim_step_table_new_loop(const DdimDiffusion *diffusion, const DdimSampleParams *params,
                         GError **error)
{
  g_return_val_if_fail(diffusion != NULL && params != NULL, NULL);

  const guint last = ddim_diffusion_get_num_timesteps(diffusion) - 1;
  const gboolean reverse = params->sampler == DDIM_SAMPLER_REVERSE;
  g_autoptr(DdimStepTable) table = ddim_step_table_new(diffusion, error);

  if (!table ||
      !ddim_step_table_append(table, params, reverse ? 0 : last, reverse ? last : 0, error))
    return NULL;
  return g_steal_pointer(&table);
}

/* Make room for @more steps behind those that are counted. */
static DdimTableStep *
reserve(DdimStepTable *table, guint more, GError **error)
{
  DdimTableStep *steps = NULL;

  if (more <= G_MAXUINT - table->n_steps)
    steps = g_try_renew(DdimTableStep, table->steps, (gsize)table->n_steps + more);
  if (!steps) {
    set_no_memory(more, error);
    return NULL;
  }
  table->steps = steps;
  return steps + table->n_steps;
}

/* Count @more steps that were written to where reserve() said. */
static void
commit(DdimStepTable *table, guint more)
{
  for (guint end = table->n_steps + more; table->n_steps < end; table->n_steps++) {
    DdimTableStep *step = &table->steps[table->n_steps];
    table->history = MAX(table->history, ddim_step_get_history(&step->arithmetic));
    table->uses_noise |= ddim_step_uses_noise(&step->arithmetic);
    table->draws_noise |= step->draws_noise;
    table->follows_x0 &= step->arithmetic.next_m == 0;
    table->n_kept += step->arithmetic.keep;
    if (step->kind != DDIM_STEP_EVALUATION)
      continue;
    if (table->conditions[step->t] == NO_CONDITION) {
      table->conditions[step->t] = table->n_timesteps;
      table->timesteps[table->n_timesteps++] = step->timestep;
    }
    step->condition = table->conditions[step->t];
  }
}

static gboolean
check_range(const DdimStepTable *table, guint first, guint last, gboolean up, GError **error)
{
  const guint n = ddim_diffusion_get_num_timesteps(table->diffusion);

  if (first < n && last < n && (up ? first <= last : first >= last))
    return TRUE;
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
              up ? _("steps %u to %u are not possible; expected numbers that rise, from 0 to %u")
                 : _("steps %u to %u are not possible; expected numbers that fall, from %u to 0"),
              first, last, n - 1);
  return FALSE;
}

/* Compute the step at @t, which is number @index of its run. */
static gboolean
set_arithmetic(const DdimDiffusion *diffusion, const DdimSampleParams *params, guint t, guint index,
               DdimStep *step, GError **error)
{
  if (index == 0 || params->sampler != DDIM_SAMPLER_DPMPP)
    return ddim_diffusion_get_step(diffusion, params, t, step, error);
  ddim_diffusion_dpmpp_step(diffusion, t, TRUE, params->clip, step);
  return TRUE;
}

gboolean
ddim_step_table_append(DdimStepTable *table, const DdimSampleParams *params, guint first,
                       guint last, GError **error)
{
  g_return_val_if_fail(table != NULL && params != NULL, FALSE);

  const gboolean up = params->sampler == DDIM_SAMPLER_REVERSE;
  const gboolean draws =
      params->sampler == DDIM_SAMPLER_DDIM || params->sampler == DDIM_SAMPLER_DDPM;
  DdimTableStep *steps;

  if (!check_range(table, first, last, up, error))
    return FALSE;
  const guint count = (up ? last - first : first - last) + 1;
  if (!(steps = reserve(table, count, error)))
    return FALSE;
  for (guint i = 0; i < count; i++) {
    const guint t = up ? first + i : first - i;
    steps[i] = (DdimTableStep){.kind = DDIM_STEP_EVALUATION,
                               .t = t,
                               .timestep = ddim_diffusion_get_model_timestep(table->diffusion, t),
                               .draws_noise = draws};
    if (!set_arithmetic(table->diffusion, params, t, i, &steps[i].arithmetic, error))
      return FALSE;
  }
  commit(table, count);
  return TRUE;
}

gboolean
ddim_step_table_append_renoising(DdimStepTable *table, guint from, guint to, GError **error)
{
  g_return_val_if_fail(table != NULL, FALSE);

  DdimTableStep *step;

  if (!check_range(table, from, to, TRUE, error))
    return FALSE;
  if (from == to)
    return TRUE;
  if (!(step = reserve(table, 1, error)))
    return FALSE;
  *step = (DdimTableStep){.kind = DDIM_STEP_RENOISING, .t = to, .draws_noise = TRUE};
  ddim_diffusion_renoising_step(table->diffusion, from, to, &step->arithmetic);
  commit(table, 1);
  return TRUE;
}

gboolean
ddim_step_table_append_step(DdimStepTable *table, const DdimTableStep *step, GError **error)
{
  g_return_val_if_fail(table != NULL && step != NULL, FALSE);
  g_return_val_if_fail(step->t < ddim_diffusion_get_num_timesteps(table->diffusion), FALSE);
  g_return_val_if_fail(ddim_step_get_history(&step->arithmetic) <= table->n_kept, FALSE);

  DdimTableStep *own = reserve(table, 1, error);

  if (!own)
    return FALSE;
  *own = *step;
  own->timestep = ddim_diffusion_get_model_timestep(table->diffusion, step->t);
  commit(table, 1);
  return TRUE;
}

guint
ddim_step_table_get_n_steps(const DdimStepTable *table)
{
  return table->n_steps;
}

const DdimTableStep *
ddim_step_table_get_step(const DdimStepTable *table, guint index)
{
  g_return_val_if_fail(index < table->n_steps, NULL);
  return &table->steps[index];
}

const double *
ddim_step_table_get_timesteps(const DdimStepTable *table, guint *count)
{
  *count = table->n_timesteps;
  return table->timesteps;
}

guint
ddim_step_table_get_history(const DdimStepTable *table)
{
  return table->history;
}

gboolean
ddim_step_table_uses_noise(const DdimStepTable *table)
{
  return table->uses_noise;
}

gboolean
ddim_step_table_draws_noise(const DdimStepTable *table)
{
  return table->draws_noise;
}

gboolean
ddim_step_table_follows_x0(const DdimStepTable *table)
{
  return table->follows_x0;
}
