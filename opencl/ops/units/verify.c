/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/units/verify.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "opencl/device/status.h"
#include "opencl/ops/matrix/gemm.h"

/* All numbers are multiples of 1/64 within [-1, 1]. Half precision holds them exactly, and float32
 * holds the sums of their products exactly. So any difference is a mistake. */
#define GRAIN 64

typedef struct {
  guint batch, rows, depth, columns;
} Case;

static float *
random_grains(guint32 seed, gsize count)
{
  GRand *rand = g_rand_new_with_seed(seed);
  float *values = g_new(float, count);
  for (gsize i = 0; i < count; i++)
    values[i] = (float)g_rand_int_range(rand, -GRAIN, GRAIN + 1) / GRAIN;
  g_rand_free(rand);
  return values;
}

/* @weights is [columns][depth][batch], as if the batch were the taps of a convolution, because the
 * plain layout of such weights is that of a batch. */
static gboolean
compare(const Case *c, const float *a, const float *weights, const float *result)
{
  for (guint b = 0; b < c->batch; b++)
    for (guint r = 0; r < c->rows; r++)
      for (guint o = 0; o < c->columns; o++) {
        const float *row = a + ((gsize)b * c->rows + r) * c->depth;
        float sum = 0;
        for (guint k = 0; k < c->depth; k++)
          sum += row[k] * weights[((gsize)o * c->depth + k) * c->batch + b];
        if (result[((gsize)b * c->rows + r) * c->columns + o] != sum)
          return FALSE;
      }
  return TRUE;
}

static gboolean
multiply(DdimContext *context, DdimClMatrix *matrix, const Case *c, const float *a, float *result,
         GError **error)
{
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(context);
  const guint64 a_count = (guint64)c->rows * c->depth, c_count = (guint64)c->rows * c->columns;
  const DdimClMem a_mem = ddim_cl_plan_alloc_floats(plan, c->batch * a_count);
  const DdimClMem c_mem = ddim_cl_plan_alloc_floats(plan, c->batch * c_count);
  matrix->batch = c->batch;
  matrix->depth = c->depth;
  const DdimClGemm gemm = {.a = a_mem,
                           .c = c_mem,
                           .lda = c->depth,
                           .ldc = c->columns,
                           .a_batch = a_count,
                           .c_batch = c_count,
                           .rows = c->rows,
                           .label = "check"};
  ddim_cl_gemm(plan, matrix, &gemm);
  return ddim_cl_plan_seal(plan, error) &&
         ddim_cl_plan_write(plan, a_mem, c->batch * a_count, a, error) &&
         ddim_cl_plan_run(plan, error) &&
         ddim_cl_plan_read(plan, c_mem, c->batch * c_count, result, error);
}

static gboolean
verify(DdimContext *context, DdimGemmProvider provider, gboolean half, const Case *c,
       GError **error)
{
  g_autofree float *a = random_grains(1, (gsize)c->batch * c->rows * c->depth);
  g_autofree float *weights = random_grains(2, (gsize)c->batch * c->depth * c->columns);
  g_autofree float *result = g_new0(float, (gsize)c->batch * c->rows * c->columns);
  g_autoptr(DdimClMatrix) matrix = ddim_cl_matrix_new(
      context, DDIM_CL_PACK_PLAIN, provider, half, weights, c->columns, c->depth, c->batch, error);
  if (!matrix || !multiply(context, matrix, c, a, result, error))
    return FALSE;
  if (compare(c, a, weights, result))
    return TRUE;
  g_set_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_FAILED,
              _("%s multiplies wrongly on %s (%u x %u by %u, %u matrices)"),
              ddim_gemm_provider_name(provider), context->info->name, c->rows, c->depth, c->columns,
              c->batch);
  return FALSE;
}

gboolean
ddim_cl_verify_provider(DdimContext *context, DdimGemmProvider provider, gboolean half,
                        GError **error)
{
  /* Some sizes are multiples of every tile, others of none. Packed panels hold no batches. */
  static const Case cases[] = {
      {1, 128, 64, 128}, {1, 77, 48, 160}, {3, 128, 32, 128}, {2, 45, 32, 96}};
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
    if ((cases[i].batch == 1 || provider != DDIM_GEMM_PACKED) &&
        !verify(context, provider, half, &cases[i], error))
      return FALSE;
  return TRUE;
}
