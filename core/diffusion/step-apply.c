/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Computes a step on the host, in float64. Tests check it directly, and compare the device's
 * kernels with it. */
#include "core/diffusion/step.h"

#include <math.h>
#include <stdlib.h>

guint
ddim_step_get_history(const DdimStep *step)
{
  guint n = DDIM_STEP_HISTORY;

  while (n > 0 && step->history[n - 1] == 0)
    n--;
  return n;
}

double
ddim_step_get_limit(const DdimStep *step)
{
  if (!step->clip)
    return INFINITY;
  return step->range > 0 ? step->range : 1;
}

static int
compare(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

/* torch.quantile of @values, which are sorted: between neighbours it interpolates. */
static double
get_quantile(const double *values, gsize n, double ratio)
{
  const double rank = ratio * (double)(n - 1);
  const gsize below = (gsize)rank, above = MIN(below + 1, n - 1);

  return values[below] + (rank - (double)below) * (values[above] - values[below]);
}

void
ddim_step_threshold(const DdimStep *step, gsize n, gsize plane, double *x0, double *work)
{
  for (gsize image = 0; image < n; image++, x0 += plane) {
    for (gsize i = 0; i < plane; i++)
      work[i] = fabs(x0[i]);
    qsort(work, plane, sizeof *work, compare);
    const double quantile = get_quantile(work, plane, step->threshold_ratio);
    const double limit = MIN(MAX(quantile, 1), step->threshold_max);
    for (gsize i = 0; i < plane; i++)
      x0[i] = CLAMP(x0[i], -limit, limit) / limit;
  }
}

static double
step_sigma(const DdimStep *step, double v)
{
  switch (step->sigma_type) {
  case DDIM_SIGMA_LEARNED:
    return exp(v / 2);
  case DDIM_SIGMA_LEARNED_PLAIN:
    return sqrt(MAX(v, 0));
  case DDIM_SIGMA_LEARNED_RANGE: {
    const double f = (v + 1) / 2;
    return exp((f * step->max_log + (1 - f) * step->min_log) / 2);
  }
  case DDIM_SIGMA_FIXED:
  default:
    return step->sigma;
  }
}

/* Where the mean and the variance of value @i of image @image lie in the output. */
static gsize
mean_index(const DdimStepArrays *arrays, gsize image, gsize i)
{
  return image * arrays->plane * (arrays->learned ? 2 : 1) + i;
}

void
ddim_step_predict(const DdimStep *step, const DdimStepArrays *arrays)
{
  const double limit = ddim_step_get_limit(step);

  for (gsize image = 0; image < arrays->n; image++)
    for (gsize i = 0; i < arrays->plane; i++) {
      const gsize k = image * arrays->plane + i;
      const double m = arrays->output[mean_index(arrays, image, i)];
      const double x0 = step->x0_x * arrays->x[k] + step->x0_m * m;
      arrays->x0[k] = CLAMP(x0, -limit, limit);
    }
}

/* Compute one value. @mean is its place in the output, @k its place everywhere else. */
static void
advance(const DdimStep *step, const DdimStepArrays *arrays, guint n_history, gboolean noisy,
        gsize mean, gsize k)
{
  const double x = arrays->x[k], x0 = arrays->x0[k];
  double next = step->next_x * x + step->next_x0 * x0 + step->next_m * arrays->output[mean];

  for (guint h = 0; h < n_history; h++)
    next += step->history[h] * arrays->history[h][k];
  if (noisy)
    next += step_sigma(step, arrays->learned ? arrays->output[mean + arrays->plane] : 0) *
            arrays->noise[k];
  if (step->keep && arrays->keep)
    arrays->keep[k] = step->keep_x * x + step->keep_x0 * x0;
  arrays->x[k] = next;
}

void
ddim_step_advance(const DdimStep *step, const DdimStepArrays *arrays)
{
  const gboolean noisy = ddim_step_uses_noise(step);
  const guint n_history = ddim_step_get_history(step);

  g_return_if_fail(arrays->noise != NULL || !noisy);
  g_return_if_fail(arrays->learned || step->sigma_type == DDIM_SIGMA_FIXED);

  for (gsize image = 0; image < arrays->n; image++)
    for (gsize i = 0; i < arrays->plane; i++)
      advance(step, arrays, n_history, noisy, mean_index(arrays, image, i),
              image * arrays->plane + i);
}

void
ddim_step_renoise(const DdimStep *step, const DdimStepArrays *arrays)
{
  g_return_if_fail(arrays->noise != NULL);

  for (gsize k = 0; k < arrays->n * arrays->plane; k++)
    arrays->x[k] = step->next_x * arrays->x[k] + step->sigma * arrays->noise[k];
}

void
ddim_step_apply(const DdimStep *step, gsize n, gsize plane, gboolean learned, double *x,
                const double *output, const double *noise, double *x0)
{
  const DdimStepArrays arrays = {.n = n,
                                 .plane = plane,
                                 .learned = learned,
                                 .x = x,
                                 .x0 = x0,
                                 .output = output,
                                 .noise = noise};

  g_return_if_fail(x0 != NULL && ddim_step_get_history(step) == 0);

  ddim_step_predict(step, &arrays);
  ddim_step_advance(step, &arrays);
}
