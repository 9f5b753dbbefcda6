/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Gradients against the same in double, and that against differences. */
#include "opencl/check/check-gradient.h"
#include "ops.h"

typedef struct {
  const char *name;
  DdimCheckGradient gradient;
} Case;

#define NORM DDIM_CHECK_GRADIENT_NORM
#define ATTENTION DDIM_CHECK_GRADIENT_ATTENTION

static const Case cases[] = {
    {"norm", {NORM, 2, 7, 9, 96, 32}},
    {"norm-silu", {NORM, 2, 8, 8, 64, 32, .silu = TRUE}},
    {"norm-scale-shift", {NORM, 3, 5, 13, 64, 32, .silu = TRUE, .emb = TRUE, .scale = 3}},
    {"norm-add", {NORM, 1, 6, 6, 32, 32, .silu = TRUE, .add = TRUE, .sliced = TRUE}},
    {"norm-many-pixels", {NORM, 1, 33, 65, 32, 8, .silu = TRUE, .add = TRUE}},
    {"norm-pixel", {NORM, 2, 1, 1, 96, 32, .silu = TRUE}},
    {"attention", {ATTENTION, 2, 4, 5, 64, 4}},
    {"attention-interleaved", {ATTENTION, 1, 6, 6, 32, 2, .interleaved = TRUE, .sliced = TRUE}},
    {"attention-one-head", {ATTENTION, 1, 3, 43, 32, 1, .scale = 2}},
    {"attention-sharp", {ATTENTION, 1, 4, 4, 32, 2, .interleaved = TRUE, .scale = 5}},
    {"average-pool", {DDIM_CHECK_GRADIENT_AVERAGE_POOL, 2, 6, 10, 32, .sliced = TRUE}},
    {"stride", {DDIM_CHECK_GRADIENT_STRIDE, 2, 6, 10, 32}},
    {"mean", {DDIM_CHECK_GRADIENT_MEAN, 3, 5, 4, 64, .sliced = TRUE}},
    {"mean-add", {DDIM_CHECK_GRADIENT_MEAN, 1, 5, 4, 32, .add = TRUE}},
    {"tokens", {DDIM_CHECK_GRADIENT_TOKENS, 2, 4, 5, 32}},
    {"relu", {DDIM_CHECK_GRADIENT_RELU, 2, 1, 1, 64, .sliced = TRUE}},
    {"log-softmax", {DDIM_CHECK_GRADIENT_LOG_SOFTMAX, 3, 1, 1, 64, 39}},
    {"log-softmax-sure", {DDIM_CHECK_GRADIENT_LOG_SOFTMAX, 2, 1, 1, 32, 10, .scale = 30}},
};

static void
test_case(gconstpointer data)
{
  const Case *c = data;
  DdimCheck check = ops_begin();
  const DdimCheckResult result = ddim_check_gradient(&check, &c->gradient);
  ops_end(&check);
  ops_check(result.error, result.bound, "%s", c->name);
  ops_check(ddim_check_gradient_difference(&c->gradient), 1e-6, "%s by differences", c->name);
}

/* What classifiers do beside that: a mean over many pixels is added up in pieces. */
static void
test_pool(void)
{
  static const DdimCheckGradient pools[] = {
      {DDIM_CHECK_GRADIENT_MEAN, 2, 37, 41, 64, .sliced = TRUE},
      {DDIM_CHECK_GRADIENT_MEAN, 3, 1, 1, 32},
      {DDIM_CHECK_GRADIENT_TOKENS, 2, 4, 5, 32, .sliced = TRUE},
      {DDIM_CHECK_GRADIENT_RELU, 2, 3, 1, 64},
  };
  for (guint i = 0; i < G_N_ELEMENTS(pools); i++) {
    DdimCheck check = ops_begin();
    const DdimCheckResult result = ddim_check_pool(&check, &pools[i]);
    ops_end(&check);
    ops_check(result.error, result.bound, "pool %u", i);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *path = g_strconcat("/gradient/", cases[i].name, NULL);
    g_test_add_data_func(path, &cases[i], test_case);
  }
  g_test_add_func("/gradient/pool", test_pool);
  return ops_run_tests();
}
