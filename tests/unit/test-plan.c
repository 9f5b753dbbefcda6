/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Recorded plans and device memory. */
#include "opencl/ops/edges.h"
#include "ops.h"

#include <string.h>

/* Not aligned, and in order; the arena's and a buffer's memory alike. */
static void
test_write_read(void)
{
  g_autoptr(GError) error = NULL;
  g_autofree float *values = ops_random(1, 300, -1, 1);
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(ops_context());
  DdimClMem first = ddim_cl_plan_alloc_floats(plan, 100),
            mem = ddim_cl_plan_alloc_floats(plan, 300);
  g_assert_cmpuint(mem.at, >=, first.at + 100 * sizeof(float));
  ops_plan_run(plan);
  g_assert_cmpuint(ddim_cl_plan_get_arena_bytes(plan), >=, 400 * sizeof(float));
  ddim_cl_plan_write(plan, mem, 300, values, &error);
  g_assert_no_error(error);
  mem = ddim_cl_mem_skip_floats(mem, 7);
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
  DdimClMem a = ddim_cl_plan_alloc_floats(from, 128), b = ddim_cl_plan_alloc_floats(to, 128);
  ops_plan_run(from);
  ops_plan_run(to);
  float read[64];
  ddim_cl_plan_copy_bytes(from, ops_array_mem(&array), from, a, 128 * sizeof(float), &error);
  g_assert_no_error(error);
  ddim_cl_plan_copy_bytes(from, ddim_cl_mem_skip_floats(a, 64), to, b, 64 * sizeof(float), &error);
  g_assert_no_error(error);
  ddim_cl_plan_read(to, b, 64, read, &error);
  g_assert_no_error(error);
  g_assert_cmpmem(read, sizeof read, array.host + 64, sizeof read);
  ops_array_clear(&array);
}

static void
test_slice(void)
{
  const DdimClTensor whole = {
      .mem = {.at = 64, .bytes = 512}, .n = 2, .h = 3, .w = 4, .c = 96, .ld = 128};
  const DdimClTensor slice = ddim_cl_tensor_slice(whole, 32, 48);
  g_assert_cmpuint(slice.mem.at, ==, 64 + 32 * sizeof(float));
  g_assert_cmpuint(slice.c, ==, 48);
  g_assert_cmpuint(slice.ld, ==, 128);
  g_assert_cmpuint(slice.n * slice.h * slice.w, ==, 24);
  /* the slice does not own what it lies in */
  g_assert_cmpuint(slice.mem.bytes, ==, 0);
}

/* A tensor's elements say how many bytes its channels are. */
static void
test_slice_of_half(void)
{
  const DdimClTensor whole = {.mem = {.at = 64}, .c = 96, .ld = 96, .type = DDIM_CL_F16};
  const DdimClTensor slice = ddim_cl_tensor_slice(whole, 32, 48);
  g_assert_cmpuint(slice.mem.at, ==, 64 + 32 * 2);
  g_assert_cmpint(slice.type, ==, DDIM_CL_F16);
}

/* A kernel of float32 does not take anything else for it. */
static void
test_wrong_type(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(ops_context());
  const DdimClTensor x = ddim_cl_plan_alloc_tensor(plan, DDIM_CL_F16, 1, 8, 8, 32);
  const DdimClTensor y = ddim_cl_plan_alloc_tensor(plan, DDIM_CL_F32, 1, 8, 8, 32);
  g_assert_cmpuint(2 * x.mem.bytes, ==, y.mem.bytes);
  ddim_cl_to_planar(plan, &x, 3, y.mem);
  g_assert_false(ddim_cl_plan_seal(plan, &error));
  g_assert_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_FAILED);
}

/* An operation may get memory that was released before the operation was recorded; replays give the
 * same result. */
static void
test_replay(void)
{
  g_autoptr(GError) error = NULL;
  g_autofree float *values = ops_random(3, 2 * 4 * 4 * 16, -1, 1);
  OpsArray x = ops_array(values, 2 * 4 * 4 * 16);
  const DdimClTensor in = {ops_array_mem(&x), 2, 4, 4, 16, 16};
  OpsTensor out = ops_tensor(4, 2, 2, 2, 16, FALSE, 1);
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(ops_context());
  DdimClTensor large = ddim_cl_plan_alloc_tensor(plan, DDIM_CL_F32, 2, 8, 8, 16);
  ddim_cl_upsample(plan, &in, &large);
  DdimClTensor same = ddim_cl_plan_alloc_tensor(plan, DDIM_CL_F32, 2, 4, 4, 16);
  ddim_cl_average_pool(plan, &large, &same);
  ddim_cl_plan_release(plan, large.mem);
  DdimClTensor again = ddim_cl_plan_alloc_tensor(plan, DDIM_CL_F32, 2, 4, 4, 16);
  g_assert_cmpuint(again.mem.at, ==, large.mem.at);
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
  DdimClMem x = ddim_cl_plan_alloc_floats(plan, 64);
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
    ddim_cl_plan_alloc_floats(plan, sizes[i]);
    ddim_cl_plan_alloc_floats(plan, sizes[i]);
    g_assert_false(ddim_cl_plan_seal(plan, &error));
    g_assert_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_MEMORY);
  }
}

/* The mean of 2 x 2 pixels of @x, @n times, through tensors of the arena that are all kept. */
static DdimClTensor
record_pyramid(DdimClPlan *plan, DdimClTensor x, guint n)
{
  for (guint i = 0; i < n; i++) {
    const DdimClTensor wide =
        ddim_cl_plan_alloc_tensor(plan, DDIM_CL_F32, 1, 2 * x.h, 2 * x.w, x.c);
    const DdimClTensor same = ddim_cl_plan_alloc_tensor(plan, DDIM_CL_F32, 1, x.h, x.w, x.c);
    ddim_cl_upsample(plan, &x, &wide);
    ddim_cl_average_pool(plan, &wide, &same);
    x = same;
  }
  return x;
}

/* More than the device allocates at once is several blocks; what needs more in one is refused. */
static void
test_blocks(void)
{
  g_autoptr(GError) error = NULL;
  DdimDeviceInfo *info = ops_context()->info;
  const guint64 limit = info->max_allocation, memory = info->global_memory;
  enum { COUNT = 8 * 8 * 16 };
  g_autofree float *values = ops_random(6, COUNT, -1, 1);
  float read[COUNT];
  g_autoptr(DdimClPlan) plan = NULL;
  for (guint i = 0; i < 2; i++) {
    g_clear_pointer(&plan, ddim_cl_plan_free);
    info->max_allocation = 20000;
    info->global_memory = i ? 60000 : memory;
    plan = ddim_cl_plan_new(ops_context());
    const DdimClTensor x = ddim_cl_plan_alloc_tensor(plan, DDIM_CL_F32, 1, 8, 8, 16);
    const DdimClTensor y = record_pyramid(plan, x, 5);
    g_assert_cmpuint(y.mem.block, >, 0);
    const gboolean sealed = ddim_cl_plan_seal(plan, &error);
    info->max_allocation = limit;
    info->global_memory = memory;
    if (i) {
      /* each block is small enough, but not all together */
      g_assert_false(sealed);
      g_assert_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_MEMORY);
      return;
    }
    g_assert_no_error(error);
    g_assert_true(ddim_cl_plan_write(plan, x.mem, COUNT, values, &error));
    g_assert_true(ddim_cl_plan_run(plan, &error));
    g_assert_true(ddim_cl_plan_read(plan, y.mem, COUNT, read, &error));
    /* means of four equal numbers are exact */
    g_assert_cmpmem(read, sizeof read, values, sizeof read);
  }
}

static void
test_block_too_large(void)
{
  g_autoptr(GError) error = NULL;
  DdimDeviceInfo *info = ops_context()->info;
  const guint64 limit = info->max_allocation;
  info->max_allocation = 4096;
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(ops_context());
  ddim_cl_plan_alloc_floats(plan, 64);
  ddim_cl_plan_alloc_bytes(plan, 5000);
  g_assert_false(ddim_cl_plan_seal(plan, &error));
  info->max_allocation = limit;
  g_assert_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_MEMORY);
}

/* A runner of tasks that records what it is told. */
typedef struct {
  guint64 words[3][40];
  guint n_words[3], tasks[3];
  guint launches, launched;
} FakeTable;

static gpointer
fake_new_table(DdimContext *context, guint count, gboolean half, GError **error)
{
  g_assert_cmpuint(count, ==, 3);
  return g_new0(FakeTable, 1);
}

static gboolean
fake_set(gpointer data, guint index, guint task, const gsize range[3], const guint64 *words,
         guint n_words, GError **error)
{
  FakeTable *table = data;
  if (n_words > 40) {
    g_set_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_FAILED, "too many");
    return FALSE;
  }
  if (n_words > 0)
    memcpy(table->words[index], words, n_words * sizeof *words);
  table->n_words[index] = n_words;
  table->tasks[index] = task;
  return TRUE;
}

static FakeTable *last_launched;

static gboolean
fake_enqueue(gpointer data, guint first, guint count, GError **error)
{
  last_launched = data;
  last_launched->launches++;
  last_launched->launched += count;
  return TRUE;
}

static guint64
fake_get_ticks(gpointer data, guint index)
{
  return index;
}

static const DdimClTaskRunner fake_runner = {fake_new_table, g_free, fake_set, fake_enqueue,
                                             fake_get_ticks};

/* Tasks in a row are one launch, every argument is a word, and a runner that takes no more of them
 * says so. */
static void
test_tasks(void)
{
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(ops_context());
  DdimClMem x = ddim_cl_plan_alloc_floats(plan, 64);
  for (guint i = 0; i < 3; i++) {
    ddim_cl_plan_task(plan, &fake_runner, 10 + i, "fake", 0);
    ddim_cl_plan_arg_u32(plan, i);
    ddim_cl_plan_arg_address(plan, NULL);
    ddim_cl_plan_arg_f32(plan, 1.5f);
    for (guint j = 0; i == 2 && j < 37; j++)
      ddim_cl_plan_arg_u64(plan, (guint64)j << 40);
    if (i == 1)
      ddim_cl_silu(plan, x, 64);
  }
  ops_plan_run(plan);
  g_assert_cmpuint(last_launched->launches, ==, 2);
  g_assert_cmpuint(last_launched->launched, ==, 3);
  g_assert_cmpuint(last_launched->tasks[2], ==, 12);
  g_assert_cmpuint(last_launched->n_words[0], ==, 3);
  g_assert_cmpuint(last_launched->n_words[2], ==, 40);
  g_assert_cmpuint(last_launched->words[2][0], ==, 2);
  g_assert_cmpuint(last_launched->words[2][1], ==, 0);
  g_assert_cmpuint(last_launched->words[2][2], ==, 0x3fc00000);
  g_assert_cmpuint(last_launched->words[2][39], ==, (guint64)36 << 40);
}

static void
test_too_many_words(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(ops_context());
  for (guint i = 0; i < 3; i++)
    ddim_cl_plan_task(plan, &fake_runner, 0, "fake", 0);
  for (guint i = 0; i < 41; i++)
    ddim_cl_plan_arg_u32(plan, i);
  g_assert_false(ddim_cl_plan_seal(plan, &error));
  g_assert_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_FAILED);
  g_assert_cmpstr(error->message, ==, "fake: too many");
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
  g_test_add_func("/plan/slice-of-half", test_slice_of_half);
  g_test_add_func("/plan/wrong-type", test_wrong_type);
  g_test_add_func("/plan/replay", test_replay);
  g_test_add_func("/plan/profile", test_profile);
  g_test_add_func("/plan/failure", test_failure);
  g_test_add_func("/plan/too-large", test_too_large);
  g_test_add_func("/plan/blocks", test_blocks);
  g_test_add_func("/plan/block-too-large", test_block_too_large);
  g_test_add_func("/plan/tasks", test_tasks);
  g_test_add_func("/plan/too-many-words", test_too_many_words);
  g_test_add_func("/plan/accounting", test_accounting);
  return ops_run_tests();
}
