/* SPDX-License-Identifier: LGPL-3.0-or-later
 * CLBlast's parameters: which are valid, the search for them, and products with others than its
 * database's. */
#include "opencl/ops/matrix/clblast-use.h"

#include <clblast_c.h>
#include <gio/gio.h>
#include <string.h>

#include "opencl/ops/units/verify.h"
#include "opencl/tune/clblast-search.h"
#include "ops.h"

/* The limits of the smallest GPUs of today. */
static const DdimDeviceInfo gpu = {.max_work_group_size = 256, .local_memory = 32 << 10};

static void
test_valid(void)
{
  for (guint i = 0; i < ddim_clblast_n_starts(); i++) {
    const DdimClblastParameters start = ddim_clblast_start(i);
    g_assert_true(ddim_clblast_is_valid(&gpu, &start));
  }
  const DdimDeviceInfo small = {.max_work_group_size = 128, .local_memory = 32 << 10};
  const DdimDeviceInfo poor = {.max_work_group_size = 256, .local_memory = 4 << 10};
  DdimClblastParameters p = ddim_clblast_start(0);
  g_assert_false(ddim_clblast_is_valid(&small, &p));
  g_assert_false(ddim_clblast_is_valid(&poor, &p));
  p.values[DDIM_CLBLAST_XGEMM][6] = 48; /* MWG */
  g_assert_false(ddim_clblast_is_valid(&gpu, &p));
  p = ddim_clblast_start(0);
  p.values[DDIM_CLBLAST_XGEMM][0] = 1; /* GEMMK */
  g_assert_false(ddim_clblast_is_valid(&gpu, &p));
  for (DdimClblastKernel k = 0; k < DDIM_CLBLAST_N_KERNELS; k++)
    for (guint i = 0; i < ddim_clblast_n_values(k); i++) {
      p = ddim_clblast_start(0);
      p.values[k][i] = G_MAXUINT;
      g_assert_false(ddim_clblast_is_valid(&gpu, &p));
    }
}

/* CLBlast's constraints, written down a second time from its documentation: a kernel's tile divides
 * among its work-items, both for computing and for loading. */
static void
assert_divides(const guint *v, guint kwg, guint mdima, guint mdimc, guint mwg, guint ndimb,
               guint ndimc, guint nwg, guint vwm, guint vwn)
{
  const guint group = v[mdimc] * v[ndimc];
  g_assert_cmpuint(v[mwg] % (v[mdimc] * v[vwm]), ==, 0);
  g_assert_cmpuint(v[nwg] % (v[ndimc] * v[vwn]), ==, 0);
  g_assert_cmpuint(v[mwg] % (v[mdima] * v[vwm]), ==, 0);
  g_assert_cmpuint(v[nwg] % (v[ndimb] * v[vwn]), ==, 0);
  g_assert_cmpuint(v[kwg] % (group / v[mdima]), ==, 0);
  g_assert_cmpuint(v[kwg] % (group / v[ndimb]), ==, 0);
  g_assert_cmpuint(group, <=, ddim_context_get_device(ops_context())->max_work_group_size);
}

typedef struct {
  GHashTable *seen;
  guint calls, stop_at;
} Fake;

/* Large matrices: best with tiles of 64 x 32, vectors of 2, and local memory for the first only;
 * small ones are never as good. */
static double
fake_cost(const DdimClblastParameters *p, gpointer data, GError **error)
{
  Fake *fake = data;
  const guint *v = p->values[DDIM_CLBLAST_XGEMM];
  fake->calls++;
  g_assert_true(ddim_clblast_is_valid(ddim_context_get_device(ops_context()), p));
  g_assert_true(g_hash_table_add(fake->seen, g_bytes_new(p, sizeof *p)));
  assert_divides(v, 2, 4, 5, 6, 7, 8, 9, 14, 15);
  assert_divides(p->values[DDIM_CLBLAST_XGEMM_DIRECT], 9, 1, 2, 9, 3, 4, 9, 7, 8);
  if (fake->calls == fake->stop_at) {
    g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "stop");
    return -1;
  }
  if (v[2] == 32) { /* KWG: as if such kernels did not compile */
    g_set_error_literal(error, DDIM_CL_ERROR, DDIM_CL_ERROR_BUILD, "no");
    return -1;
  }
  const guint large = p->values[DDIM_CLBLAST_GEMM_ROUTINE][0] < 512;
  return 1 + !large + ABS((int)v[6] - 64) / 64. + ABS((int)v[9] - 32) / 32. +
         ABS((int)v[14] - 2) / 2. + ABS((int)v[15] - 2) / 2. + !v[10] + v[11];
}

static double
search(Fake *fake, double seconds, DdimClblastParameters *best, GError **error)
{
  const DdimClblastSearch how = {
      .cost = fake_cost, .user_data = fake, .seconds = seconds, .seed = 7};
  guint tried = 0;
  fake->seen =
      g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
  const double cost = ddim_clblast_search(ops_context(), &how, best, &tried, error);
  g_assert_cmpuint(tried, ==, fake->calls);
  g_hash_table_unref(fake->seen);
  return cost;
}

static void
test_search(void)
{
  const DdimDeviceInfo *device = ddim_context_get_device(ops_context());
  g_autoptr(GError) error = NULL;
  DdimClblastParameters best;
  Fake fake = {0};
  if (device->max_work_group_size < 256 || device->local_memory < 32 << 10) {
    g_test_skip("the device is smaller than what the test expects");
    return;
  }
  /* More time than it needs: it ends when it has drawn enough. */
  g_assert_cmpfloat(search(&fake, 3600, &best, &error), ==, 1);
  g_assert_no_error(error);
  const guint *v = best.values[DDIM_CLBLAST_XGEMM];
  g_assert_cmpuint(v[6], ==, 64);
  g_assert_cmpuint(v[9], ==, 32);
  g_assert_cmpuint(v[10], ==, 1);
  /* Without any time one set is still tried, and the search can be stopped after any. */
  fake = (Fake){0};
  search(&fake, 0, &best, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(fake.calls, <=, 2);
  fake = (Fake){.stop_at = 9};
  g_assert_cmpfloat(search(&fake, 3600, &best, &error), <, 0);
  g_assert_error(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint(fake.calls, ==, 9);
}

static void
assert_right(DdimContext *context)
{
  g_autoptr(GError) error = NULL;
  ddim_cl_verify_provider(context, DDIM_GEMM_CLBLAST, FALSE, &error);
  g_assert_no_error(error);
}

/* The kernel that CLBlast's database has for some devices of Intel and NVIDIA, with shapes for
 * which its results are wrong. */
static void
test_other_kernel(void)
{
  const char *names[] = {"GEMMK", "KREG", "KWG", "KWI", "MDIMA", "MDIMC", "MWG", "NDIMB",
                         "NDIMC", "NWG",  "SA",  "SB",  "STRM",  "STRN",  "VWM", "VWN"};
  const size_t values[] = {1, 4, 1, 1, 4, 4, 32, 4, 4, 16, 0, 0, 0, 0, 4, 4};
  const char *routine[] = {"XGEMM_MIN_INDIRECT_SIZE"};
  const size_t always[] = {0};
  cl_device_id device = ops_context()->device;
  g_assert_cmpint(CLBlastOverrideParameters(device, "Xgemm", CLBlastPrecisionSingle,
                                            G_N_ELEMENTS(names), names, values),
                  ==, CLBlastSuccess);
  g_assert_cmpint(
      CLBlastOverrideParameters(device, "GemmRoutine", CLBlastPrecisionSingle, 1, routine, always),
      ==, CLBlastSuccess);
  assert_right(ops_context());
}

static void
test_found(void)
{
  g_autoptr(GError) error = NULL;
  DdimClblastParameters p = ddim_clblast_start(3);
  p.values[DDIM_CLBLAST_GEMM_ROUTINE][0] = 0;
  if (!ddim_clblast_is_valid(ddim_context_get_device(ops_context()), &p)) {
    g_test_skip("the device is too small");
    return;
  }
  g_assert_true(ddim_clblast_use(ops_context(), &p, &error));
  g_assert_no_error(error);
  assert_right(ops_context());
}

/* Bytes that CLBlast wants now for copies of matrices that no tile divides, which tells the tiles.
 */
static gsize
copy_bytes(DdimContext *context)
{
  gsize bytes = 0;
  g_assert_cmpint(CLBlastSGemmTempBufferSize(CLBlastLayoutColMajor, CLBlastTransposeNo,
                                             CLBlastTransposeNo, 300, 300, 300, 1, 400, 1, 400, 1,
                                             400, &context->queue, &bytes),
                  ==, CLBlastSuccess);
  return bytes;
}

/* A context whose products are computed with tiles of 64 rows, or of 128. */
static DdimContext *
context_with_start(guint start)
{
  g_autoptr(GError) error = NULL;
  DdimContext *context = ddim_context_new(NULL, &error);
  g_assert_no_error(error);
  DdimClblastParameters p = ddim_clblast_start(start);
  p.values[DDIM_CLBLAST_GEMM_ROUTINE][0] = 0;
  g_assert_true(ddim_clblast_use(context, &p, &error));
  g_assert_no_error(error);
  return context;
}

static void
enter_and_leave(DdimContext *context)
{
  g_autoptr(GError) error = NULL;
  g_assert_true(ddim_clblast_enter(context, &error));
  g_assert_no_error(error);
  ddim_clblast_leave();
}

/* CLBlast has one set for a device; each context has its own nevertheless. */
static void
test_two_contexts(void)
{
  g_autoptr(DdimContext) a = context_with_start(0);
  const gsize of_a = copy_bytes(a);
  g_autoptr(DdimContext) b = context_with_start(2);
  const gsize of_b = copy_bytes(b);
  g_assert_cmpuint(of_a, !=, of_b);
  for (guint i = 0; i < 2; i++) {
    enter_and_leave(a);
    g_assert_cmpuint(copy_bytes(a), ==, of_a);
    enter_and_leave(b);
    g_assert_cmpuint(copy_bytes(b), ==, of_b);
  }
}

typedef struct {
  DdimContext *context;
  gsize bytes; /* as copy_bytes() gives with the context's own set */
  guint wrong;
} Worker;

static gint n_ready;

/* Both threads begin together. The one that is in CLBlast lets the other go on, if it can. */
static gpointer
work(gpointer data)
{
  Worker *worker = data;
  assert_right(worker->context);
  g_atomic_int_inc(&n_ready);
  while (g_atomic_int_get(&n_ready) < 2)
    g_thread_yield();
  for (guint i = 0; i < 2000; i++) {
    if (!ddim_clblast_enter(worker->context, NULL)) {
      worker->wrong++;
      continue;
    }
    g_thread_yield();
    worker->wrong += copy_bytes(worker->context) != worker->bytes;
    ddim_clblast_leave();
  }
  assert_right(worker->context);
  return NULL;
}

/* The same in two threads at once. */
static void
test_two_threads(void)
{
  Worker workers[] = {{context_with_start(0)}, {context_with_start(2)}};
  GThread *threads[2];
  for (guint i = 0; i < 2; i++) {
    enter_and_leave(workers[i].context);
    workers[i].bytes = copy_bytes(workers[i].context);
  }
  for (guint i = 0; i < 2; i++)
    threads[i] = g_thread_new("work", work, &workers[i]);
  for (guint i = 0; i < 2; i++) {
    g_thread_join(threads[i]);
    g_assert_cmpuint(workers[i].wrong, ==, 0);
    ddim_context_unref(workers[i].context);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/clblast/valid", test_valid);
  /* before anything sets parameters: they replace the database's for the whole process */
  g_test_add_func("/clblast/other-kernel", test_other_kernel);
  g_test_add_func("/clblast/search", test_search);
  g_test_add_func("/clblast/found", test_found);
  g_test_add_func("/clblast/two-contexts", test_two_contexts);
  g_test_add_func("/clblast/two-threads", test_two_threads);
  return ops_run_tests();
}
