/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <math.h>

#include "opencl/check/check-parts.h"
#include "opencl/ops/norm/norm.h"

#define EPS 1e-5f

/* Channels of a group, and where channel @k of the groups lies. */
static guint
width_of(const DdimCheckNorm *c)
{
  return c->gaps.width ? c->gaps.width : c->c / c->groups;
}

static guint
place_of(const DdimCheckNorm *c, guint k)
{
  return c->gaps.width && k >= c->gaps.split ? k + c->gaps.shift : k;
}

/* mean and 1 / deviation of a group of image @n. */
static void
moments(const DdimCheckNorm *c, const DdimCheckTensor *x, guint n, guint group, double *mean,
        double *scale)
{
  const guint width = width_of(c), pixels = c->h * c->w;
  double sum = 0, squares = 0;
  for (guint i = 0; i < pixels; i++)
    for (guint k = 0; k < width; k++)
      sum += ddim_check_tensor_at(x, (gsize)n * pixels + i, place_of(c, group * width + k));
  *mean = sum / ((double)pixels * width);
  for (guint i = 0; i < pixels; i++)
    for (guint k = 0; k < width; k++) {
      const double d =
          ddim_check_tensor_at(x, (gsize)n * pixels + i, place_of(c, group * width + k)) - *mean;
      squares += d * d;
    }
  *scale = 1 / sqrt(squares / ((double)pixels * width) + EPS);
}

static double *
reference(const DdimCheckNorm *c, const DdimCheckTensor *x, const float *gamma, const float *beta,
          const float *emb, guint emb_ld)
{
  const guint pixels = c->h * c->w, width = width_of(c);
  double *y = g_new0(double, (gsize)c->n *pixels * c->c);
  for (guint n = 0; n < c->n; n++)
    for (guint group = 0; group < c->groups; group++) {
      double mean, scale;
      moments(c, x, n, group, &mean, &scale);
      for (guint r = group * width; r < (group + 1) * width; r++)
        for (guint i = 0; i < pixels; i++) {
          const guint k = place_of(c, r);
          double v = (ddim_check_tensor_at(x, (gsize)n * pixels + i, k) - mean) * scale;
          v = v * gamma[k] + beta[k];
          if (c->emb)
            v = v * (1 + (double)emb[n * emb_ld + k]) + emb[n * emb_ld + c->c + k];
          y[((gsize)n * pixels + i) * c->c + k] = c->silu ? v / (1 + exp(-v)) : v;
        }
    }
  return y;
}

/* A tensor of the case's mean and deviation. */
static DdimCheckTensor
input(DdimCheck *check, const DdimCheckNorm *c)
{
  DdimCheckTensor x =
      ddim_check_tensor_of(check, c->type, 11, c->n, c->h, c->w, c->c, c->sliced, 1);
  /* uniform in [-1, 1) deviates by 1 / sqrt(3) */
  for (gsize i = 0; i < x.array.count; i++)
    x.array.host[i] = (float)(c->mean + c->deviation * sqrt(3) * x.array.host[i]);
  ddim_check_array_write(check, &x.array);
  return x;
}

/* Scale and shift are rounded to float32 and applied to x. If the mean is large compared with the
 * deviation, digits are lost in that ratio, and no more than that may be lost. */
static double
tolerance(const DdimCheckNorm *c)
{
  const double deviation = MAX(c->deviation, sqrt(EPS));
  return 2e-6 + 2.5e-7 * fabs(c->mean) / deviation + ddim_check_rounding(c->type, 1);
}

DdimCheckResult
ddim_check_norm(DdimCheck *check, const DdimCheckNorm *c)
{
  DdimCheckResult result = {.error = INFINITY, .bound = tolerance(c)};
  const guint emb_ld = 2 * c->c + 32;
  DdimCheckTensor x = input(check, c);
  DdimCheckTensor y =
      ddim_check_tensor_of(check, c->type, 12, c->n, c->h, c->w, c->c, c->sliced, 1);
  DdimCheckArray gamma = ddim_check_array_random(check, 13, c->c, 2);
  DdimCheckArray beta = ddim_check_array_random(check, 14, c->c, 1);
  DdimCheckArray emb = ddim_check_array_random(check, 15, (gsize)c->n * emb_ld, 1);
  const DdimClNorm norm = {.groups = c->groups,
                           .eps = EPS,
                           .gamma = ddim_check_array_mem(&gamma),
                           .beta = ddim_check_array_mem(&beta),
                           .has_emb = c->emb,
                           .emb = ddim_check_array_mem(&emb),
                           .emb_ld = emb_ld,
                           .gaps = c->gaps};
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(check->context);
  if (!check->error) {
    DdimClMem ab = ddim_cl_norm_scale_shift(plan, &x.tensor, &norm);
    ddim_cl_norm_apply(plan, &x.tensor, ab, c->silu, &y.tensor);
    ddim_cl_plan_release(plan, ab);
    ddim_check_run(check, plan);
    g_autofree double *expected = reference(c, &x, gamma.host, beta.host, emb.host, emb_ld);
    result.error = ddim_check_tensor_error(check, &y, expected, c->c);
    result.seconds = ddim_check_time(check, plan);
  }
  ddim_check_tensor_clear(&x);
  ddim_check_tensor_clear(&y);
  ddim_check_array_clear(&gamma);
  ddim_check_array_clear(&beta);
  ddim_check_array_clear(&emb);
  return result;
}
