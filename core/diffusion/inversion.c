/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/diffusion/inversion.h"

#include <math.h>

/* Make a step that computes x_t from x_{t-1} and e. The first evaluation keeps x_{t-1}, and the
 * others read what it kept. */
static gboolean
make_step(const DdimDiffusion *diffusion, guint t, gboolean clip, gboolean first,
          DdimTableStep *step, GError **error)
{
  const double abar = ddim_diffusion_get_table(diffusion, DDIM_TABLE_ALPHAS_CUMPROD)[t];
  const double before = ddim_diffusion_get_table(diffusion, DDIM_TABLE_ALPHAS_CUMPROD_PREV)[t];
  const double signal = sqrt(abar / before);
  const double noise = sqrt(1 - abar) - signal * sqrt(1 - before);
  DdimStep plain;

  if (!ddim_diffusion_ddim_step(diffusion, t, 0, clip, &plain, error))
    return FALSE;
  *step = (DdimTableStep){.kind = DDIM_STEP_EVALUATION, .t = t};
  step->arithmetic = (DdimStep){.x0_x = plain.x0_x,
                                .x0_m = plain.x0_m,
                                .clip = clip,
                                .next_x = noise / sqrt(1 - abar),
                                .next_x0 = -noise * sqrt(abar) / sqrt(1 - abar),
                                .sigma_type = DDIM_SIGMA_FIXED};
  if (first) {
    step->arithmetic.next_x += signal;
    step->arithmetic.keep = TRUE;
    step->arithmetic.keep_x = 1;
  } else {
    step->arithmetic.history[0] = signal;
  }
  return TRUE;
}

gboolean
ddim_step_table_append_inversion(DdimStepTable *table, const DdimDiffusion *diffusion,
                                 gboolean clip, guint evaluations, GError **error)
{
  g_return_val_if_fail(evaluations > 0, FALSE);

  for (guint t = 0; t < ddim_diffusion_get_num_timesteps(diffusion); t++)
    for (guint i = 0; i < evaluations; i++) {
      DdimTableStep step;
      if (!make_step(diffusion, t, clip, i == 0, &step, error) ||
          !ddim_step_table_append_step(table, &step, error))
        return FALSE;
    }
  return TRUE;
}
