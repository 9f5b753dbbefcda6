/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Convolutions: every method by every provider, with everything that is folded into them, against
 * the definition in double. */
#include "opencl/check/check-conv.h"
#include "opencl/tune/choice.h"
#include "opencl/ops/units/units.h"
#include "opencl/ops/units/amx.h"
#include "ops.h"

typedef struct {
  const char *name;
  DdimCheckConv conv;
} Features;

static const Features features[] = {
    {"plain", {32, 64, 3, 1}},
    {"from-image", {3, 48, 3, 1}},
    {"to-image", {48, 6, 3, 1, .norm = TRUE}},
    {"norm", {64, 32, 3, 1, .norm = TRUE}},
    {"up", {32, 40, 3, 1, .up = TRUE, .emb = TRUE}},
    {"norm-up-emb", {32, 32, 3, 1, .up = TRUE, .norm = TRUE, .emb = TRUE}},
    {"residual-in-place", {32, 64, 3, 1, .norm = TRUE, .residual = DDIM_CHECK_RESIDUAL_IN_PLACE}},
    {"emb-residual-sliced",
     {48, 32, 3, 1, .emb = TRUE, .residual = DDIM_CHECK_RESIDUAL_OTHER, .sliced = TRUE}},
    {"residual-in-place-sliced",
     {32, 32, 3, 1, .residual = DDIM_CHECK_RESIDUAL_IN_PLACE, .sliced = TRUE}},
    {"half", {64, 64, 3, 1, .residual = DDIM_CHECK_RESIDUAL_IN_PLACE, .half = TRUE}},
    {"half-norm-residual",
     {40, 32, 3, 1, .norm = TRUE, .residual = DDIM_CHECK_RESIDUAL_OTHER, .half = TRUE}},
    {"deep", {1056, 32, 3, 1, .norm = TRUE}},
    {"stride", {32, 32, 3, 2}},
    {"stride-sliced", {20, 64, 3, 2, .norm = TRUE, .sliced = TRUE}},
    {"1x1", {64, 96, 1, 1}},
    {"1x1-sliced",
     {40, 32, 1, 1, .emb = TRUE, .residual = DDIM_CHECK_RESIDUAL_OTHER, .sliced = TRUE}},
    {"1x1-residual-in-place",
     {32, 32, 1, 1, .norm = TRUE, .residual = DDIM_CHECK_RESIDUAL_IN_PLACE}},
    {"stride-half", {48, 32, 3, 2, .norm = TRUE, .emb = TRUE, .half = TRUE}},
    {"1x1-half", {32, 64, 1, 1, .residual = DDIM_CHECK_RESIDUAL_OTHER, .half = TRUE}},
    {"wrap", {32, 40, 3, 1, .emb = TRUE, .wrap = DDIM_WRAP_XY}},
    {"wrap-x",
     {48, 32, 3, 1, .norm = TRUE, .residual = DDIM_CHECK_RESIDUAL_IN_PLACE, .wrap = DDIM_WRAP_X}},
    {"wrap-y", {48, 32, 3, 1, .norm = TRUE, .sliced = TRUE, .wrap = DDIM_WRAP_Y}},
    {"wrap-up", {32, 32, 3, 1, .up = TRUE, .norm = TRUE, .wrap = DDIM_WRAP_XY}},
    {"wrap-up-x", {32, 32, 3, 1, .up = TRUE, .wrap = DDIM_WRAP_X}},
    {"wrap-up-y", {32, 32, 3, 1, .up = TRUE, .wrap = DDIM_WRAP_Y}},
    {"wrap-stride", {32, 32, 3, 2, .wrap = DDIM_WRAP_XY}},
    {"wrap-stride-x", {32, 32, 3, 2, .norm = TRUE, .wrap = DDIM_WRAP_X}},
    {"wrap-stride-y", {32, 32, 3, 2, .wrap = DDIM_WRAP_Y}},
    {"wrap-half", {64, 32, 3, 1, .norm = TRUE, .half = TRUE, .wrap = DDIM_WRAP_XY}},
    {"f16-from-image", {3, 48, 3, 1, .emb = TRUE, .half = TRUE, .y_type = DDIM_CL_F16}},
    {"f16",
     {80, 64, 3, 1, .norm = TRUE, .residual = DDIM_CHECK_RESIDUAL_IN_PLACE, .sliced = TRUE,
      .half = TRUE, .x_type = DDIM_CL_F16, .y_type = DDIM_CL_F16}},
    {"f16-1x1",
     {144, 32, 1, 1, .emb = TRUE, .residual = DDIM_CHECK_RESIDUAL_OTHER, .half = TRUE,
      .x_type = DDIM_CL_F16, .y_type = DDIM_CL_F16}},
    {"f16-to-image", {48, 6, 3, 1, .norm = TRUE, .half = TRUE, .x_type = DDIM_CL_F16}},
    {"right-bottom", {32, 32, 3, 2, .right_bottom = TRUE}},
    {"right-bottom-half", {48, 64, 3, 2, .sliced = TRUE, .half = TRUE, .right_bottom = TRUE}},
    {"right-bottom-wrap", {32, 32, 3, 2, .right_bottom = TRUE, .wrap = DDIM_WRAP_XY}},
};

typedef struct {
  DdimConvMethod method;
  DdimGemmProvider provider;
  const Features *features;
} Case;

/* Sizes of the input: one pixel, odd ones, one wider and one narrower than any tile, whole tiles.
 */
static const guint sizes[][3] = {{1, 1, 1}, {3, 3, 5}, {1, 7, 9}, {2, 16, 16}, {3, 2, 33}};

static void
check_conv(const Case *c, const DdimCheckConv *conv, guint n, guint h, guint w, guint32 seed)
{
  DdimCheck check = ops_begin();
  const DdimCheckResult result =
      ddim_check_conv(&check, conv, n, h, w, seed, c->method, c->provider);
  ops_end(&check);
  ops_check(result.error, result.bound, "%ux%ux%u", n, h, w);
}

static void
test_case(gconstpointer data)
{
  const Case *c = data;
  for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
    /* Halved inputs have two pixels at least; a ring of one would be read two pixels beyond it. */
    if (c->features->conv.right_bottom && c->features->conv.wrap && sizes[i][1] == 1)
      continue;
    /* Wrapping is about edges, which small and narrow inputs have most of. */
    if (c->features->conv.wrap && i % 2)
      continue;
    check_conv(c, &c->features->conv, sizes[i][0], sizes[i][1], sizes[i][2], 1000 + 10 * i);
  }
}

/* Group normalisation as a part of the convolution, by whatever computes it best. */
static void
test_normalised(gconstpointer data)
{
  const Case c = {GPOINTER_TO_UINT(data), DDIM_GEMM_PACKED, NULL};
  static const guint shapes[][4] = {
      {1, 7, 9, 64}, {2, 16, 16, 96}, {3, 4, 4, 32}, {1, 50, 131, 64}};
  for (guint k = 0; k < G_N_ELEMENTS(shapes) * (DDIM_WRAP_XY + 1); k++) {
    const guint i = k % G_N_ELEMENTS(shapes), wrap = k / G_N_ELEMENTS(shapes);
    DdimCheckConv conv = {shapes[i][3], 32, 3, 1, .norm = TRUE, .groups = 32, .wrap = wrap};
    check_conv(&c, &conv, shapes[i][0], shapes[i][1], shapes[i][2], 5000 + i);
    conv.x_type = conv.y_type = DDIM_CL_F16;
    if (!wrap)
      check_conv(&c, &conv, shapes[i][0], shapes[i][1], shapes[i][2], 5000 + i);
  }
}

/* Matrix units differ only in the product: one convolution is enough to show that the rest works
 * with each. */
static void
test_unit(gconstpointer data)
{
  static const Features unit = {"unit", {48, 32, 3, 2, .norm = TRUE, .emb = TRUE, .half = TRUE}};
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
        const DdimConvShape shape = {.taps = features[f].conv.taps,
                                     .stride = features[f].conv.stride,
                                     .wrap = features[f].conv.wrap};
        const DdimClChoice choice = {m, p};
        if (!ddim_cl_can_use(ops_context(), &shape, features[f].conv.half, choice) ||
            !ops_tests_provider(p) || (ops_uses_matrix_unit(p) && !features[f].conv.half))
          continue;
        Case *c = g_new(Case, 1);
        *c = (Case){m, p, &features[f]};
        g_autofree char *path = g_strdup_printf("/conv/%s/%s/%s", ddim_conv_method_name(m),
                                                ddim_gemm_provider_name(p), features[f].name);
        g_test_add_data_func_full(path, c, test_case, g_free);
      }
  return ops_run_tests();
}
