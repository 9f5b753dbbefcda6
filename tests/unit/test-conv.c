/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Convolutions: every method by every provider, with everything that is folded into them, against
 * the definition in double. */
#include <string.h>

#include "opencl/tune/choice.h"
#include "opencl/ops/units/units.h"
#include "opencl/ops/units/amx.h"
#include "ops.h"

typedef enum { RESIDUAL_NONE, RESIDUAL_OTHER, RESIDUAL_IN_PLACE } Residual;

/* What a convolution is asked for, apart from its size. */
typedef struct {
  const char *name;
  guint in, out, taps, stride;
  gboolean up, norm, emb;
  Residual residual;
  gboolean sliced; /* input, output and residual are slices of wider tensors */
  gboolean half;
  DdimWrap wrap;
  gboolean right_bottom; /* zeros on the right and at the bottom only */
} Features;

static const Features features[] = {
    {"plain", 32, 64, 3, 1},
    {"from-image", 3, 48, 3, 1},
    {"to-image", 48, 6, 3, 1, .norm = TRUE},
    {"norm", 64, 32, 3, 1, .norm = TRUE},
    {"up", 32, 40, 3, 1, .up = TRUE, .emb = TRUE},
    {"norm-up-emb", 32, 32, 3, 1, .up = TRUE, .norm = TRUE, .emb = TRUE},
    {"residual-in-place", 32, 64, 3, 1, .norm = TRUE, .residual = RESIDUAL_IN_PLACE},
    {"emb-residual-sliced", 48, 32, 3, 1, .emb = TRUE, .residual = RESIDUAL_OTHER, .sliced = TRUE},
    {"residual-in-place-sliced", 32, 32, 3, 1, .residual = RESIDUAL_IN_PLACE, .sliced = TRUE},
    {"half", 64, 64, 3, 1, .residual = RESIDUAL_IN_PLACE, .half = TRUE},
    {"half-norm-residual", 40, 32, 3, 1, .norm = TRUE, .residual = RESIDUAL_OTHER, .half = TRUE},
    {"deep", 1056, 32, 3, 1, .norm = TRUE},
    {"stride", 32, 32, 3, 2},
    {"stride-sliced", 20, 64, 3, 2, .norm = TRUE, .sliced = TRUE},
    {"1x1", 64, 96, 1, 1},
    {"1x1-sliced", 40, 32, 1, 1, .emb = TRUE, .residual = RESIDUAL_OTHER, .sliced = TRUE},
    {"1x1-residual-in-place", 32, 32, 1, 1, .norm = TRUE, .residual = RESIDUAL_IN_PLACE},
    {"stride-half", 48, 32, 3, 2, .norm = TRUE, .emb = TRUE, .half = TRUE},
    {"1x1-half", 32, 64, 1, 1, .residual = RESIDUAL_OTHER, .half = TRUE},
    {"wrap", 32, 40, 3, 1, .emb = TRUE, .wrap = DDIM_WRAP_XY},
    {"wrap-x", 48, 32, 3, 1, .norm = TRUE, .residual = RESIDUAL_IN_PLACE, .wrap = DDIM_WRAP_X},
    {"wrap-y", 48, 32, 3, 1, .norm = TRUE, .sliced = TRUE, .wrap = DDIM_WRAP_Y},
    {"wrap-up", 32, 32, 3, 1, .up = TRUE, .norm = TRUE, .wrap = DDIM_WRAP_XY},
    {"wrap-up-x", 32, 32, 3, 1, .up = TRUE, .wrap = DDIM_WRAP_X},
    {"wrap-up-y", 32, 32, 3, 1, .up = TRUE, .wrap = DDIM_WRAP_Y},
    {"wrap-stride", 32, 32, 3, 2, .wrap = DDIM_WRAP_XY},
    {"wrap-stride-x", 32, 32, 3, 2, .norm = TRUE, .wrap = DDIM_WRAP_X},
    {"wrap-stride-y", 32, 32, 3, 2, .wrap = DDIM_WRAP_Y},
    {"wrap-half", 64, 32, 3, 1, .norm = TRUE, .half = TRUE, .wrap = DDIM_WRAP_XY},
    {"right-bottom", 32, 32, 3, 2, .right_bottom = TRUE},
    {"right-bottom-half", 48, 64, 3, 2, .sliced = TRUE, .half = TRUE, .right_bottom = TRUE},
    {"right-bottom-wrap", 32, 32, 3, 2, .right_bottom = TRUE, .wrap = DDIM_WRAP_XY},
};

typedef struct {
  DdimConvMethod method;
  DdimGemmProvider provider;
  const Features *features;
} Case;

/* Sizes of the input: one pixel, odd ones, one wider and one narrower than any tile, whole tiles.
 */
static const guint sizes[][3] = {{1, 1, 1}, {3, 3, 5}, {1, 7, 9}, {2, 16, 16}, {3, 2, 33}};

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
  if (ops_uses_matrix_unit(provider))
    return matrix_units[method];
  static const double single[] = {2e-6, 4e-6, 3e-5, 1e-5, 2e-5, 3e-5},
                      halved[] = {2e-6, 6e-4, 1e-2, 1e-5, 0, 3e-5};
  return half ? halved[method] : single[method];
}

/* In float32 errors of longer sums grow with the square root of their length. */
static double
depth_factor(DdimConvMethod method, const Features *f)
{
  if (method != DDIM_CONV_DIRECT)
    return 1;
  return sqrt(MAX(f->in * f->taps * f->taps / 600.0, 1));
}

/* Everything that belongs to one convolution. */
typedef struct {
  const Features *f;
  DdimConvShape shape;
  guint in_padded, columns;
  OpsTensor x, y, residual;
  OpsArray ab, bias, emb, zeros;
  float *weights;
} Problem;

static void
problem_init(Problem *p, const Features *f, guint n, guint h, guint w, guint32 seed)
{
  const guint out_h = f->up ? 2 * h : (h + f->stride - 1) / f->stride;
  const guint out_w = f->up ? 2 * w : (w + f->stride - 1) / f->stride;
  *p = (Problem){.f = f,
                 .shape = {f->in, f->out, f->taps, f->stride, f->up, n, out_h, out_w, f->wrap,
                           f->right_bottom},
                 .in_padded = (f->in + 15) / 16 * 16,
                 .columns = (f->out + 31) / 32 * 32};
  /* The channels that pad the input hold any finite values: their weights are zero. */
  p->x = ops_tensor(seed, n, h, w, p->in_padded, f->sliced, 1);
  p->y = ops_tensor(seed + 1, n, out_h, out_w, p->columns, f->sliced, 1);
  if (f->residual == RESIDUAL_OTHER)
    p->residual = ops_tensor(seed + 2, n, out_h, out_w, p->columns, f->sliced, 1);
  p->ab = ops_array_random(seed + 3, (gsize)n * 2 * p->in_padded, 2);
  p->bias = ops_array_random(seed + 4, p->columns, 1);
  p->emb = ops_array_random(seed + 5, (gsize)n * (p->columns + 32), 1);
  g_autofree float *none = g_new0(float, p->in_padded);
  p->zeros = ops_array(none, p->in_padded);
  p->weights = ops_random(seed + 6, (gsize)f->out * f->in * f->taps * f->taps, -0.2, 0.2);
}

static void
problem_clear(Problem *p)
{
  ops_tensor_clear(&p->x);
  ops_tensor_clear(&p->y);
  ops_tensor_clear(&p->residual);
  ops_array_clear(&p->ab);
  ops_array_clear(&p->bias);
  ops_array_clear(&p->emb);
  ops_array_clear(&p->zeros);
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
      double v = ops_tensor_at(&p->x, i, c);
      if (p->f->norm) {
        const float *ab = p->ab.host + i / pixels * 2 * p->in_padded + c;
        v = v * ab[0] + ab[p->in_padded];
        v /= 1 + exp(-v);
      }
      values[i * p->f->in + c] = v;
    }
  return values;
}

/* The place of @at on a ring of @size. */
static int
around(int at, int size)
{
  return (at % size + size) % size;
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
    for (guint o = 0; pixel && o < p->f->out; o++)
      for (guint c = 0; c < p->f->in; c++)
        result[o] += pixel[c] * weights[((gsize)o * p->f->in + c) * taps + tap];
  }
}

/* y [pixel][out] by the definition. */
static double *
reference(const Problem *p, gboolean round_weights)
{
  const DdimConvShape *s = &p->shape;
  const gsize count = (gsize)s->in * s->out * s->taps * s->taps;
  g_autofree double *input = activated_input(p);
  g_autofree double *weights = g_new(double, count);
  for (gsize i = 0; i < count; i++)
    weights[i] = round_weights ? ops_round_to_half(p->weights[i]) : p->weights[i];
  double *y = g_new0(double, (gsize)s->n * s->h * s->w * s->out);
  for (gsize i = 0; i < (gsize)s->n * s->h * s->w; i++) {
    const guint n = i / (s->h * s->w);
    double *result = y + i * s->out;
    add_taps(p, input, weights, n, i / s->w % s->h, i % s->w, result);
    for (guint o = 0; o < s->out; o++) {
      result[o] += p->bias.host[o];
      if (p->f->emb)
        result[o] += p->emb.host[n * (p->columns + 32) + o];
      if (p->f->residual == RESIDUAL_OTHER)
        result[o] += ops_tensor_at(&p->residual, i, o);
      else if (p->f->residual == RESIDUAL_IN_PLACE)
        result[o] += ops_tensor_at(&p->y, i, o);
    }
  }
  return y;
}

static void
compute(const Problem *p, DdimConvMethod method, DdimGemmProvider provider, const DdimClNorm *norm)
{
  g_autoptr(GError) error = NULL;
  const DdimConvShape *s = &p->shape;
  g_autoptr(DdimClMatrix) matrix =
      ddim_cl_matrix_new(ops_context(), ddim_conv_method_packing(method), provider, p->f->half,
                         p->weights, s->out, s->in, s->taps * s->taps, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(matrix->columns, ==, p->columns);
  const DdimClEpilogue epilogue = {
      .bias = ops_array_mem(&p->bias),
      .has_emb = p->f->emb,
      .emb = ops_array_mem(&p->emb),
      .emb_ld = p->columns + 32,
      .residual = p->f->residual == RESIDUAL_NONE    ? NULL
                  : p->f->residual == RESIDUAL_OTHER ? &p->residual.tensor
                                                     : &p->y.tensor,
  };
  const DdimClMem ab = ops_array_mem(&p->ab);
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(ops_context());
  ddim_cl_conv(plan, method, s, matrix, &p->x.tensor,
               p->f->norm ? &(DdimClPrologue){.norm = norm, .ab = ab, .silu = TRUE} : NULL,
               &p->y.tensor, &epilogue, ops_array_mem(&p->zeros));
  ops_plan_run(plan);
}

static void
test_case(gconstpointer data)
{
  const Case *c = data;
  for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
    Problem p;
    problem_init(&p, c->features, sizes[i][0], sizes[i][1], sizes[i][2], 1000 + 10 * i);
    const gboolean plain =
        ddim_conv_method_packing(c->method) == DDIM_CL_PACK_PLAIN || c->method == DDIM_CONV_AMX;
    g_autofree double *expected = reference(&p, c->features->half && plain);
    compute(&p, c->method, c->provider, NULL);
    ops_check(ops_tensor_error(&p.y, expected, p.shape.out),
              tolerance(c->method, c->provider, c->features->half) *
                  depth_factor(c->method, c->features),
              "%ux%ux%u", sizes[i][0], sizes[i][1], sizes[i][2]);
    problem_clear(&p);
  }
}

enum { GROUPS = 32 };

/* The scale and shift of every image and channel that normalise x, in double. */
static void
expect_norm(Problem *p, const OpsArray *gamma, const OpsArray *beta, const OpsArray *emb)
{
  const DdimClTensor *x = &p->x.tensor;
  const guint C = x->c, width = C / GROUPS, pixels = x->h * x->w;
  for (guint n = 0; n < x->n; n++)
    for (guint g = 0; g < GROUPS; g++) {
      double mean = 0, square = 0;
      for (guint i = 0; i < pixels * width; i++) {
        const double v = ops_tensor_at(&p->x, n * pixels + i / width, g * width + i % width);
        mean += v / (pixels * width);
        square += v * v / (pixels * width);
      }
      const double scale = 1 / sqrt(square - mean * mean + 1e-5);
      for (guint c = g * width; c < (g + 1) * width; c++) {
        const float *e = emb->host + n * 2 * C + c;
        float *ab = p->ab.host + n * 2 * C + c;
        ab[0] = (float)(scale * gamma->host[c] * (1 + e[0]));
        ab[C] = (float)((beta->host[c] - mean * scale * gamma->host[c]) * (1 + e[0]) + e[C]);
      }
    }
}

/* Group normalisation as a part of the convolution, by whatever computes it best. */
static void
test_normalised(gconstpointer data)
{
  const DdimConvMethod method = GPOINTER_TO_UINT(data);
  static const guint shapes[][4] = {
      {1, 7, 9, 64}, {2, 16, 16, 96}, {3, 4, 4, 32}, {1, 50, 131, 64}};
  for (guint k = 0; k < G_N_ELEMENTS(shapes) * (DDIM_WRAP_XY + 1); k++) {
    const guint i = k % G_N_ELEMENTS(shapes), wrap = k / G_N_ELEMENTS(shapes);
    const guint C = shapes[i][3], n = shapes[i][0];
    const Features f = {"normalised", C, 32, 3, 1, .norm = TRUE, .wrap = wrap};
    Problem p;
    problem_init(&p, &f, n, shapes[i][1], shapes[i][2], 5000 + i);
    OpsArray gamma = ops_array_random(1 + i, C, 1), beta = ops_array_random(2 + i, C, 1);
    OpsArray emb = ops_array_random(3 + i, (gsize)n * 2 * C, 0.5);
    const DdimClNorm norm = {
        GROUPS, 1e-5f, ops_array_mem(&gamma), ops_array_mem(&beta), TRUE, ops_array_mem(&emb),
        2 * C};
    expect_norm(&p, &gamma, &beta, &emb);
    g_autofree double *expected = reference(&p, FALSE);
    compute(&p, method, DDIM_GEMM_PACKED, &norm);
    ops_check(ops_tensor_error(&p.y, expected, f.out), tolerance(method, DDIM_GEMM_PACKED, FALSE),
              "%ux%ux%ux%u, wrap %u", n, shapes[i][1], shapes[i][2], C, wrap);
    problem_clear(&p);
    ops_array_clear(&gamma);
    ops_array_clear(&beta);
    ops_array_clear(&emb);
  }
}

/* Matrix units differ only in the product: one convolution is enough to show that the rest works
 * with each. */
static void
test_unit(gconstpointer data)
{
  static const Features unit = {"unit", 48, 32, 3, 2, .norm = TRUE, .emb = TRUE, .half = TRUE};
  const Case c = {DDIM_CONV_DIRECT, DDIM_GEMM_MMA64, &unit};
  const DdimClProfile before = ops_context()->profile;
  g_assert_true(ops_use_unit(GPOINTER_TO_UINT(data)));
  test_case(&c);
  ops_context()->profile = before;
}

static void
test_names(void)
{
  g_assert_cmpstr(ddim_conv_method_name(DDIM_CONV_DIRECT), ==, "direct");
  g_assert_cmpstr(ddim_conv_method_name(DDIM_CONV_WINOGRAD2), ==, "winograd2");
  g_assert_cmpstr(ddim_conv_method_name(DDIM_CONV_WINOGRAD4), ==, "winograd4");
  g_assert_cmpstr(ddim_conv_method_name(DDIM_CONV_AMX), ==, "amx");
  g_assert_cmpstr(ddim_conv_method_name(DDIM_CONV_AMX_WINOGRAD), ==, "amx-winograd");
  g_assert_cmpstr(ddim_conv_method_name(DDIM_CONV_WINOGRAD4_LEAN), ==, "winograd4-lean");
}

/* 2 operations for each weight and output pixel, of the real channels. */
static void
test_flops(void)
{
  const DdimConvShape shape = {3, 5, 3, 2, FALSE, 2, 7, 11};
  g_assert_cmpfloat(ddim_conv_flops(&shape), ==, 2.0 * 3 * 5 * 9 * 2 * 7 * 11);
}

/* Kernels that do not compile or that miscompute would not be used, and then the other tests would
 * not test them. */
static void
test_has_matrix_units(void)
{
  if (ddim_cl_expects_amx(ops_context()))
    g_assert_true(ddim_cl_has_amx(ops_context()));
  else
    g_test_skip("no matrix units");
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/conv/has-matrix-units", test_has_matrix_units);
  g_test_add_func("/conv/names", test_names);
  g_test_add_func("/conv/flops", test_flops);
  const DdimConvShape any = {.taps = 3, .stride = 1};
  for (guint m = 0; m < DDIM_N_CONV_METHODS; m++) {
    g_autofree char *path = g_strdup_printf("/conv/%s/normalised", ddim_conv_method_name(m));
    if (ddim_cl_can_use(ops_context(), &any, FALSE, (DdimClChoice){m, DDIM_GEMM_PACKED}))
      g_test_add_data_func(path, GUINT_TO_POINTER(m), test_normalised);
  }
  static const char *const units[] = {NULL, NULL, "/conv/intel8", "/conv/intel16"};
  const DdimClProfile profile = ops_context()->profile;
  for (DdimClMatrixUnit u = DDIM_CL_MATRIX_UNIT_INTEL8; u < DDIM_CL_N_MATRIX_UNITS; u++)
    if (ops_tests_provider(DDIM_GEMM_MMA64) && ops_use_unit(u))
      g_test_add_data_func(units[u], GUINT_TO_POINTER(u), test_unit);
  ops_context()->profile = profile;
  for (guint m = 0; m < DDIM_N_CONV_METHODS; m++)
    for (guint p = 0; p < DDIM_N_GEMM_PROVIDERS; p++)
      for (guint f = 0; f < G_N_ELEMENTS(features); f++) {
        const DdimConvShape shape = {
            .taps = features[f].taps, .stride = features[f].stride, .wrap = features[f].wrap};
        const DdimClChoice choice = {m, p};
        if (!ddim_cl_can_use(ops_context(), &shape, features[f].half, choice) ||
            !ops_tests_provider(p) || (ops_uses_matrix_unit(p) && !features[f].half))
          continue;
        Case *c = g_new(Case, 1);
        *c = (Case){m, p, &features[f]};
        g_autofree char *path = g_strdup_printf("/conv/%s/%s/%s", ddim_conv_method_name(m),
                                                ddim_gemm_provider_name(p), features[f].name);
        g_test_add_data_func_full(path, c, test_case, g_free);
      }
  return ops_run_tests();
}
