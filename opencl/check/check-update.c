/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/check/check-update.h"

#include <math.h>

/* Sums of four products of numbers near 1. */
#define TOLERANCE 5e-7

static double
standard_deviation(const DdimClUpdateStep *s, double v)
{
  if (s->sigma_type == 1)
    return exp(v / 2);
  if (s->sigma_type == 2) {
    const double f = (v + 1) / 2;
    return exp((f * s->max_log + (1 - f) * s->min_log) / 2);
  }
  if (s->sigma_type == 3)
    return sqrt(MAX(v, 0));
  return s->sigma;
}

double
ddim_check_update_x0(const DdimClUpdateStep *s, const DdimCheckUpdateInput *in)
{
  return CLAMP(s->x0_x * in->x + s->x0_m * in->m, -(double)s->limit, (double)s->limit);
}

double
ddim_check_update_next(const DdimClUpdateStep *s, const DdimCheckUpdateInput *in, double x0)
{
  double next = s->next_x * in->x + s->next_x0 * x0 + s->next_m * in->m;
  for (guint k = 0; k < s->n_history; k++)
    next += s->history[k] * in->history[k];
  return s->use_noise ? next + standard_deviation(s, in->v) * in->noise : next;
}

enum { N = 2, H = 5, W = 7, CHANNELS = 3, COUNT = N * CHANNELS * H * W };

static const DdimClUpdateStep step = {.x0_x = 1.5f,
                                      .x0_m = -0.75f,
                                      .limit = 1,
                                      .next_x = 0.7f,
                                      .next_x0 = 0.2f,
                                      .next_m = 0.125f,
                                      .sigma_type = 2,
                                      .min_log = -6.5f,
                                      .max_log = -2.25f,
                                      .use_noise = TRUE};

static void
run(DdimCheck *check, const DdimClUpdateMemory *memory, const float *noise, double *seconds)
{
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(check->context);
  ddim_check_run(check, plan);
  if (check->error)
    return;
  g_autoptr(DdimClUpdate) update = ddim_cl_update_new(plan, memory, &check->error);
  const gint64 start = g_get_monotonic_time();
  if (update && ddim_cl_update_run(update, &step, noise, &check->error))
    ddim_cl_finish(check->context, &check->error);
  *seconds = (g_get_monotonic_time() - start) * 1e-6;
}

DdimCheckResult
ddim_check_update(DdimCheck *check)
{
  DdimCheckResult result = {.error = INFINITY, .bound = TOLERANCE};
  DdimCheckTensor x = ddim_check_tensor(check, 1, 1, 1, 1, COUNT, FALSE, 2);
  DdimCheckTensor x0 = ddim_check_tensor(check, 2, 1, 1, 1, COUNT, FALSE, 1);
  DdimCheckTensor output = ddim_check_tensor(check, 3, N, H, W, 32, FALSE, 1);
  DdimCheckArray noise = ddim_check_array_random(check, 4, COUNT, 1);
  const DdimClUpdateMemory memory = {.x = x.tensor.mem,
                                     .x0 = x0.tensor.mem,
                                     .noise = ddim_check_array_mem(&noise),
                                     .ring = ddim_check_array_mem(&noise),
                                     .output = output.tensor,
                                     .channels = CHANNELS};
  double expected[COUNT];
  for (guint i = 0; i < COUNT; i++) {
    const guint pixel = i / (H * W * CHANNELS) * H * W + i % (H * W), c = i / (H * W) % CHANNELS;
    const DdimCheckUpdateInput in = {.x = ddim_check_tensor_at(&x, 0, i),
                                     .m = ddim_check_tensor_at(&output, pixel, c),
                                     .v = ddim_check_tensor_at(&output, pixel, CHANNELS + c),
                                     .noise = noise.host[i]};
    expected[i] = ddim_check_update_next(&step, &in, ddim_check_update_x0(&step, &in));
  }
  run(check, &memory, noise.host, &result.seconds);
  result.error = ddim_check_tensor_error(check, &x, expected, COUNT);
  ddim_check_tensor_clear(&x);
  ddim_check_tensor_clear(&x0);
  ddim_check_tensor_clear(&output);
  ddim_check_array_clear(&noise);
  return result;
}
