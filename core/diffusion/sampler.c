/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The sampling loop on the host, in float64: what the tests check, and the oracle of the device's
 * loop. */
#include <glib/gi18n-lib.h>
#include <math.h>

#include "core/diffusion/diffusion.h"
#include "core/data/error.h"

static double
step_sigma(const DdimStep *step, double v)
{
  switch (step->sigma_type) {
  case DDIM_SIGMA_LEARNED:
    return exp(v / 2);
  case DDIM_SIGMA_LEARNED_RANGE: {
    const double f = (v + 1) / 2;
    return exp((f * step->max_log + (1 - f) * step->min_log) / 2);
  }
  case DDIM_SIGMA_FIXED:
  default:
    return step->sigma;
  }
}

/* One image; @variance is NULL when the model does not predict it. */
static void
apply_image(const DdimStep *step, gsize plane, double *x, const double *mean,
            const double *variance, const double *noise, double *x0_out)
{
  for (gsize i = 0; i < plane; i++) {
    double x0 = step->x0_x * x[i] + step->x0_m * mean[i];
    if (step->clip)
      x0 = CLAMP(x0, -1, 1);
    double next = step->next_x * x[i] + step->next_x0 * x0 + step->next_m * mean[i];
    if (noise != NULL)
      next += step_sigma(step, variance ? variance[i] : 0) * noise[i];
    x[i] = next;
    if (x0_out != NULL)
      x0_out[i] = x0;
  }
}

void
ddim_step_apply(const DdimStep *step, gsize n, gsize plane, gboolean learned, double *x,
                const double *output, const double *noise, double *x0)
{
  const gboolean noisy = ddim_step_uses_noise(step);

  g_return_if_fail(noise != NULL || !noisy);
  g_return_if_fail(learned || step->sigma_type == DDIM_SIGMA_FIXED);

  for (gsize i = 0; i < n; i++) {
    const double *mean = output + i * plane * (learned ? 2 : 1);
    apply_image(step, plane, x + i * plane, mean, learned ? mean + plane : NULL,
                noisy ? noise + i * plane : NULL, x0 ? x0 + i * plane : NULL);
  }
}

/* All steps in the order they are taken, so that bad parameters are refused before the model runs.
 */
static gboolean
plan_steps(const DdimDiffusion *diffusion, const DdimSampleParams *params, DdimStep *steps,
           gboolean *uses_noise, GError **error)
{
  *uses_noise = FALSE;
  for (guint t = 0; t < ddim_diffusion_get_num_timesteps(diffusion); t++) {
    if (!ddim_diffusion_get_step(diffusion, params, t, &steps[t], error))
      return FALSE;
    *uses_noise |= ddim_step_uses_noise(&steps[t]);
  }
  return TRUE;
}

static double *
try_new_buffer(gsize n, gsize plane, guint copies, GError **error)
{
  gsize count;
  double *buffer = NULL;

  if (g_size_checked_mul(&count, n, plane) && g_size_checked_mul(&count, count, copies))
    buffer = g_try_new(double, MAX(count, 1));
  if (buffer == NULL)
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("not enough memory to sample %zu images of %zu"
                  " values: make fewer or smaller ones at a time"),
                n, plane);
  return buffer;
}

gboolean
ddim_diffusion_sample(const DdimDiffusion *diffusion, const DdimSampleParams *params,
                      const DdimModel *model, gsize n, gsize plane, double *x, DdimNoiseFunc noise,
                      gpointer noise_data, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail(diffusion != NULL && params != NULL && model != NULL && x != NULL, FALSE);

  const guint count = ddim_diffusion_get_num_timesteps(diffusion);
  const guint copies = ddim_diffusion_get_model_channels(diffusion, 1);
  const gboolean reverse = params->sampler == DDIM_SAMPLER_REVERSE;
  g_autofree DdimStep *steps = g_new(DdimStep, count);
  g_autofree double *output = NULL, *drawn = NULL;
  gboolean uses_noise;

  if (!plan_steps(diffusion, params, steps, &uses_noise, error))
    return FALSE;
  g_return_val_if_fail(noise != NULL || !uses_noise, FALSE);
  output = try_new_buffer(n, plane, copies, error);
  if (output == NULL)
    return FALSE;
  if (noise != NULL && !reverse) {
    drawn = try_new_buffer(n, plane, 1, error);
    if (drawn == NULL)
      return FALSE;
  }

  for (guint i = 0; i < count; i++) {
    const guint t = reverse ? i : count - 1 - i;
    if (g_cancellable_set_error_if_cancelled(cancellable, error) ||
        !model->predict(model->user_data, x, ddim_diffusion_get_model_timestep(diffusion, t), n,
                        plane, output, error))
      return FALSE;
    if (drawn != NULL)
      noise(noise_data, drawn, n * plane);
    ddim_step_apply(&steps[t], n, plane, copies == 2, x, output, drawn, NULL);
  }
  return TRUE;
}
