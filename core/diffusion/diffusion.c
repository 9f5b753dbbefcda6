/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/diffusion/diffusion.h"

#include <float.h>
#include <glib/gi18n-lib.h>
#include <math.h>

#include "core/data/error.h"
#include "core/diffusion/schedule.h"

struct _DdimDiffusion {
  guint num_timesteps;
  guint original_steps;
  guint *timestep_map;
  DdimMeanType mean_type;
  DdimVarType var_type;
  gboolean rescale_timesteps;
  double *tables[DDIM_N_TABLES];
};

/* Check what GaussianDiffusion.__init__ asserts, and what is needed for every table to be
 * finite. */
static gboolean
check_betas(const double *betas, guint n, GError **error)
{
  double alpha_bar = 1;

  for (guint i = 0; i < n; i++) {
    if (!(betas[i] > 0 && betas[i] <= 1)) {
      g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                  _("beta %u of the noise schedule is %g: expected more than 0 and at most 1"), i,
                  betas[i]);
      return FALSE;
    }
    if (1 - betas[i] == 1) {
      g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                  _("beta %u of the noise schedule is %g: too small to add any noise"), i,
                  betas[i]);
      return FALSE;
    }
    alpha_bar *= 1 - betas[i];
    if (alpha_bar < DBL_MIN && (i + 1 < n || alpha_bar > 0)) {
      g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                  _("the noise schedule leaves no signal after step %u of %u: its betas are too "
                    "large"),
                  i, n);
      return FALSE;
    }
  }
  return TRUE;
}

/* SpacedDiffusion.__init__: the betas that give the kept steps the alphas_cumprod they had. */
static double *
respace_betas(const double *betas, guint n, const guint *kept, guint n_kept)
{
  double *respaced = g_new(double, n_kept);
  double alpha_bar = 1, last = 1;
  guint k = 0;

  for (guint i = 0; i < n && k < n_kept; i++) {
    alpha_bar *= 1 - betas[i];
    if (i == kept[k]) {
      respaced[k++] = 1 - alpha_bar / last;
      last = alpha_bar;
    }
  }
  return respaced;
}

/* GaussianDiffusion.__init__, in its order of operations. Takes over @betas. */
static void
fill_tables(DdimDiffusion *self, double *betas)
{
  const guint n = self->num_timesteps;
  double *const *table = self->tables;

  self->tables[DDIM_TABLE_BETAS] = betas;
  for (int i = DDIM_TABLE_BETAS + 1; i < DDIM_N_TABLES; i++)
    self->tables[i] = g_new(double, n);

  double alpha_bar = 1;
  for (guint i = 0; i < n; i++) {
    const double prev = alpha_bar;
    alpha_bar *= 1 - betas[i];
    const double variance = betas[i] * (1 - prev) / (1 - alpha_bar);
    table[DDIM_TABLE_ALPHAS_CUMPROD][i] = alpha_bar;
    table[DDIM_TABLE_ALPHAS_CUMPROD_PREV][i] = prev;
    if (i > 0)
      table[DDIM_TABLE_ALPHAS_CUMPROD_NEXT][i - 1] = alpha_bar;
    table[DDIM_TABLE_POSTERIOR_VARIANCE][i] = variance;
    table[DDIM_TABLE_POSTERIOR_LOG_VARIANCE_CLIPPED][i] = i > 0 ? log(variance) : 0;
    table[DDIM_TABLE_POSTERIOR_MEAN_COEF1][i] = betas[i] * sqrt(prev) / (1 - alpha_bar);
    table[DDIM_TABLE_POSTERIOR_MEAN_COEF2][i] = (1 - prev) * sqrt(1 - betas[i]) / (1 - alpha_bar);
  }
  table[DDIM_TABLE_ALPHAS_CUMPROD_NEXT][n - 1] = 0;
  /* The variance at 0 is 0; its logarithm borrows that of the next step (see the header for n = 1).
   */
  table[DDIM_TABLE_POSTERIOR_LOG_VARIANCE_CLIPPED][0] =
      n > 1 ? table[DDIM_TABLE_POSTERIOR_LOG_VARIANCE_CLIPPED][1] : log(betas[0]);
}

DdimDiffusion *
ddim_diffusion_new(const DdimDiffusionParams *params, GError **error)
{
  g_return_val_if_fail(params != NULL, NULL);

  g_autofree double *betas = ddim_betas_new(params->noise_schedule, params->diffusion_steps, error);
  if (betas == NULL)
    return NULL;
  return ddim_diffusion_new_from_betas(betas, params, error);
}

DdimDiffusion *
ddim_diffusion_new_from_betas(const double *betas, const DdimDiffusionParams *params,
                              GError **error)
{
  g_return_val_if_fail(betas != NULL && params != NULL, NULL);

  const guint steps = params->diffusion_steps;
  g_autoptr(DdimDiffusion) self = g_new0(DdimDiffusion, 1);
  g_autofree double *respaced = NULL;

  self->timestep_map =
      ddim_space_timesteps(steps, params->timestep_respacing, &self->num_timesteps, error);
  if (self->timestep_map == NULL || !check_betas(betas, steps, error))
    return NULL;
  respaced = respace_betas(betas, steps, self->timestep_map, self->num_timesteps);
  if (!check_betas(respaced, self->num_timesteps, error))
    return NULL;

  self->original_steps = steps;
  self->mean_type = params->mean_type;
  self->var_type = params->var_type;
  self->rescale_timesteps = params->rescale_timesteps;
  fill_tables(self, g_steal_pointer(&respaced));
  return g_steal_pointer(&self);
}

void
ddim_diffusion_free(DdimDiffusion *self)
{
  if (self == NULL)
    return;
  for (int i = 0; i < DDIM_N_TABLES; i++)
    g_free(self->tables[i]);
  g_free(self->timestep_map);
  g_free(self);
}

guint
ddim_diffusion_get_num_timesteps(const DdimDiffusion *self)
{
  return self->num_timesteps;
}

const double *
ddim_diffusion_get_table(const DdimDiffusion *self, DdimTable table)
{
  g_return_val_if_fail(table < DDIM_N_TABLES, NULL);
  return self->tables[table];
}

const char *
ddim_table_get_name(DdimTable table)
{
  static const char *const names[DDIM_N_TABLES] = {
      [DDIM_TABLE_BETAS] = "betas",
      [DDIM_TABLE_ALPHAS_CUMPROD] = "alphas_cumprod",
      [DDIM_TABLE_ALPHAS_CUMPROD_PREV] = "alphas_cumprod_prev",
      [DDIM_TABLE_ALPHAS_CUMPROD_NEXT] = "alphas_cumprod_next",
      [DDIM_TABLE_POSTERIOR_VARIANCE] = "posterior_variance",
      [DDIM_TABLE_POSTERIOR_LOG_VARIANCE_CLIPPED] = "posterior_log_variance_clipped",
      [DDIM_TABLE_POSTERIOR_MEAN_COEF1] = "posterior_mean_coef1",
      [DDIM_TABLE_POSTERIOR_MEAN_COEF2] = "posterior_mean_coef2",
  };
  g_return_val_if_fail(table < DDIM_N_TABLES, NULL);
  return names[table];
}

const guint *
ddim_diffusion_get_timestep_map(const DdimDiffusion *self)
{
  return self->timestep_map;
}

double
ddim_diffusion_get_model_timestep(const DdimDiffusion *self, guint t)
{
  g_return_val_if_fail(t < self->num_timesteps, 0);

  const float step = (float)self->timestep_map[t];
  if (!self->rescale_timesteps)
    return step;
  return (float)(step * (float)(1000.0 / self->original_steps));
}

guint
ddim_diffusion_get_model_channels(const DdimDiffusion *self, guint channels)
{
  return self->var_type >= DDIM_VAR_LEARNED ? 2 * channels : channels;
}

DdimMeanType
ddim_diffusion_get_mean_type(const DdimDiffusion *self)
{
  return self->mean_type;
}

DdimVarType
ddim_diffusion_get_var_type(const DdimDiffusion *self)
{
  return self->var_type;
}

void
ddim_diffusion_q_sample(const DdimDiffusion *self, guint t, double *signal, double *noise)
{
  g_return_if_fail(self != NULL && t < self->num_timesteps);

  const double alpha_bar = self->tables[DDIM_TABLE_ALPHAS_CUMPROD][t];

  *signal = sqrt(alpha_bar);
  *noise = sqrt(1 - alpha_bar);
}
