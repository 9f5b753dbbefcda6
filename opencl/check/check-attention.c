/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <math.h>

#include "opencl/check/check-parts.h"
#include "opencl/ops/attention/attention.h"
#include "opencl/ops/units/units.h"

/* The dot product's rounding, some 2^-23 of the logit and of what it sums, is the relative error of
 * its exponential. Matrix units' products err by a quarter of 2^-16 on average. */
static double
tolerance(DdimContext *context, const DdimCheckAttention *c)
{
  return (ddim_cl_has_amx(context) ? 5 : 1) * (1e-6 + 8e-7 * c->logits) +
         ddim_check_rounding(c->type, 1);
}

typedef struct {
  guint q, k, v; /* first channels */
} Head;

static Head
head_channels(const DdimCheckAttention *c, guint head)
{
  const guint C = c->heads * c->ch;
  if (c->interleaved)
    return (Head){head * 3 * c->ch, head * 3 * c->ch + c->ch, head * 3 * c->ch + 2 * c->ch};
  return (Head){head * c->ch, C + head * c->ch, 2 * C + head * c->ch};
}

/* The row of weights of query @t, summing to 1. */
static void
soften(const DdimCheckAttention *c, const DdimCheckTensor *qkv, gsize image, Head head, guint t,
       double *weights)
{
  const guint T = c->h * c->w;
  double top = -INFINITY, sum = 0;
  for (guint s = 0; s < T; s++) {
    double dot = 0;
    for (guint i = 0; i < c->ch; i++)
      dot += (double)ddim_check_tensor_at(qkv, image + t, head.q + i) *
             ddim_check_tensor_at(qkv, image + s, head.k + i);
    weights[s] = dot / sqrt(c->ch);
    top = MAX(top, weights[s]);
  }
  for (guint s = 0; s < T; s++)
    sum += weights[s] = exp(weights[s] - top);
  for (guint s = 0; s < T; s++)
    weights[s] /= sum;
}

static double *
reference(const DdimCheckAttention *c, const DdimCheckTensor *qkv)
{
  const guint T = c->h * c->w, C = c->heads * c->ch;
  double *out = g_new0(double, (gsize)c->n *T *C);
  g_autofree double *weights = g_new(double, T);
  for (guint n = 0; n < c->n; n++)
    for (guint h = 0; h < c->heads; h++) {
      const Head head = head_channels(c, h);
      for (guint t = 0; t < T; t++) {
        soften(c, qkv, (gsize)n * T, head, t, weights);
        double *result = out + ((gsize)n * T + t) * C + h * c->ch;
        for (guint s = 0; s < T; s++)
          for (guint i = 0; i < c->ch; i++)
            result[i] += weights[s] * ddim_check_tensor_at(qkv, (gsize)n * T + s, head.v + i);
      }
    }
  return out;
}

DdimCheckResult
ddim_check_attention(DdimCheck *check, const DdimCheckAttention *c)
{
  DdimCheckResult result = {.error = INFINITY, .bound = tolerance(check->context, c)};
  const guint C = c->heads * c->ch;
  /* the largest of q.k / sqrt(ch) is about 3 deviations of ch products of uniform numbers */
  DdimCheckTensor qkv =
      ddim_check_tensor_of(check, c->type, 21, c->n, c->h, c->w, 3 * C, c->sliced, sqrt(c->logits));
  DdimCheckTensor out = ddim_check_tensor_of(check, c->type, 22, c->n, c->h, c->w, C, c->sliced, 1);
  const DdimClAttention attention = {.heads = c->heads, .interleaved = c->interleaved};
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(check->context);
  if (!check->error) {
    ddim_cl_attention(plan, &qkv.tensor, &attention, &out.tensor);
    ddim_check_run(check, plan);
    g_autofree double *expected = reference(c, &qkv);
    result.error = ddim_check_tensor_error(check, &out, expected, C);
    result.seconds = ddim_check_time(check, plan);
  }
  ddim_check_tensor_clear(&qkv);
  ddim_check_tensor_clear(&out);
  return result;
}
