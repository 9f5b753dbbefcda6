/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Layout, resampling and SiLU. */
#include <math.h>

#include "opencl/check/check-parts.h"
#include "opencl/ops/edges.h"

/* Channels of tensors where their number does not matter. */
enum { C = 48 };

/* Run @plan, whose result is @y, and compare that. */
static void
finish(DdimCheck *check, DdimClPlan *plan, const DdimCheckTensor *y, const double *expected,
       guint channels, DdimCheckResult *result)
{
  ddim_check_run(check, plan);
  result->error = ddim_check_tensor_error(check, y, expected, channels);
  result->seconds = ddim_check_time(check, plan);
}

/* Exact: nothing is computed. */
DdimCheckResult
ddim_check_from_planar(DdimCheck *check, guint n, guint h, guint w, guint x_c, guint cond_c,
                       guint c, gboolean sliced)
{
  DdimCheckResult result = {.error = INFINITY};
  const gsize pixels = (gsize)h * w;
  DdimCheckArray x = ddim_check_array_random(check, 1, n * x_c * pixels, 1);
  DdimCheckArray cond = ddim_check_array_random(check, 2, MAX(n * cond_c * pixels, 1), 1);
  DdimCheckTensor y = ddim_check_tensor(check, 3, n, h, w, c, sliced, 1);
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(check->context);
  g_autofree double *expected = g_new0(double, n *pixels *c);
  for (gsize i = 0; i < n * pixels; i++) {
    const gsize image = i / pixels, pixel = i % pixels;
    for (guint k = 0; k < x_c; k++)
      expected[i * c + k] = x.host[(image * x_c + k) * pixels + pixel];
    for (guint k = 0; k < cond_c; k++)
      expected[i * c + x_c + k] = cond.host[(image * cond_c + k) * pixels + pixel];
  }
  if (!check->error) {
    ddim_cl_from_planar(plan, ddim_check_array_mem(&x), x_c, ddim_check_array_mem(&cond), cond_c,
                        &y.tensor);
    finish(check, plan, &y, expected, c, &result);
  }
  ddim_check_array_clear(&x);
  ddim_check_array_clear(&cond);
  ddim_check_tensor_clear(&y);
  return result;
}

DdimCheckResult
ddim_check_to_planar(DdimCheck *check, guint n, guint h, guint w, guint x_c, guint c,
                     gboolean sliced)
{
  DdimCheckResult result = {.error = INFINITY};
  const guint pixels = h * w, count = n * x_c * pixels;
  DdimCheckTensor x = ddim_check_tensor(check, 1, n, h, w, c, sliced, 1);
  /* as a tensor, so that writes outside are seen */
  DdimCheckTensor y = ddim_check_tensor(check, 2, 1, 1, 1, count, FALSE, 1);
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(check->context);
  g_autofree double *expected = g_new(double, count);
  for (guint i = 0; i < count; i++)
    expected[i] =
        ddim_check_tensor_at(&x, (gsize)(i / pixels / x_c) * pixels + i % pixels, i / pixels % x_c);
  if (!check->error) {
    ddim_cl_to_planar(plan, &x.tensor, x_c, y.tensor.mem);
    finish(check, plan, &y, expected, count, &result);
  }
  ddim_check_tensor_clear(&x);
  ddim_check_tensor_clear(&y);
  return result;
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
DdimCheckResult
ddim_check_resize(DdimCheck *check, guint in_h, guint in_w, guint out_h, guint out_w, DdimWrap wrap)
{
  DdimCheckResult result = {.error = INFINITY, .bound = 1e-5};
  const guint planes = 3, in = in_h * in_w, out = out_h * out_w;
  DdimCheckArray x = ddim_check_array_random(check, 1, planes * in, 1);
  DdimCheckTensor y = ddim_check_tensor(check, 2, 1, 1, 1, planes * out, FALSE, 1);
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(check->context);
  g_autofree double *expected = g_new(double, planes *out);
  for (guint p = 0; p < planes; p++)
    for (guint o = 0; o < out; o++)
      expected[p * out + o] = sample(
          x.host + p * in, in_h, in_w, source_position(o / out_w, in_h, out_h, wrap & DDIM_WRAP_Y),
          source_position(o % out_w, in_w, out_w, wrap & DDIM_WRAP_X), wrap);
  if (!check->error) {
    ddim_cl_resize_bilinear(plan, ddim_check_array_mem(&x), in_h, in_w, y.tensor.mem, out_h, out_w,
                            planes, wrap);
    finish(check, plan, &y, expected, planes * out, &result);
  }
  ddim_check_array_clear(&x);
  ddim_check_tensor_clear(&y);
  return result;
}

/* Upwards: pixel (i / 2, j / 2) of x. */
static double
doubled(const DdimCheckTensor *x, gsize image, gsize oy, gsize ox, guint c)
{
  const DdimClTensor *t = &x->tensor;
  return ddim_check_tensor_at(x, (image * t->h + oy / 2) * t->w + ox / 2, c);
}

/* Downwards: the mean of four pixels. */
static double
averaged(const DdimCheckTensor *x, gsize image, gsize oy, gsize ox, guint c)
{
  const DdimClTensor *t = &x->tensor;
  const gsize first = (image * t->h + 2 * oy) * t->w + 2 * ox;
  return (ddim_check_tensor_at(x, first, c) + (double)ddim_check_tensor_at(x, first + 1, c) +
          ddim_check_tensor_at(x, first + t->w, c) + ddim_check_tensor_at(x, first + t->w + 1, c)) /
         4;
}

/* Upwards exactly, downwards to rounding. */
DdimCheckResult
ddim_check_resample(DdimCheck *check, DdimClType type, gboolean up, gboolean sliced, guint n,
                    guint h, guint w)
{
  DdimCheckResult result = {.error = INFINITY,
                            .bound = up ? 0 : 2e-7 + ddim_check_rounding(type, 1)};
  const guint out_h = up ? 2 * h : h / 2, out_w = up ? 2 * w : w / 2;
  DdimCheckTensor x = ddim_check_tensor_of(check, type, 1, n, h, w, C, sliced, 1);
  DdimCheckTensor y = ddim_check_tensor_of(check, type, 2, n, out_h, out_w, C, sliced, 1);
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(check->context);
  g_autofree double *expected = g_new(double, (gsize)n *out_h *out_w *C);
  for (gsize i = 0; i < (gsize)n * out_h * out_w * C; i++) {
    const gsize pixel = i / C, image = pixel / (out_h * out_w);
    expected[i] =
        (up ? doubled : averaged)(&x, image, pixel / out_w % out_h, pixel % out_w, (guint)(i % C));
  }
  if (!check->error) {
    if (up)
      ddim_cl_upsample(plan, &x.tensor, &y.tensor);
    else
      ddim_cl_average_pool(plan, &x.tensor, &y.tensor);
    finish(check, plan, &y, expected, C, &result);
  }
  ddim_check_tensor_clear(&x);
  ddim_check_tensor_clear(&y);
  return result;
}

DdimCheckResult
ddim_check_copy(DdimCheck *check, DdimClType type, gboolean into_slice, guint n, guint h, guint w)
{
  DdimCheckResult result = {.error = INFINITY};
  DdimCheckTensor x = ddim_check_tensor_of(check, type, 1, n, h, w, C, !into_slice, 1);
  DdimCheckTensor y = ddim_check_tensor_of(check, type, 2, n, h, w, C, into_slice, 1);
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(check->context);
  g_autofree double *expected = g_new(double, (gsize)n *h *w *C);
  for (gsize i = 0; i < (gsize)n * h * w * C; i++)
    expected[i] = ddim_check_tensor_at(&x, i / C, (guint)(i % C));
  if (!check->error) {
    ddim_cl_copy_tensor(plan, &x.tensor, &y.tensor);
    finish(check, plan, &y, expected, C, &result);
  }
  ddim_check_tensor_clear(&x);
  ddim_check_tensor_clear(&y);
  return result;
}

/* The largest error of single values, relative to each, down to where the result itself
 * vanishes. */
static double
silu_error(const float *values, const float *results, guint count)
{
  double worst = 0;
  for (guint i = 0; i < count; i++) {
    const double v = values[i], e = v / (1 + exp(-v));
    if (!isfinite(results[i]) || (fabs(e) < 1e-30 && fabs(results[i]) >= 1e-19))
      return INFINITY;
    if (fabs(e) >= 1e-30)
      worst = MAX(worst, fabs(results[i] - e) / fabs(e));
  }
  return worst;
}

/* Each value to a few units in the last place. */
DdimCheckResult
ddim_check_silu(DdimCheck *check)
{
  enum { COUNT = 4096 };
  static const float special[] = {0, -0.0f, 1, -1, 87, -87, 100, -100, 1e4f, -1e4f, 1e-20f, 1e30f};
  DdimCheckResult result = {.error = INFINITY, .bound = 6e-7};
  g_autofree float *values = ddim_check_random(1, COUNT, -30, 30);
  for (guint i = 0; i < G_N_ELEMENTS(special); i++)
    values[i] = special[i];
  DdimCheckArray x = ddim_check_array(check, values, COUNT);
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(check->context);
  if (!check->error) {
    ddim_cl_silu(plan, ddim_check_array_mem(&x), COUNT);
    ddim_check_run(check, plan);
    g_autofree float *results = ddim_check_array_read(check, &x);
    if (results)
      result.error = silu_error(values, results, COUNT);
    result.seconds = ddim_check_time(check, plan);
  }
  ddim_check_array_clear(&x);
  return result;
}

/* The largest difference from 2 x - 1, rounded once. */
static double
center_error(const float *values, const float *results, guint count)
{
  double worst = 0;
  for (guint i = 0; i < count; i++) {
    const double wanted = (float)(2.0 * values[i] - 1.0);
    if (!isfinite(results[i]))
      return INFINITY;
    worst = MAX(worst, fabs(results[i] - wanted));
  }
  return worst;
}

DdimCheckResult
ddim_check_center(DdimCheck *check)
{
  enum { COUNT = 1024 };
  DdimCheckResult result = {.error = INFINITY};
  DdimCheckArray x = ddim_check_array_random(check, 5, COUNT, 3);
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(check->context);
  if (!check->error) {
    ddim_cl_center(plan, ddim_check_array_mem(&x), COUNT);
    ddim_check_run(check, plan);
    g_autofree float *results = ddim_check_array_read(check, &x);
    if (results)
      result.error = center_error(x.host, results, COUNT);
    result.seconds = ddim_check_time(check, plan);
  }
  ddim_check_array_clear(&x);
  return result;
}
