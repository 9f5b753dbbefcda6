/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/check/check-conv.h"

#include <math.h>

#define EPS 1e-5f

/* Largest error relative to the largest output. Sums of up to 600 products, rounded to 24 bits at
 * each addition, err by some 1e-6. Winograd's transforms amplify: their constants are 1 and 1/2 in
 * F(2x2), 1/24 to 8 in F(4x4). Weights rounded to half after Winograd's transform err by 2^-12 of
 * each product, which F(4x4) amplifies to 6e-3 even in exact arithmetic; for the direct methods the
 * reference rounds them itself. Two bfloat16 hold 16 bits, so the matrix units' products err by up
 * to 2^-16 each, a quarter of that on average; F(4,3) along lines makes that 2.7 times at most. */
static double
tolerance(DdimConvMethod method, DdimGemmProvider provider, gboolean half)
{
  /* Activations rounded to half err by 2^-12 as well; of what a norm makes of them, and of sums of
   * them in Winograd's transforms. */
  static const double matrix_units[] = {1e-3, 2e-3};
  if (ddim_gemm_uses_matrix_unit(provider))
    return matrix_units[method];
  static const double single[] = {2e-6, 4e-6, 3e-5, 1e-5, 2e-5, 3e-5},
                      halved[] = {2e-6, 6e-4, 1e-2, 1e-5, 0, 3e-5};
  return half ? halved[method] : single[method];
}

/* In float32 errors of longer sums grow with the square root of their length. */
static double
depth_factor(DdimConvMethod method, const DdimCheckConv *f)
{
  if (method != DDIM_CONV_DIRECT)
    return 1;
  return sqrt(MAX(f->in * f->taps * f->taps / 600.0, 1));
}

/* What direct ways make of an input in front of the products is kept as the input is. */
static double
rounding(DdimConvMethod method, const DdimCheckConv *f)
{
  return ddim_check_rounding(f->y_type, 1) +
         (f->norm && method == DDIM_CONV_DIRECT ? ddim_check_rounding(f->x_type, 1) : 0);
}

/* Everything that belongs to one convolution. */
typedef struct {
  DdimCheck *check;
  const DdimCheckConv *f;
  DdimConvShape shape;
  guint in_padded, columns;
  DdimCheckTensor x, y, residual;
  DdimCheckArray ab, bias, emb, zeros;
  DdimCheckArray gamma, beta, norm_emb; /* of a group normalisation */
  float *weights;
} Problem;

/* The scale and shift of every image and channel that normalise x, in double, instead of random
 * ones. */
static void
expect_norm(Problem *p)
{
  const DdimClTensor *x = &p->x.tensor;
  const guint C = x->c, width = C / p->f->groups, pixels = x->h * x->w;
  for (guint n = 0; n < x->n; n++)
    for (guint g = 0; g < p->f->groups; g++) {
      double mean = 0, square = 0;
      for (guint i = 0; i < pixels * width; i++) {
        const double v = ddim_check_tensor_at(&p->x, n * pixels + i / width, g * width + i % width);
        mean += v / (pixels * width);
        square += v * v / (pixels * width);
      }
      const double scale = 1 / sqrt(square - mean * mean + EPS);
      for (guint c = g * width; c < (g + 1) * width; c++) {
        const float *e = p->norm_emb.host + n * 2 * C + c;
        float *ab = p->ab.host + n * 2 * C + c;
        ab[0] = (float)(scale * p->gamma.host[c] * (1 + e[0]));
        ab[C] = (float)((p->beta.host[c] - mean * scale * p->gamma.host[c]) * (1 + e[0]) + e[C]);
      }
    }
}

static void
problem_init(Problem *p, DdimCheck *check, const DdimCheckConv *f, guint n, guint h, guint w,
             guint32 seed)
{
  const guint out_h = f->up ? 2 * h : (h + f->stride - 1) / f->stride;
  const guint out_w = f->up ? 2 * w : (w + f->stride - 1) / f->stride;
  *p = (Problem){.check = check,
                 .f = f,
                 .shape = {f->in, f->out, f->taps, f->stride, f->up, n, out_h, out_w, f->wrap,
                           f->right_bottom},
                 .in_padded = (f->in + 15) / 16 * 16,
                 .columns = (f->out + 31) / 32 * 32};
  /* The channels that pad the input hold any finite values: their weights are zero. */
  p->x = ddim_check_tensor_of(check, f->x_type, seed, n, h, w, p->in_padded, f->sliced, 1);
  p->y =
      ddim_check_tensor_of(check, f->y_type, seed + 1, n, out_h, out_w, p->columns, f->sliced, 1);
  if (f->residual == DDIM_CHECK_RESIDUAL_OTHER)
    p->residual =
        ddim_check_tensor_of(check, f->y_type, seed + 2, n, out_h, out_w, p->columns, f->sliced, 1);
  p->ab = ddim_check_array_random(check, seed + 3, (gsize)n * 2 * p->in_padded, 2);
  p->bias = ddim_check_array_random(check, seed + 4, p->columns, 1);
  p->emb = ddim_check_array_random(check, seed + 5, (gsize)n * (p->columns + 32), 1);
  g_autofree float *none = g_new0(float, p->in_padded);
  p->zeros = ddim_check_array(check, none, p->in_padded);
  p->weights = ddim_check_random(seed + 6, (gsize)f->out * f->in * f->taps * f->taps, -0.2, 0.2);
  if (!f->groups)
    return;
  p->gamma = ddim_check_array_random(check, seed + 7, p->in_padded, 1);
  p->beta = ddim_check_array_random(check, seed + 8, p->in_padded, 1);
  p->norm_emb = ddim_check_array_random(check, seed + 9, (gsize)n * 2 * p->in_padded, 0.5);
  expect_norm(p);
}

static void
problem_clear(Problem *p)
{
  DdimCheckArray *arrays[] = {&p->ab,    &p->bias, &p->emb,     &p->zeros,
                              &p->gamma, &p->beta, &p->norm_emb};
  for (guint i = 0; i < G_N_ELEMENTS(arrays); i++)
    ddim_check_array_clear(arrays[i]);
  ddim_check_tensor_clear(&p->x);
  ddim_check_tensor_clear(&p->y);
  ddim_check_tensor_clear(&p->residual);
  g_free(p->weights);
}

/* The input as the convolution reads it: activated, [pixel][in]. */
static double *
activated_input(const Problem *p)
{
  const DdimClTensor *x = &p->x.tensor;
  const gsize pixels = (gsize)x->h * x->w;
  double *values = g_new(double, x->n *pixels * p->f->in);
  for (gsize i = 0; i < x->n * pixels; i++)
    for (guint c = 0; c < p->f->in; c++) {
      double v = ddim_check_tensor_at(&p->x, i, c);
      if (p->f->norm) {
        const float *ab = p->ab.host + i / pixels * 2 * p->in_padded + c;
        v = v * ab[0] + ab[p->in_padded];
        if (!p->f->no_silu)
          v /= 1 + exp(-v);
      }
      values[i * p->f->in + c] = v;
    }
  return values;
}

/* The weights as [out][tap][in]. */
static double *
arranged_weights(const Problem *p, gboolean round_weights)
{
  const DdimConvShape *s = &p->shape;
  const guint taps = s->taps * s->taps;
  double *weights = g_new(double, (gsize)s->in * s->out * taps);
  for (guint o = 0; o < s->out; o++)
    for (guint c = 0; c < s->in; c++)
      for (guint tap = 0; tap < taps; tap++) {
        const double w = p->weights[((gsize)o * s->in + c) * taps + tap];
        weights[((gsize)o * taps + tap) * s->in + c] =
            round_weights ? ddim_check_round_to_half(w) : w;
      }
  return weights;
}

/* The place of @at, which lies at most one pixel outside, on a ring of @size. */
static int
around(int at, int size)
{
  if (at < 0)
    return at + size;
  return at >= size ? at - size : at;
}

/* The input pixel under output (n, y, x) and @tap, or NULL outside. */
static const double *
input_pixel(const Problem *p, const double *input, guint n, guint y, guint x, guint tap)
{
  const guint up = p->f->up ? 2 : 1;
  const int pad = p->f->right_bottom ? 0 : (int)p->f->taps / 2;
  int iy = (int)(y * p->f->stride + tap / p->f->taps) - pad;
  int ix = (int)(x * p->f->stride + tap % p->f->taps) - pad;
  const DdimClTensor *t = &p->x.tensor;
  if (p->f->wrap & DDIM_WRAP_Y)
    iy = around(iy, (int)(t->h * up));
  if (p->f->wrap & DDIM_WRAP_X)
    ix = around(ix, (int)(t->w * up));
  if (iy < 0 || ix < 0 || iy >= (int)(t->h * up) || ix >= (int)(t->w * up))
    return NULL;
  return input + (((gsize)n * t->h + iy / up) * t->w + ix / up) * p->f->in;
}

static void
add_taps(const Problem *p, const double *input, const double *weights, guint n, guint y, guint x,
         double *result)
{
  const guint taps = p->f->taps * p->f->taps;
  for (guint tap = 0; tap < taps; tap++) {
    const double *pixel = input_pixel(p, input, n, y, x, tap);
    for (guint o = 0; pixel && o < p->f->out; o++) {
      const double *w = weights + ((gsize)o * taps + tap) * p->f->in;
      for (guint c = 0; c < p->f->in; c++)
        result[o] += pixel[c] * w[c];
    }
  }
}

/* y [pixel][out] by the definition. */
static double *
reference(const Problem *p, gboolean round_weights)
{
  const DdimConvShape *s = &p->shape;
  g_autofree double *input = activated_input(p);
  g_autofree double *weights = arranged_weights(p, round_weights);
  double *y = g_new0(double, (gsize)s->n * s->h * s->w * s->out);
  for (gsize i = 0; i < (gsize)s->n * s->h * s->w; i++) {
    const guint n = i / (s->h * s->w);
    double *result = y + i * s->out;
    add_taps(p, input, weights, n, i / s->w % s->h, i % s->w, result);
    for (guint o = 0; o < s->out; o++) {
      result[o] += p->bias.host[o];
      if (p->f->emb)
        result[o] += p->emb.host[n * (p->columns + 32) + o];
      if (p->f->residual == DDIM_CHECK_RESIDUAL_OTHER)
        result[o] += ddim_check_tensor_at(&p->residual, i, o);
      else if (p->f->residual == DDIM_CHECK_RESIDUAL_IN_PLACE)
        result[o] += ddim_check_tensor_at(&p->y, i, o);
    }
  }
  return y;
}

/* @plan with the convolution by @matrix, run once. */
static void
run(const Problem *p, DdimClPlan *plan, DdimConvMethod method, const DdimClMatrix *matrix)
{
  const DdimClEpilogue epilogue = {
      .bias = ddim_check_array_mem(&p->bias),
      .has_emb = p->f->emb,
      .emb = ddim_check_array_mem(&p->emb),
      .emb_ld = p->columns + 32,
      .residual = p->f->residual == DDIM_CHECK_RESIDUAL_NONE    ? NULL
                  : p->f->residual == DDIM_CHECK_RESIDUAL_OTHER ? &p->residual.tensor
                                                                : &p->y.tensor,
  };
  const DdimClNorm norm = {.groups = p->f->groups,
                           .eps = EPS,
                           .gamma = ddim_check_array_mem(&p->gamma),
                           .beta = ddim_check_array_mem(&p->beta),
                           .has_emb = TRUE,
                           .emb = ddim_check_array_mem(&p->norm_emb),
                           .emb_ld = 2 * p->in_padded};
  const DdimClPrologue prologue = {.norm = p->f->groups ? &norm : NULL,
                                   .ab = ddim_check_array_mem(&p->ab),
                                   .silu = !p->f->no_silu};
  ddim_cl_conv(plan, method, &p->shape, matrix, &p->x.tensor, p->f->norm ? &prologue : NULL,
               &p->y.tensor, &epilogue, ddim_check_array_mem(&p->zeros));
  ddim_check_run(p->check, plan);
}

static void
compare(const Problem *p, DdimConvMethod method, DdimGemmProvider provider, DdimCheckResult *result)
{
  const DdimConvShape *s = &p->shape;
  const gboolean plain =
      ddim_conv_method_packing(method) == DDIM_CL_PACK_PLAIN || method == DDIM_CONV_AMX;
  g_autoptr(DdimClMatrix) matrix =
      ddim_cl_matrix_new(p->check->context, ddim_conv_method_packing(method), provider, p->f->half,
                         p->weights, s->out, s->in, s->taps * s->taps, &p->check->error);
  if (!matrix)
    return;
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(p->check->context);
  run(p, plan, method, matrix);
  g_autofree double *expected = reference(p, p->f->half && plain);
  result->error = ddim_check_tensor_error(p->check, &p->y, expected, s->out);
  result->seconds = ddim_check_time(p->check, plan);
}

DdimCheckResult
ddim_check_conv(DdimCheck *check, const DdimCheckConv *conv, guint n, guint h, guint w,
                guint32 seed, DdimConvMethod method, DdimGemmProvider provider)
{
  DdimCheckResult result = {.error = INFINITY,
                            .bound = tolerance(method, provider, conv->half) *
                                         depth_factor(method, conv) +
                                     rounding(method, conv)};
  Problem p;
  problem_init(&p, check, conv, n, h, w, seed);
  if (!check->error)
    compare(&p, method, provider, &result);
  problem_clear(&p);
  return result;
}
