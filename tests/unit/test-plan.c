/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Recorded plans and device memory. */
#include "opencl/ops/edges.h"
#include "ops.h"

/* Not aligned, and in order; the arena's and a buffer's memory alike. */
static void
test_write_read(void)
{
  g_autoptr(GError) error = NULL;
  g_autofree float *values = ops_random(1, 300, -1, 1);
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(ops_context());
  DdimClMem first = ddim_cl_plan_alloc(plan, 100), mem = ddim_cl_plan_alloc(plan, 300);
  g_assert_cmpuint(mem.offset, >=, first.offset + 100);
  ops_plan_run(plan);
  g_assert_cmpuint(ddim_cl_plan_get_arena_bytes(plan), >=, 400 * sizeof(float));
  ddim_cl_plan_write(plan, mem, 300, values, &error);
  g_assert_no_error(error);
  mem.offset += 7;
  float read[293];
  ddim_cl_plan_read(plan, mem, 293, read, &error);
  g_assert_no_error(error);
  g_assert_cmpmem(read, sizeof read, values + 7, 293 * sizeof(float));
}

static void
test_copy(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimClPlan) from = ddim_cl_plan_new(ops_context());
  g_autoptr(DdimClPlan) to = ddim_cl_plan_new(ops_context());
  OpsArray array = ops_array_random(2, 128, 1);
  DdimClMem a = ddim_cl_plan_alloc(from, 128), b = ddim_cl_plan_alloc(to, 128);
  ops_plan_run(from);
  ops_plan_run(to);
  float read[64];
  ddim_cl_plan_copy(from, ops_array_mem(&array), from, a, 128, &error);
  g_assert_no_error(error);
  DdimClMem part = a;
  part.offset += 64;
  ddim_cl_plan_copy(from, part, to, b, 64, &error);
  g_assert_no_error(error);
  ddim_cl_plan_read(to, b, 64, read, &error);
  g_assert_no_error(error);
  g_assert_cmpmem(read, sizeof read, array.host + 64, sizeof read);
  ops_array_clear(&array);
}

static void
test_slice(void)
{
  const DdimClTensor whole = {.mem = {.offset = 64}, .n = 2, .h = 3, .w = 4, .c = 96, .ld = 128};
  const DdimClTensor slice = ddim_cl_tensor_slice(whole, 32, 48);
  g_assert_cmpuint(slice.mem.offset, ==, 96);
  g_assert_cmpuint(slice.c, ==, 48);
  g_assert_cmpuint(slice.ld, ==, 128);
  g_assert_cmpuint(slice.n * slice.h * slice.w, ==, 24);
  /* the slice does not own what it lies in */
  g_assert_cmpuint(slice.mem.size, ==, 0);
}

/* What was released before an operation was recorded may be its memory; replays give the same. */
static void
test_replay(void)
{
  g_autoptr(GError) error = NULL;
  g_autofree float *values = ops_random(3, 2 * 4 * 4 * 16, -1, 1);
  OpsArray x = ops_array(values, 2 * 4 * 4 * 16);
  const DdimClTensor in = {ops_array_mem(&x), 2, 4, 4, 16, 16};
  OpsTensor out = ops_tensor(4, 2, 2, 2, 16, FALSE, 1);
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(ops_context());
  DdimClTensor large = ddim_cl_plan_alloc_tensor(plan, 2, 8, 8, 16);
  ddim_cl_upsample(plan, &in, &large);
  DdimClTensor same = ddim_cl_plan_alloc_tensor(plan, 2, 4, 4, 16);
  ddim_cl_average_pool(plan, &large, &same);
  ddim_cl_plan_release(plan, large.mem);
  DdimClTensor again = ddim_cl_plan_alloc_tensor(plan, 2, 4, 4, 16);
  g_assert_cmpuint(again.mem.offset, ==, large.mem.offset);
  ddim_cl_plan_release(plan, again.mem);
  ddim_cl_average_pool(plan, &same, &out.tensor);
  ops_plan_run(plan);
  g_autofree double *expected = g_new0(double, 2 * 4 * 16);
  for (guint i = 0; i < 2 * 16; i++)
    for (guint c = 0; c < 16; c++)
      expected[(i / 16 * 4 + i % 16 / 8 * 2 + i % 4 / 2) * 16 + c] += values[i * 16 + c] / 4.0;
  g_assert_cmpfloat(ops_tensor_error(&out, expected, 16), <, 2e-7);
  for (guint i = 0; i < 3; i++)
    g_assert_true(ddim_cl_plan_run(plan, &error));
  g_assert_true(ddim_cl_finish(ops_context(), &error));
  g_assert_cmpfloat(ops_tensor_error(&out, expected, 16), <, 2e-7);
  ops_array_clear(&x);
  ops_tensor_clear(&out);
}

static void
add_time(const char *label, double seconds, double flops, gpointer user_data)
{
  g_assert_nonnull(label);
  g_assert_cmpfloat(seconds, >=, 0);
  g_assert_cmpfloat(flops, >=, 0);
  ++*(guint *)user_data;
}

static void
test_profile(void)
{
  g_autoptr(GError) error = NULL;
  guint count = 0;
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(ops_context());
  DdimClMem x = ddim_cl_plan_alloc(plan, 64);
  ddim_cl_silu(plan, x, 64);
  ddim_cl_silu(plan, x, 64);
  g_assert_true(ddim_cl_plan_seal(plan, &error));
  g_assert_true(ddim_cl_plan_profile(plan, add_time, &count, &error));
  g_assert_cmpuint(count, ==, 2);
}

/* The first failure of a recording is what sealing reports. */
static void
test_failure(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(ops_context());
  ddim_cl_plan_fail(plan, g_error_new(DDIM_CL_ERROR, DDIM_CL_ERROR_BUILD, "first"));
  ddim_cl_plan_fail(plan, g_error_new(DDIM_CL_ERROR, DDIM_CL_ERROR_FAILED, "second"));
  g_assert_false(ddim_cl_plan_seal(plan, &error));
  g_assert_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_BUILD);
  g_assert_cmpstr(error->message, ==, "first");
}

static void
test_too_large(void)
{
  const guint64 sizes[] = {(guint64)1 << 50, (guint64)1 << 61, (guint64)1 << 62};
  for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(ops_context());
    ddim_cl_plan_alloc(plan, sizes[i]);
    g_assert_false(ddim_cl_plan_seal(plan, &error));
    g_assert_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_MEMORY);
  }
}

static void
test_accounting(void)
{
  g_autoptr(GError) error = NULL;
  DdimContext *context = ops_context();
  guint64 before_peak, peak;
  const guint64 before = ddim_context_get_device_bytes(context, &before_peak);
  DdimClBuffer *a = ddim_cl_buffer_new(context, 1000, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(ddim_context_get_device_bytes(context, &peak), ==, before + 1024);
  g_assert_cmpuint(peak, >=, before + 1024);
  /* large enough for the host's own memory */
  DdimClBuffer *b = ddim_cl_buffer_new(context, 5 << 20, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(ddim_context_get_device_bytes(context, NULL), ==, before + 1024 + (5 << 20));
  const float last = 42;
  float read = 0;
  ddim_cl_buffer_write(b, (5 << 20) - 4, 4, &last, &error);
  ddim_cl_buffer_read(b, (5 << 20) - 4, 4, &read, &error);
  g_assert_no_error(error);
  g_assert_cmpfloat(read, ==, 42);
  ddim_cl_buffer_free(a);
  ddim_cl_buffer_free(b);
  g_assert_cmpuint(ddim_context_get_device_bytes(context, &peak), ==, before);
  g_assert_cmpuint(peak, >=, MAX(before_peak, before + 1024 + (5 << 20)));
  g_assert_null(ddim_cl_buffer_new(context, (guint64)1 << 55, &error));
  g_assert_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_MEMORY);
  g_clear_error(&error);
  g_assert_null(ddim_cl_buffer_new(context, G_MAXUINT64, &error));
  g_assert_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_MEMORY);
  g_assert_cmpuint(ddim_context_get_device_bytes(context, NULL), ==, before);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/plan/write-read", test_write_read);
  g_test_add_func("/plan/copy", test_copy);
  g_test_add_func("/plan/slice", test_slice);
  g_test_add_func("/plan/replay", test_replay);
  g_test_add_func("/plan/profile", test_profile);
  g_test_add_func("/plan/failure", test_failure);
  g_test_add_func("/plan/too-large", test_too_large);
  g_test_add_func("/plan/accounting", test_accounting);
  return ops_run_tests();
}
