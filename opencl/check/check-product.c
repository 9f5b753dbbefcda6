/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <math.h>

#include "opencl/check/check-conv.h"
#include "opencl/check/check-parts.h"
#include "opencl/ops/matrix/gemm.h"

/* Sums of up to 600 products in float32, relative to the largest. */
#define TOLERANCE 2e-6

/* [rows][out] by the definition. */
static double *
reference(const DdimCheckTensor *a, const float *weights, const float *bias, gboolean round_a,
          gboolean round_weights, guint in, guint out)
{
  const guint rows = a->tensor.w;
  double *c = g_new0(double, (gsize)rows *out);
  for (guint r = 0; r < rows; r++)
    for (guint o = 0; o < out; o++) {
      double sum = bias[o];
      for (guint i = 0; i < in; i++) {
        const double w = weights[(gsize)o * in + i], x = ddim_check_tensor_at(a, r, i);
        sum += (round_a ? ddim_check_round_to_half(x) : x) *
               (round_weights ? ddim_check_round_to_half(w) : w);
      }
      c[(gsize)r * out + o] = sum;
    }
  return c;
}

static void
multiply(DdimCheck *check, const DdimClMatrix *b, const float *weights, guint rows,
         DdimCheckResult *result)
{
  DdimCheckTensor a = ddim_check_tensor(check, 1, 1, 1, rows, b->depth, FALSE, 1);
  DdimCheckTensor c = ddim_check_tensor(check, 2, 1, 1, rows, b->columns, FALSE, 1);
  DdimCheckArray bias = ddim_check_array_random(check, 4, b->columns, 1);
  const DdimClEpilogue epilogue = {.bias = ddim_check_array_mem(&bias)};
  const DdimClGemm gemm = {.a = a.tensor.mem,
                           .c = c.tensor.mem,
                           .lda = b->depth,
                           .ldc = b->columns,
                           .rows = rows,
                           .rows_per_image = 1,
                           .epilogue = &epilogue,
                           .label = "check"};
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(check->context);
  if (!check->error) {
    ddim_cl_gemm(plan, b, &gemm);
    ddim_check_run(check, plan);
    g_autofree double *expected = reference(
        &a, weights, bias.host, ddim_gemm_uses_matrix_unit(b->provider), b->half, b->in, b->out);
    result->error = ddim_check_tensor_error(check, &c, expected, b->out);
    result->seconds = ddim_check_time(check, plan);
  }
  ddim_check_tensor_clear(&a);
  ddim_check_tensor_clear(&c);
  ddim_check_array_clear(&bias);
}

DdimCheckResult
ddim_check_product(DdimCheck *check, DdimGemmProvider provider, gboolean half, guint rows, guint in,
                   guint out)
{
  DdimCheckResult result = {.error = INFINITY, .bound = TOLERANCE};
  g_autofree float *weights = ddim_check_random(7, (gsize)out * in, -0.5, 0.5);
  if (check->error)
    return result;
  g_autoptr(DdimClMatrix) b = ddim_cl_matrix_new(check->context, DDIM_CL_PACK_PLAIN, provider, half,
                                                 weights, out, in, 1, &check->error);
  if (b)
    multiply(check, b, weights, rows, &result);
  return result;
}
