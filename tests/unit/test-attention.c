/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Attention against softmax(q k^T / sqrt(ch)) v in double. */
#include "opencl/check/check-parts.h"
#include "ops.h"

typedef DdimCheckAttention Case;

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

static void
test_case(gconstpointer data)
{
  DdimCheck check = ops_begin();
  const DdimCheckResult result = ddim_check_attention(&check, data);
  ops_end(&check);
  ops_check(result.error, result.bound, "attention");
}

/* The same of activations that are kept as half. */
static void
test_half(gconstpointer data)
{
  Case half = *(const Case *)data;
  half.type = DDIM_CL_F16;
  test_case(&half);
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
    g_autofree char *half = g_strconcat(path, "/half", NULL);
    g_test_add_data_func(path, c, test_case);
    /* Each number of channels is a program to build, so these are few. */
    if (i % 4 == 2 || c->ch == 132)
      g_test_add_data_func(half, c, test_half);
  }
  return ops_run_tests();
}
