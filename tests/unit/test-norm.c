/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Group normalisation against its definition in double. */
#include "opencl/check/check-parts.h"
#include "ops.h"

typedef struct {
  const char *name;
  DdimCheckNorm norm;
} Case;

static const Case cases[] = {
    {"pixel", {1, 1, 1, 64, 32, 0, 1}},
    {"one-channel-groups", {3, 3, 5, 32, 32, 0, 1}},
    {"odd", {2, 7, 9, 96, 32, 0.5, 2}},
    {"wide-groups", {1, 16, 16, 384, 32, 0, 1}},
    {"other-groups", {2, 5, 5, 48, 6, 0, 1}},
    {"one-group", {1, 4, 4, 32, 1, 0, 1}},
    {"many-pixels", {1, 33, 65, 32, 8, 0, 1}},
    {"one-more-than-a-piece", {1, 5, 13, 64, 32, 3, 1}},
    {"silu", {2, 8, 8, 64, 32, 0, 3, .silu = TRUE}},
    {"scale-shift", {3, 8, 8, 64, 32, 0, 1, .emb = TRUE, .silu = TRUE}},
    {"large-scale-shift", {2, 48, 65, 64, 8, 2, 3, .emb = TRUE, .silu = TRUE}},
    {"slice", {2, 6, 7, 32, 16, 0, 1, .sliced = TRUE}},
    {"slice-scale-shift", {2, 6, 7, 48, 16, 0, 1, .emb = TRUE, .sliced = TRUE}},
    {"mean-100", {1, 16, 16, 64, 32, 100, 1}},
    {"mean-1000", {2, 32, 32, 64, 32, -1000, 1}},
    {"mean-1e5", {1, 9, 9, 32, 4, 1e5, 10}},
    {"small", {1, 8, 8, 32, 32, 0, 1e-3}},
    {"constant", {1, 8, 8, 32, 32, 7, 0}},
    /* 40 and 48 channels in groups of 22, one of them in both parts; 36 in groups of 9 */
    {"gap", {2, 7, 9, 128, 4, 0.5, 2, .silu = TRUE, .gaps = {22, 40, 24}}},
    {"gap-behind", {2, 5, 5, 64, 4, 0, 1, .gaps = {9, 36, 0}}},
    {"gap-scale-shift", {2, 9, 13, 128, 8, 1, 1, .emb = TRUE, .silu = TRUE, .gaps = {11, 40, 24}}},
    {"gap-many-pixels", {1, 65, 65, 96, 5, 0, 1, .emb = TRUE, .gaps = {12, 20, 12}}},
    {"gap-slice", {2, 6, 7, 64, 3, 0, 1, .sliced = TRUE, .gaps = {12, 30, 2}}},
};

static void
test_case(gconstpointer data)
{
  const Case *c = data;
  DdimCheck check = ops_begin();
  const DdimCheckResult result = ddim_check_norm(&check, &c->norm);
  ops_end(&check);
  ops_check(result.error, result.bound, "%s", c->name);
}

/* Without fma() the kernels are other programs, and their numbers as good. */
static void
test_no_fma(void)
{
  DdimClProfile *profile = &ops_context()->profile;
  const gboolean before = profile->no_fma;
  const DdimCheckNorm norm = {2, 7, 9, 64, 32, 2, 3, .emb = TRUE, .silu = TRUE};
  profile->no_fma = TRUE;
  DdimCheck check = ops_begin();
  const DdimCheckResult result = ddim_check_norm(&check, &norm);
  ops_end(&check);
  profile->no_fma = before;
  ops_check(result.error, result.bound, "no-fma");
}

/* The same of activations that are kept as half. */
static void
test_half(gconstpointer data)
{
  Case half = *(const Case *)data;
  half.norm.type = DDIM_CL_F16;
  test_case(&half);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *path = g_strconcat("/norm/", cases[i].name, NULL);
    g_autofree char *half = g_strconcat(path, "/half", NULL);
    g_test_add_data_func(path, &cases[i], test_case);
    if (fabs(cases[i].norm.mean) < 65504)
      g_test_add_data_func(half, &cases[i], test_half);
  }
  g_test_add_func("/norm/no-fma", test_no_fma);
  return ops_run_tests();
}
