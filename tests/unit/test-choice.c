/* SPDX-License-Identifier: LGPL-3.0-or-later
 * The choice of a method for every convolution of a network. */
#include "opencl/ops/units/units.h"
#include "opencl/tune/choice.h"
#include "opencl/device/context.h"
#include "opencl/tune/tuning.h"
#include "ops.h"

enum { LAYERS = 40 };

/* A random mixture of layers, as in a network. */
static void
draw_shapes(guint32 seed, DdimConvShape *shapes)
{
  GRand *rand = g_rand_new_with_seed(seed);
  for (guint i = 0; i < LAYERS; i++) {
    const guint taps = g_rand_int_range(rand, 0, 4) ? 3 : 1;
    const guint stride = taps == 3 && !g_rand_int_range(rand, 0, 6) ? 2 : 1;
    shapes[i] = (DdimConvShape){.in = 32 * (guint)g_rand_int_range(rand, 1, 33),
                                .out = 32 * (guint)g_rand_int_range(rand, 1, 33),
                                .taps = taps,
                                .stride = stride,
                                .up = taps == 3 && stride == 1 && !g_rand_int_range(rand, 0, 6),
                                .n = (guint)g_rand_int_range(rand, 1, 17),
                                .h = 4u << g_rand_int_range(rand, 0, 5),
                                .w = 4u << g_rand_int_range(rand, 0, 5)};
  }
  g_rand_free(rand);
}

static guint64
bytes_of(const DdimConvShape *shape, gboolean half, DdimConvMethod method)
{
  return ddim_cl_matrix_bytes(ddim_conv_method_packing(method), half, shape->out, shape->in,
                              shape->taps * shape->taps);
}

static guint64
total_bytes(const DdimConvShape *shapes, gboolean half, const DdimClChoice *choices)
{
  guint64 sum = 0;
  for (guint i = 0; i < LAYERS; i++)
    sum += bytes_of(&shapes[i], half, choices ? choices[i].method : DDIM_CONV_DIRECT);
  return sum;
}

static double
total_seconds(const DdimConvShape *shapes, gboolean half, const DdimClChoice *choices)
{
  double sum = 0;
  for (guint i = 0; i < LAYERS; i++)
    sum += ddim_cl_estimate(ops_context(), &shapes[i], half, choices[i]);
  return sum;
}

/* Each choice can be computed and is never slower than direct. All together stay within the budget,
 * unless the direct weights alone need more. */
static void
check_choices(const DdimConvShape *shapes, gboolean half, guint64 budget,
              const DdimClChoice *choices)
{
  const DdimGemmProvider provider = ddim_cl_default_provider(ops_context(), half);
  for (guint i = 0; i < LAYERS; i++) {
    const DdimClChoice direct = {DDIM_CONV_DIRECT, provider};
    g_assert_true(ddim_cl_can_use(ops_context(), &shapes[i], half, choices[i]));
    g_assert_cmpint(choices[i].provider, ==, provider);
    g_assert_cmpfloat(ddim_cl_estimate(ops_context(), &shapes[i], half, choices[i]), <=,
                      ddim_cl_estimate(ops_context(), &shapes[i], half, direct));
  }
  g_assert_cmpuint(total_bytes(shapes, half, choices), <=,
                   MAX(budget, total_bytes(shapes, half, NULL)));
}

static void
test_budget(void)
{
  for (guint32 seed = 1; seed <= 30; seed++) {
    DdimConvShape shapes[LAYERS];
    DdimClChoice none[LAYERS], some[LAYERS], all[LAYERS];
    const gboolean half = seed % 2;
    draw_shapes(seed, shapes);
    const guint64 least = total_bytes(shapes, half, NULL);
    ddim_cl_choose(ops_context(), NULL, shapes, LAYERS, half, 0, none);
    ddim_cl_choose(ops_context(), NULL, shapes, LAYERS, half, least * 3 / 2, some);
    ddim_cl_choose(ops_context(), NULL, shapes, LAYERS, half, G_MAXUINT64 / 2, all);
    check_choices(shapes, half, 0, none);
    check_choices(shapes, half, least * 3 / 2, some);
    check_choices(shapes, half, G_MAXUINT64 / 2, all);
    for (guint i = 0; i < LAYERS; i++) {
      g_assert_cmpuint(ddim_conv_method_packing(none[i].method), !=, DDIM_CL_PACK_WINOGRAD2);
      g_assert_cmpuint(ddim_conv_method_packing(none[i].method), !=, DDIM_CL_PACK_WINOGRAD4);
      g_assert_cmpuint(ddim_conv_method_packing(none[i].method), !=, DDIM_CL_PACK_AMX_WINOGRAD);
      /* without a limit no usable method has a lower estimate than the chosen one */
      for (DdimConvMethod m = 0; m < DDIM_N_CONV_METHODS; m++)
        if (ddim_cl_can_use(ops_context(), &shapes[i], half, (DdimClChoice){m, all[i].provider}))
          g_assert_cmpfloat(ddim_cl_estimate(ops_context(), &shapes[i], half, all[i]), <=,
                            ddim_cl_estimate(ops_context(), &shapes[i], half,
                                             (DdimClChoice){m, all[i].provider}));
    }
    const double slow = total_seconds(shapes, half, none);
    g_assert_cmpfloat(total_seconds(shapes, half, some), <=, slow);
    g_assert_cmpfloat(total_seconds(shapes, half, all), <=, total_seconds(shapes, half, some));
  }
}

static gboolean
can_use(const DdimConvShape *shape, DdimClChoice choice)
{
  return ddim_cl_can_use(ops_context(), shape, FALSE, choice);
}

static void
test_can_use(void)
{
  const DdimConvShape strided = {32, 32, 3, 2, FALSE, 1, 8, 8},
                      one = {32, 32, 1, 1, FALSE, 1, 8, 8};
  const DdimConvShape up = {32, 32, 3, 1, TRUE, 1, 8, 8};
  for (DdimGemmProvider p = 0; p < DDIM_N_GEMM_PROVIDERS; p++)
    for (DdimConvMethod m = DDIM_CONV_DIRECT; m <= DDIM_CONV_WINOGRAD4; m++) {
      const DdimClChoice choice = {m, p};
      g_assert_cmpint(can_use(&strided, choice), ==, m == DDIM_CONV_DIRECT);
      g_assert_cmpint(can_use(&one, choice), ==, m == DDIM_CONV_DIRECT);
      g_assert_true(can_use(&up, choice));
      g_assert_cmpint(ddim_cl_can_use(ops_context(), &up, TRUE, choice), ==,
                      m != DDIM_CONV_WINOGRAD4);
    }
  const DdimClChoice amx = {DDIM_CONV_AMX, DDIM_GEMM_PACKED};
  const gboolean has_amx = ddim_cl_has_amx(ops_context());
  g_assert_cmpint(can_use(&strided, amx), ==, has_amx);
  g_assert_cmpint(can_use(&one, amx), ==, has_amx);
  g_assert_cmpint(can_use(&up, amx), ==, has_amx);
  g_assert_false(can_use(&one, (DdimClChoice){DDIM_CONV_AMX, DDIM_GEMM_CLBLAST}));
  const DdimClChoice winograd = {DDIM_CONV_AMX_WINOGRAD, DDIM_GEMM_PACKED};
  g_assert_false(can_use(&strided, winograd));
  g_assert_false(can_use(&one, winograd));
  g_assert_cmpint(can_use(&up, winograd), ==, has_amx);
  g_assert_false(ddim_cl_can_use(ops_context(), &up, TRUE, winograd));
  g_assert_false(can_use(&up, (DdimClChoice){DDIM_CONV_AMX_WINOGRAD, DDIM_GEMM_CLBLAST}));
}

/* What was measured is believed, whatever the estimates say. */
static void
test_measured(void)
{
  const DdimConvShape shape = {256, 256, 3, 1, FALSE, 1, 32, 32};
  DdimContext *context = ops_context();
  const DdimGemmProvider own = ddim_cl_default_provider(context, FALSE);
  const DdimGemmProvider other = own == DDIM_GEMM_PACKED ? DDIM_GEMM_CLBLAST : DDIM_GEMM_PACKED;
  for (DdimConvMethod fastest = 0; fastest < DDIM_N_CONV_METHODS; fastest++) {
    if (!ddim_cl_can_use(context, &shape, FALSE, (DdimClChoice){fastest, own}))
      continue;
    g_autoptr(DdimClTuning) tuning = ddim_cl_tuning_new(ddim_context_get_device(context), TRUE);
    DdimClChoice choice;
    for (DdimConvMethod m = 0; m < DDIM_N_CONV_METHODS; m++)
      ddim_cl_tuning_set(tuning, &shape, FALSE, (DdimClChoice){m, own}, m == fastest ? 0.01 : 0.02);
    ddim_cl_choose(context, tuning, &shape, 1, FALSE, G_MAXUINT64 / 2, &choice);
    g_assert_cmpint(choice.method, ==, fastest);
    g_assert_cmpint(choice.provider, ==, own);
    ddim_cl_tuning_set(tuning, &shape, FALSE, (DdimClChoice){fastest, other}, 0.005);
    ddim_cl_choose(context, tuning, &shape, 1, FALSE, G_MAXUINT64 / 2, &choice);
    g_assert_cmpint(choice.method, ==, fastest);
    /* unless the other cannot compute it at all */
    const DdimClChoice elsewhere = {fastest, other};
    g_assert_cmpint(choice.provider, ==, can_use(&shape, elsewhere) ? other : own);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/choice/budget", test_budget);
  g_test_add_func("/choice/can-use", test_can_use);
  g_test_add_func("/choice/measured", test_measured);
  return ops_run_tests();
}
