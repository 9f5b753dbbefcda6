/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/diffusion/guidance.h"

#include <math.h>

static double
at(const DdimDiffusion *diffusion, DdimTable table, guint t)
{
  return ddim_diffusion_get_table(diffusion, table)[t];
}

double
ddim_guidance_get_x0_factor(const DdimDiffusion *diffusion, guint t)
{
  const double alpha_bar = at(diffusion, DDIM_TABLE_ALPHAS_CUMPROD, t);

  /* Of pure noise nothing tells x0. */
  return alpha_bar > 0 ? (1 - alpha_bar) / sqrt(alpha_bar) : 0;
}

gboolean
ddim_guidance_reads_output(const DdimDiffusion *diffusion)
{
  const DdimVarType type = ddim_diffusion_get_var_type(diffusion);

  return type == DDIM_VAR_LEARNED || type == DDIM_VAR_LEARNED_RANGE;
}

/* The variance that is the same everywhere. */
static double
get_fixed_variance(const DdimDiffusion *diffusion, guint t)
{
  if (ddim_diffusion_get_var_type(diffusion) == DDIM_VAR_FIXED_SMALL)
    return at(diffusion, DDIM_TABLE_POSTERIOR_VARIANCE, t);
  if (t > 0 || ddim_diffusion_get_num_timesteps(diffusion) == 1)
    return at(diffusion, DDIM_TABLE_BETAS, t);
  return at(diffusion, DDIM_TABLE_POSTERIOR_VARIANCE, 1);
}

/* The variance where the model gives @v. */
static double
get_learned_variance(const DdimDiffusion *diffusion, guint t, double v)
{
  const double min_log = at(diffusion, DDIM_TABLE_POSTERIOR_LOG_VARIANCE_CLIPPED, t);
  const double max_log = log(at(diffusion, DDIM_TABLE_BETAS, t));
  const double part = (v + 1) / 2;

  if (ddim_diffusion_get_var_type(diffusion) == DDIM_VAR_LEARNED)
    return exp(v);
  return exp(part * max_log + (1 - part) * min_log);
}

void
ddim_guidance_make_shift(const DdimDiffusion *diffusion, guint t, gsize n, gsize plane,
                         const double *output, double *gradient)
{
  const gboolean learned = ddim_guidance_reads_output(diffusion);
  const double fixed = learned ? 0 : get_fixed_variance(diffusion, t);

  for (gsize i = 0; i < n; i++)
    for (gsize k = 0; k < plane; k++)
      gradient[i * plane + k] *=
          learned ? get_learned_variance(diffusion, t, output[(2 * i + 1) * plane + k]) : fixed;
}
