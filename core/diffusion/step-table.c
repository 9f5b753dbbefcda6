/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/diffusion/step-table.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "core/data/error.h"
#include "core/diffusion/sampler-steps.h"

#define NO_CONDITION G_MAXUINT

struct _DdimStepTable {
  const DdimDiffusion *diffusion; /* NULL in a plain table */
  DdimTableStep *steps;
  guint n_steps, n_room; /* steps counted, and for how many there is room */
  double *timesteps;     /* [n_timesteps], room for one of each t, or of each step */
  guint n_timesteps;
  guint *conditions;    /* respaced index -> place in timesteps, or NO_CONDITION; or NULL */
  guint n_planned;      /* steps of a plain table */
  guint history;        /* arrays that the loop needs */
  guint n_kept, n_peak; /* arrays on the stack of what is kept, now and at most */
  gboolean uses_noise, draws_noise, follows_x0;
  double start_scale;
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
  table->start_scale = 1;
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

DdimStepTable *
ddim_step_table_new_plain(guint n_steps, GError **error)
{
  g_autoptr(DdimStepTable) table = g_new0(DdimStepTable, 1);

  table->follows_x0 = TRUE;
  table->start_scale = 1;
  table->n_planned = n_steps;
  table->timesteps = g_try_new(double, MAX(n_steps, 1));
  if (!table->timesteps) {
    set_no_memory(n_steps, error);
    return NULL;
  }
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

/* Make room for @more steps behind those that are counted, and at least twice as much as before. */
static DdimTableStep *
reserve(DdimStepTable *table, guint more, GError **error)
{
  if (more > table->n_room - table->n_steps) {
    const guint64 needed = (guint64)table->n_steps + more;
    const guint64 room = MIN(MAX(needed, 2 * (guint64)table->n_room), G_MAXUINT);
    DdimTableStep *steps =
        needed <= room ? g_try_renew(DdimTableStep, table->steps, (gsize)room) : NULL;

    if (!steps) {
      set_no_memory(more, error);
      return NULL;
    }
    table->steps = steps;
    table->n_room = (guint)room;
  }
  return table->steps + table->n_steps;
}

/* How many places the ring needs for what @step reads and keeps. What was on the stack before is
 * overwritten only after it was read, if there is also room for what is dropped meanwhile. */
static void
count_history(DdimStepTable *table, const DdimStep *step)
{
  const guint n_read = ddim_step_get_history(step);

  if (n_read)
    table->history = MAX(table->history, n_read + table->n_peak - table->n_kept);
  g_return_if_fail(table->history <= DDIM_STEP_RING);
  table->n_kept += step->keep - step->drop;
  table->n_peak = MAX(table->n_peak, table->n_kept);
}

/* A plain table that visits a timestep twice does so in steps that are close to each other. */
static guint
find_condition(const DdimStepTable *table, const DdimTableStep *step)
{
  if (table->conditions)
    return table->conditions[step->t];
  for (guint back = 1; back <= MIN(table->n_timesteps, 4); back++)
    if (table->timesteps[table->n_timesteps - back] == step->timestep)
      return table->n_timesteps - back;
  return NO_CONDITION;
}

/* Count @more steps that were written to where reserve() said. */
static void
commit(DdimStepTable *table, guint more)
{
  for (guint end = table->n_steps + more; table->n_steps < end; table->n_steps++) {
    DdimTableStep *step = &table->steps[table->n_steps];
    count_history(table, &step->arithmetic);
    table->uses_noise |= ddim_step_uses_noise(&step->arithmetic);
    table->draws_noise |= step->draws_noise;
    table->follows_x0 &= step->arithmetic.next_m == 0;
    if (step->kind != DDIM_STEP_EVALUATION)
      continue;
    step->condition = find_condition(table, step);
    if (step->condition != NO_CONDITION)
      continue;
    step->condition = table->n_timesteps;
    table->timesteps[table->n_timesteps++] = step->timestep;
    if (table->conditions)
      table->conditions[step->t] = step->condition;
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

gboolean
ddim_step_table_append(DdimStepTable *table, const DdimSampleParams *params, guint first,
                       guint last, GError **error)
{
  g_return_val_if_fail(table != NULL && params != NULL && table->diffusion != NULL, FALSE);

  const gboolean up = params->sampler == DDIM_SAMPLER_REVERSE;
  g_autoptr(DdimSamplerRun) run = NULL;
  DdimTableStep *steps;

  if (!check_range(table, first, last, up, error) ||
      !(run = ddim_sampler_run_new(table->diffusion, params, first, last, error)))
    return FALSE;
  const guint count = ddim_sampler_run_get_count(run);
  if (!(steps = reserve(table, count, error)))
    return FALSE;
  for (guint i = 0; i < count; i++) {
    guint t = 0;
    steps[i] = (DdimTableStep){.kind = DDIM_STEP_EVALUATION,
                               .draws_noise = ddim_sampler_draws_noise(params->sampler)};
    if (!ddim_sampler_run_get_step(run, i, &t, &steps[i].arithmetic, error))
      return FALSE;
    steps[i].t = t;
    steps[i].timestep = ddim_diffusion_get_model_timestep(table->diffusion, t);
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

/* Devices compute in float32, so that larger numbers are infinite there. */
static gboolean
check_finite(const DdimStepTable *table, double timestep, const DdimStep *step, GError **error)
{
  const double numbers[] = {step->x0_x,    step->x0_m,    step->next_x,  step->next_x0,
                            step->next_m,  step->keep_x,  step->keep_x0, step->sigma,
                            step->min_log, step->max_log, step->range,   timestep};
  gboolean finite = TRUE;

  for (guint i = 0; i < G_N_ELEMENTS(numbers); i++)
    finite &= fabs(numbers[i]) <= G_MAXFLOAT;
  for (guint k = 0; k < DDIM_STEP_HISTORY; k++)
    finite &= fabs(step->history[k]) <= G_MAXFLOAT;
  if (!finite)
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("step %u cannot be computed: its numbers are not finite; take fewer steps"),
                table->n_steps + 1);
  return finite;
}

gboolean
ddim_step_table_append_step(DdimStepTable *table, const DdimTableStep *step, GError **error)
{
  g_return_val_if_fail(table != NULL && step != NULL, FALSE);
  /* First, as a number that is not finite also counts as a history that is read. */
  if (!check_finite(table, step->timestep, &step->arithmetic, error))
    return FALSE;
  g_return_val_if_fail(ddim_step_get_history(&step->arithmetic) <= table->n_kept, FALSE);
  g_return_val_if_fail(step->arithmetic.drop <= table->n_kept, FALSE);
  g_return_val_if_fail(table->diffusion
                           ? step->t < ddim_diffusion_get_num_timesteps(table->diffusion)
                           : table->n_steps < table->n_planned,
                       FALSE);

  DdimTableStep *own = reserve(table, 1, error);

  if (!own)
    return FALSE;
  *own = *step;
  if (table->diffusion)
    own->timestep = ddim_diffusion_get_model_timestep(table->diffusion, step->t);
  else
    own->t = table->n_planned - 1 - table->n_steps;
  commit(table, 1);
  return TRUE;
}

double
ddim_step_table_get_start_scale(const DdimStepTable *table)
{
  return table->start_scale;
}

void
ddim_step_table_set_start_scale(DdimStepTable *table, double scale)
{
  table->start_scale = scale;
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

double
ddim_step_table_get_noise_level(const DdimStepTable *table, const DdimTableStep *step)
{
  double signal = 1, noise = 0;

  if (table->diffusion)
    ddim_diffusion_q_sample(table->diffusion, step->t, &signal, &noise);
  return signal > 0 ? noise / signal : INFINITY;
}
