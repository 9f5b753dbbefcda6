/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Layout, resampling and SiLU. */
#include "opencl/check/check-parts.h"
#include "ops.h"

static void
check_result(DdimCheck *check, DdimCheckResult result, guint n, guint h, guint w)
{
  ops_end(check);
  ops_check(result.error, result.bound, "%ux%ux%u", n, h, w);
}

typedef struct {
  guint n, h, w, x_c, cond_c, c;
  gboolean sliced;
} Planar;

static void
test_from_planar(void)
{
  static const Planar cases[] = {
      {1, 1, 1, 1, 0, 16, FALSE}, {2, 3, 5, 3, 0, 16, FALSE},  {3, 7, 9, 4, 4, 16, FALSE},
      {2, 4, 4, 3, 3, 16, TRUE},  {1, 16, 2, 3, 1, 32, FALSE},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    const Planar *c = &cases[i];
    DdimCheck check = ops_begin();
    check_result(
        &check,
        ddim_check_from_planar(&check, c->n, c->h, c->w, c->x_c, c->cond_c, c->c, c->sliced), c->n,
        c->h, c->w);
  }
}

static void
test_to_planar(void)
{
  static const Planar cases[] = {
      {1, 1, 1, 1, 0, 32, FALSE}, {2, 3, 5, 3, 0, 32, FALSE}, {3, 7, 9, 6, 0, 32, TRUE}};
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    const Planar *c = &cases[i];
    DdimCheck check = ops_begin();
    check_result(&check, ddim_check_to_planar(&check, c->n, c->h, c->w, c->x_c, c->c, c->sliced),
                 c->n, c->h, c->w);
  }
}

static void
test_resize(gconstpointer data)
{
  const DdimWrap wrap = GPOINTER_TO_UINT(data);
  static const guint sizes[][4] = {{8, 8, 32, 32}, {64, 64, 256, 256}, {5, 7, 11, 3}, {1, 1, 4, 6},
                                   {3, 1, 3, 5},   {16, 16, 16, 16},   {9, 33, 4, 64}};
  for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
    const guint *s = sizes[i];
    DdimCheck check = ops_begin();
    check_result(&check, ddim_check_resize(&check, s[0], s[1], s[2], s[3], wrap), 1, s[2], s[3]);
  }
}

static void
check_resample(gboolean up, gboolean sliced, guint n, guint h, guint w)
{
  for (DdimClType type = DDIM_CL_F32; type <= DDIM_CL_F16; type++) {
    DdimCheck check = ops_begin();
    check_result(&check, ddim_check_resample(&check, type, up, sliced, n, h, w), n, h, w);
  }
}

static void
check_copy(gboolean sliced, guint n, guint h, guint w)
{
  for (DdimClType type = DDIM_CL_F32; type <= DDIM_CL_F16; type++) {
    DdimCheck check = ops_begin();
    check_result(&check, ddim_check_copy(&check, type, sliced, n, h, w), n, h, w);
  }
}

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

static void
test_silu(void)
{
  DdimCheck check = ops_begin();
  check_result(&check, ddim_check_silu(&check), 1, 1, 4096);
}

static void
test_center(void)
{
  DdimCheck check = ops_begin();
  check_result(&check, ddim_check_center(&check), 1, 1, 1024);
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
  g_test_add_func("/edges/center", test_center);
  g_test_add_func("/edges/copy", test_copy);
  g_test_add_func("/edges/upsample", test_upsample);
  g_test_add_func("/edges/average-pool", test_average_pool);
  g_test_add_func("/edges/silu", test_silu);
  return ops_run_tests();
}
