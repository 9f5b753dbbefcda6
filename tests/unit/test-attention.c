/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Attention against softmax(q k^T / sqrt(ch)) v in double. */
#include "opencl/ops/units/units.h"
#include "opencl/ops/attention/attention.h"
#include "ops.h"

typedef struct {
  guint n, h, w, heads, ch;
  gboolean interleaved, sliced;
  double logits; /* about the largest */
} Case;

static const Case cases[] = {
    /* no neighbours, and fewer than a vector's lanes */
    {1, 1, 1, 4, 8, TRUE, FALSE, 1},
    {3, 1, 5, 2, 8, FALSE, FALSE, 3},
    {2, 3, 5, 3, 24, TRUE, TRUE, 3},
    {1, 8, 8, 16, 1, TRUE, FALSE, 2},
    {2, 8, 8, 4, 4, FALSE, FALSE, 5},
    {1, 10, 10, 1, 96, TRUE, FALSE, 5},
    {2, 7, 9, 2, 96, FALSE, TRUE, 5},
    {1, 16, 16, 2, 128, TRUE, FALSE, 5},
    /* more channels than a work-group of a GPU sums up */
    {2, 5, 9, 1, 132, FALSE, TRUE, 5},
    {1, 6, 7, 1, 320, TRUE, FALSE, 5},
    {1, 32, 32, 1, 24, FALSE, FALSE, 5},
    {1, 1, 257, 2, 8, TRUE, FALSE, 5},
    {1, 32, 33, 2, 4, TRUE, TRUE, 5},
    /* one key gets all the weight, and exp() of the plain logits would overflow */
    {1, 10, 10, 2, 8, TRUE, FALSE, 80},
    {1, 16, 33, 2, 24, FALSE, FALSE, 80},
    {1, 8, 8, 2, 8, TRUE, FALSE, 1000},
};

/* The dot product's rounding, some 2^-23 of the logit and of what it sums, is the relative error of
 * its exponential. Matrix units' products err by a quarter of 2^-16 on average. */
static double
tolerance(const Case *c)
{
  return (ddim_cl_has_amx(ops_context()) ? 5 : 1) * (1e-6 + 8e-7 * c->logits);
}

typedef struct {
  guint q, k, v; /* first channels */
} Head;

static Head
head_channels(const Case *c, guint head)
{
  const guint C = c->heads * c->ch;
  if (c->interleaved)
    return (Head){head * 3 * c->ch, head * 3 * c->ch + c->ch, head * 3 * c->ch + 2 * c->ch};
  return (Head){head * c->ch, C + head * c->ch, 2 * C + head * c->ch};
}

/* The row of weights of query @t, summing to 1. */
static void
soften(const Case *c, const OpsTensor *qkv, gsize image, Head head, guint t, double *weights)
{
  const guint T = c->h * c->w;
  double top = -INFINITY, sum = 0;
  for (guint s = 0; s < T; s++) {
    double dot = 0;
    for (guint i = 0; i < c->ch; i++)
      dot += (double)ops_tensor_at(qkv, image + t, head.q + i) *
             ops_tensor_at(qkv, image + s, head.k + i);
    weights[s] = dot / sqrt(c->ch);
    top = MAX(top, weights[s]);
  }
  for (guint s = 0; s < T; s++)
    sum += weights[s] = exp(weights[s] - top);
  for (guint s = 0; s < T; s++)
    weights[s] /= sum;
}

static double *
reference(const Case *c, const OpsTensor *qkv)
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
            result[i] += weights[s] * ops_tensor_at(qkv, (gsize)n * T + s, head.v + i);
      }
    }
  return out;
}

static void
test_case(gconstpointer data)
{
  const Case *c = data;
  const guint C = c->heads * c->ch;
  /* the largest of q.k / sqrt(ch) is about 3 deviations of ch products of uniform numbers */
  OpsTensor qkv = ops_tensor(21, c->n, c->h, c->w, 3 * C, c->sliced, sqrt(c->logits));
  OpsTensor out = ops_tensor(22, c->n, c->h, c->w, C, c->sliced, 1);
  const DdimClAttention attention = {.heads = c->heads, .interleaved = c->interleaved};
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(ops_context());
  ddim_cl_attention(plan, &qkv.tensor, &attention, &out.tensor);
  ops_plan_run(plan);
  g_autofree double *expected = reference(c, &qkv);
  ops_check(ops_tensor_error(&out, expected, C), tolerance(c), "attention");
  ops_tensor_clear(&qkv);
  ops_tensor_clear(&out);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    const Case *c = &cases[i];
    g_autofree char *path = g_strdup_printf(
        "/attention/%ux%ux%u/%ux%u/%s%s/%g", c->n, c->h, c->w, c->heads, c->ch,
        c->interleaved ? "interleaved" : "split", c->sliced ? "-sliced" : "", c->logits);
    g_test_add_data_func(path, c, test_case);
  }
  return ops_run_tests();
}
