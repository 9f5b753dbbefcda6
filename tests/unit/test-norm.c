/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Group normalisation against its definition in double. */
#include "opencl/ops/norm/norm.h"
#include "ops.h"

typedef struct {
  const char *name;
  guint n, h, w, c, groups;
  double mean, deviation;
  gboolean emb, silu, sliced;
} Case;

static const Case cases[] = {
    {"pixel", 1, 1, 1, 64, 32, 0, 1},
    {"one-channel-groups", 3, 3, 5, 32, 32, 0, 1},
    {"odd", 2, 7, 9, 96, 32, 0.5, 2},
    {"wide-groups", 1, 16, 16, 384, 32, 0, 1},
    {"other-groups", 2, 5, 5, 48, 6, 0, 1},
    {"one-group", 1, 4, 4, 32, 1, 0, 1},
    {"many-pixels", 1, 33, 65, 32, 8, 0, 1},
    {"one-more-than-a-piece", 1, 5, 13, 64, 32, 3, 1},
    {"silu", 2, 8, 8, 64, 32, 0, 3, .silu = TRUE},
    {"scale-shift", 3, 8, 8, 64, 32, 0, 1, .emb = TRUE, .silu = TRUE},
    {"large-scale-shift", 2, 48, 65, 64, 8, 2, 3, .emb = TRUE, .silu = TRUE},
    {"slice", 2, 6, 7, 32, 16, 0, 1, .sliced = TRUE},
    {"slice-scale-shift", 2, 6, 7, 48, 16, 0, 1, .emb = TRUE, .sliced = TRUE},
    {"mean-100", 1, 16, 16, 64, 32, 100, 1},
    {"mean-1000", 2, 32, 32, 64, 32, -1000, 1},
    {"mean-1e5", 1, 9, 9, 32, 4, 1e5, 10},
    {"small", 1, 8, 8, 32, 32, 0, 1e-3},
    {"constant", 1, 8, 8, 32, 32, 7, 0},
};

#define EPS 1e-5f

/* mean and 1 / deviation of a group of image @n. */
static void
moments(const Case *c, const OpsTensor *x, guint n, guint group, double *mean, double *scale)
{
  const guint width = c->c / c->groups, pixels = c->h * c->w;
  double sum = 0, squares = 0;
  for (guint i = 0; i < pixels; i++)
    for (guint k = 0; k < width; k++)
      sum += ops_tensor_at(x, (gsize)n * pixels + i, group * width + k);
  *mean = sum / ((double)pixels * width);
  for (guint i = 0; i < pixels; i++)
    for (guint k = 0; k < width; k++) {
      const double d = ops_tensor_at(x, (gsize)n * pixels + i, group * width + k) - *mean;
      squares += d * d;
    }
  *scale = 1 / sqrt(squares / ((double)pixels * width) + EPS);
}

static double *
reference(const Case *c, const OpsTensor *x, const float *gamma, const float *beta,
          const float *emb, guint emb_ld)
{
  const guint pixels = c->h * c->w, width = c->c / c->groups;
  double *y = g_new(double, (gsize)c->n *pixels * c->c);
  for (guint n = 0; n < c->n; n++)
    for (guint k = 0; k < c->c; k++) {
      double mean, scale;
      moments(c, x, n, k / width, &mean, &scale);
      for (guint i = 0; i < pixels; i++) {
        double v = (ops_tensor_at(x, (gsize)n * pixels + i, k) - mean) * scale;
        v = v * gamma[k] + beta[k];
        if (c->emb)
          v = v * (1 + (double)emb[n * emb_ld + k]) + emb[n * emb_ld + c->c + k];
        y[((gsize)n * pixels + i) * c->c + k] = c->silu ? v / (1 + exp(-v)) : v;
      }
    }
  return y;
}

/* A tensor of the case's mean and deviation. */
static OpsTensor
input(const Case *c)
{
  g_autoptr(GError) error = NULL;
  OpsTensor x = ops_tensor(11, c->n, c->h, c->w, c->c, c->sliced, 1);
  /* uniform in [-1, 1) deviates by 1 / sqrt(3) */
  for (gsize i = 0; i < x.array.count; i++)
    x.array.host[i] = (float)(c->mean + c->deviation * sqrt(3) * x.array.host[i]);
  ddim_cl_buffer_write(x.array.buffer, 0, x.array.count * sizeof(float), x.array.host, &error);
  g_assert_no_error(error);
  return x;
}

/* Scale and shift are rounded to float32 and applied to x. If the mean is large compared with the
 * deviation, digits are lost in that ratio, and no more than that may be lost. */
static double
tolerance(const Case *c)
{
  const double deviation = MAX(c->deviation, sqrt(EPS));
  return 2e-6 + 2.5e-7 * fabs(c->mean) / deviation;
}

static void
test_case(gconstpointer data)
{
  const Case *c = data;
  const guint emb_ld = 2 * c->c + 32;
  OpsTensor x = input(c), y = ops_tensor(12, c->n, c->h, c->w, c->c, c->sliced, 1);
  OpsArray gamma = ops_array_random(13, c->c, 2), beta = ops_array_random(14, c->c, 1);
  OpsArray emb = ops_array_random(15, (gsize)c->n * emb_ld, 1);
  const DdimClNorm norm = {.groups = c->groups,
                           .eps = EPS,
                           .gamma = ops_array_mem(&gamma),
                           .beta = ops_array_mem(&beta),
                           .has_emb = c->emb,
                           .emb = ops_array_mem(&emb),
                           .emb_ld = emb_ld};
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(ops_context());
  DdimClMem ab = ddim_cl_norm_scale_shift(plan, &x.tensor, &norm);
  ddim_cl_norm_apply(plan, &x.tensor, ab, c->silu, &y.tensor);
  ddim_cl_plan_release(plan, ab);
  ops_plan_run(plan);
  g_autofree double *expected = reference(c, &x, gamma.host, beta.host, emb.host, emb_ld);
  ops_check(ops_tensor_error(&y, expected, c->c), tolerance(c), "%s", c->name);
  ops_tensor_clear(&x);
  ops_tensor_clear(&y);
  ops_array_clear(&gamma);
  ops_array_clear(&beta);
  ops_array_clear(&emb);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *path = g_strconcat("/norm/", cases[i].name, NULL);
    g_test_add_data_func(path, &cases[i], test_case);
  }
  return ops_run_tests();
}
