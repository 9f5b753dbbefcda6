/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Layout, resampling and SiLU. */
#include "opencl/ops/edges.h"
#include "ops.h"

typedef struct {
  guint n, h, w, x_c, cond_c, c;
  gboolean sliced;
} Planar;

/* Exact: nothing is computed. */
static void
test_from_planar(void)
{
  static const Planar cases[] = {
      {1, 1, 1, 1, 0, 16, FALSE}, {2, 3, 5, 3, 0, 16, FALSE},  {3, 7, 9, 4, 4, 16, FALSE},
      {2, 4, 4, 3, 3, 16, TRUE},  {1, 16, 2, 3, 1, 32, FALSE},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    const Planar *c = &cases[i];
    const guint pixels = c->h * c->w;
    OpsArray x = ops_array_random(1, (gsize)c->n * c->x_c * pixels, 1);
    OpsArray cond = ops_array_random(2, MAX((gsize)c->n * c->cond_c * pixels, 1), 1);
    OpsTensor y = ops_tensor(3, c->n, c->h, c->w, c->c, c->sliced, 1);
    g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(ops_context());
    ddim_cl_from_planar(plan, ops_array_mem(&x), c->x_c, ops_array_mem(&cond), c->cond_c,
                        &y.tensor);
    ops_plan_run(plan);
    g_autofree double *expected = g_new0(double, (gsize)c->n *pixels * c->c);
    for (guint n = 0; n < c->n; n++)
      for (guint p = 0; p < pixels; p++) {
        double *e = expected + ((gsize)n * pixels + p) * c->c;
        for (guint k = 0; k < c->x_c; k++)
          e[k] = x.host[((gsize)n * c->x_c + k) * pixels + p];
        for (guint k = 0; k < c->cond_c; k++)
          e[c->x_c + k] = cond.host[((gsize)n * c->cond_c + k) * pixels + p];
      }
    ops_check(ops_tensor_error(&y, expected, c->c), 0, "%ux%ux%ux%u", c->n, c->h, c->w, c->c);
    ops_array_clear(&x);
    ops_array_clear(&cond);
    ops_tensor_clear(&y);
  }
}

static void
test_to_planar(void)
{
  static const Planar cases[] = {
      {1, 1, 1, 1, 0, 32, FALSE}, {2, 3, 5, 3, 0, 32, FALSE}, {3, 7, 9, 6, 0, 32, TRUE}};
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    const Planar *c = &cases[i];
    const guint pixels = c->h * c->w, count = c->n * c->x_c * pixels;
    OpsTensor x = ops_tensor(1, c->n, c->h, c->w, c->c, c->sliced, 1);
    /* as a tensor, so that writes outside are seen */
    OpsTensor y = ops_tensor(2, 1, 1, 1, count, FALSE, 1);
    g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(ops_context());
    ddim_cl_to_planar(plan, &x.tensor, c->x_c, y.tensor.mem);
    ops_plan_run(plan);
    g_autofree double *expected = g_new(double, count);
    for (guint n = 0; n < c->n; n++)
      for (guint k = 0; k < c->x_c; k++)
        for (guint p = 0; p < pixels; p++)
          expected[(n * c->x_c + k) * pixels + p] = ops_tensor_at(&x, (gsize)n * pixels + p, k);
    ops_check(ops_tensor_error(&y, expected, count), 0, "%ux%ux%u", c->n, c->h, c->w);
    ops_tensor_clear(&x);
    ops_tensor_clear(&y);
  }
}

/* torch.nn.functional.interpolate(mode="bilinear", align_corners=False) at one point of a line:
 * output pixel centres lie at (i + 0.5) * in / out - 0.5, not before the first and not behind the
 * last input pixel, unless the line is a ring. */
static double
source_position(guint i, guint in, guint out, gboolean ring)
{
  const double place = (i + 0.5) * in / out - 0.5;
  if (ring)
    return place < 0 ? place + in : place;
  return CLAMP(place, 0, in - 1.0);
}

static guint
next_pixel(guint i, guint n, gboolean ring)
{
  return i + 1 < n ? i + 1 : ring ? 0 : i;
}

static double
sample(const float *plane, guint h, guint w, double y, double x, DdimWrap wrap)
{
  const guint y0 = (guint)y, x0 = (guint)x;
  const guint y1 = next_pixel(y0, h, wrap & DDIM_WRAP_Y),
              x1 = next_pixel(x0, w, wrap & DDIM_WRAP_X);
  const double fy = y - y0, fx = x - x0;
  return (plane[y0 * w + x0] * (1 - fx) + plane[y0 * w + x1] * fx) * (1 - fy) +
         (plane[y1 * w + x0] * (1 - fx) + plane[y1 * w + x1] * fx) * fy;
}

/* Positions of up to 64 have 6 bits fewer behind the point: 4e-6 of a pixel, twice the values. */
static void
test_resize(gconstpointer data)
{
  const DdimWrap wrap = GPOINTER_TO_UINT(data);
  static const guint sizes[][4] = {{8, 8, 32, 32}, {64, 64, 256, 256}, {5, 7, 11, 3}, {1, 1, 4, 6},
                                   {3, 1, 3, 5},   {16, 16, 16, 16},   {9, 33, 4, 64}};
  for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
    const guint *s = sizes[i], planes = 3;
    const guint in = s[0] * s[1], out = s[2] * s[3];
    OpsArray x = ops_array_random(1, planes * in, 1);
    OpsTensor y = ops_tensor(2, 1, 1, 1, planes * out, FALSE, 1);
    g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(ops_context());
    ddim_cl_resize_bilinear(plan, ops_array_mem(&x), s[0], s[1], y.tensor.mem, s[2], s[3], planes,
                            wrap);
    ops_plan_run(plan);
    g_autofree double *expected = g_new(double, planes *out);
    for (guint p = 0; p < planes; p++)
      for (guint o = 0; o < out; o++)
        expected[p * out + o] = sample(
            x.host + p * in, s[0], s[1], source_position(o / s[3], s[0], s[2], wrap & DDIM_WRAP_Y),
            source_position(o % s[3], s[1], s[3], wrap & DDIM_WRAP_X), wrap);
    ops_check(ops_tensor_error(&y, expected, planes * out), 1e-5, "%ux%u to %ux%u", s[0], s[1],
              s[2], s[3]);
    ops_array_clear(&x);
    ops_tensor_clear(&y);
  }
}

/* @up: y has pixel (i / 2, j / 2) of x, exactly; else the mean of four, to rounding. */
static void
check_resample(gboolean up, gboolean sliced, guint n, guint h, guint w)
{
  enum { C = 48 };
  const guint out_h = up ? 2 * h : h / 2, out_w = up ? 2 * w : w / 2;
  OpsTensor x = ops_tensor(1, n, h, w, C, sliced, 1);
  OpsTensor y = ops_tensor(2, n, out_h, out_w, C, sliced, 1);
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(ops_context());
  if (up)
    ddim_cl_upsample(plan, &x.tensor, &y.tensor);
  else
    ddim_cl_average_pool(plan, &x.tensor, &y.tensor);
  ops_plan_run(plan);
  g_autofree double *expected = g_new(double, (gsize)n *out_h *out_w *C);
  for (gsize i = 0; i < (gsize)n * out_h * out_w; i++) {
    const gsize image = i / (out_h * out_w), oy = i / out_w % out_h, ox = i % out_w;
    for (guint c = 0; c < C; c++) {
      double *e = &expected[i * C + c];
      if (up)
        *e = ops_tensor_at(&x, (image * h + oy / 2) * w + ox / 2, c);
      else
        *e = (ops_tensor_at(&x, (image * h + 2 * oy) * w + 2 * ox, c) +
              (double)ops_tensor_at(&x, (image * h + 2 * oy) * w + 2 * ox + 1, c) +
              ops_tensor_at(&x, (image * h + 2 * oy + 1) * w + 2 * ox, c) +
              ops_tensor_at(&x, (image * h + 2 * oy + 1) * w + 2 * ox + 1, c)) /
             4;
    }
  }
  ops_check(ops_tensor_error(&y, expected, C), up ? 0 : 2e-7, "%ux%ux%u", n, h, w);
  ops_tensor_clear(&x);
  ops_tensor_clear(&y);
}

static void
check_copy(gboolean sliced, guint n, guint h, guint w)
{
  enum { C = 48 };
  OpsTensor x = ops_tensor(1, n, h, w, C, !sliced, 1), y = ops_tensor(2, n, h, w, C, sliced, 1);
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(ops_context());
  ddim_cl_copy_tensor(plan, &x.tensor, &y.tensor);
  ops_plan_run(plan);
  g_autofree double *expected = g_new(double, (gsize)n *h *w *C);
  for (gsize i = 0; i < (gsize)n * h * w; i++)
    for (guint c = 0; c < C; c++)
      expected[i * C + c] = ops_tensor_at(&x, i, c);
  ops_check(ops_tensor_error(&y, expected, C), 0, "%ux%ux%u", n, h, w);
  ops_tensor_clear(&x);
  ops_tensor_clear(&y);
}

/* From a slice of channels and into one. */
static void
test_copy(void)
{
  check_copy(FALSE, 1, 1, 1);
  check_copy(TRUE, 2, 3, 5);
  check_copy(FALSE, 3, 4, 7);
}

static void
test_upsample(void)
{
  check_resample(TRUE, FALSE, 1, 1, 1);
  check_resample(TRUE, FALSE, 2, 3, 5);
  check_resample(TRUE, TRUE, 3, 4, 7);
}

static void
test_average_pool(void)
{
  check_resample(FALSE, FALSE, 1, 2, 2);
  check_resample(FALSE, FALSE, 2, 6, 10);
  check_resample(FALSE, TRUE, 3, 4, 14);
}

/* Each value to a few units in the last place, down to where the result itself vanishes. */
static void
test_silu(void)
{
  enum { COUNT = 4096 };
  g_autofree float *values = ops_random(1, COUNT, -30, 30);
  static const float special[] = {0, -0.0f, 1, -1, 87, -87, 100, -100, 1e4f, -1e4f, 1e-20f, 1e30f};
  for (guint i = 0; i < G_N_ELEMENTS(special); i++)
    values[i] = special[i];
  OpsArray x = ops_array(values, COUNT);
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(ops_context());
  ddim_cl_silu(plan, ops_array_mem(&x), COUNT);
  ops_plan_run(plan);
  g_autofree float *result = ops_array_read(&x);
  double worst = 0;
  for (guint i = 0; i < COUNT; i++) {
    const double v = values[i], e = v / (1 + exp(-v));
    g_assert_true(isfinite(result[i]));
    if (fabs(e) < 1e-30)
      g_assert_cmpfloat(fabs(result[i]), <, 1e-19);
    else
      worst = MAX(worst, fabs(result[i] - e) / fabs(e));
  }
  ops_check(worst, 6e-7, "silu");
  ops_array_clear(&x);
}

/* Exact: one rounding, as the reference's. */
static void
test_center(void)
{
  enum { COUNT = 1024 };
  g_autofree float *values = ops_random(5, COUNT, -3, 3);
  OpsArray x = ops_array(values, COUNT);
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(ops_context());
  ddim_cl_center(plan, ops_array_mem(&x), COUNT);
  ops_plan_run(plan);
  g_autofree float *result = ops_array_read(&x);
  for (guint i = 0; i < COUNT; i++)
    g_assert_cmpfloat(result[i], ==, (float)(2.0 * values[i] - 1.0));
  ops_array_clear(&x);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/edges/from-planar", test_from_planar);
  g_test_add_func("/edges/to-planar", test_to_planar);
  g_test_add_data_func("/edges/resize", GUINT_TO_POINTER(DDIM_WRAP_NONE), test_resize);
  g_test_add_data_func("/edges/resize-x", GUINT_TO_POINTER(DDIM_WRAP_X), test_resize);
  g_test_add_data_func("/edges/resize-y", GUINT_TO_POINTER(DDIM_WRAP_Y), test_resize);
  g_test_add_data_func("/edges/resize-xy", GUINT_TO_POINTER(DDIM_WRAP_XY), test_resize);
  g_test_add_func("/edges/copy", test_copy);
  g_test_add_func("/edges/center", test_center);
  g_test_add_func("/edges/upsample", test_upsample);
  g_test_add_func("/edges/average-pool", test_average_pool);
  g_test_add_func("/edges/silu", test_silu);
  return ops_run_tests();
}
