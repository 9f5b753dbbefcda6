/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "ops.h"

#include "opencl/check/check-conv.h"

static DdimContext *shared_context;

DdimContext *
ops_context(void)
{
  if (!shared_context) {
    g_autoptr(GError) error = NULL;
    shared_context = ddim_context_new(NULL, &error);
    g_assert_no_error(error);
    if (shared_context->profile.matrix_unit == DDIM_CL_NO_MATRIX_UNIT) {
      shared_context->profile.matrix_unit = DDIM_CL_MATRIX_UNIT_PTX;
      shared_context->profile.emulated = TRUE;
    }
  }
  return shared_context;
}

gboolean
ops_uses_matrix_unit(DdimGemmProvider provider)
{
  return ddim_gemm_uses_matrix_unit(provider);
}

gboolean
ops_use_unit(DdimClMatrixUnit unit)
{
  DdimClProfile *profile = &ops_context()->profile;
  if (!profile->emulated)
    return profile->matrix_unit == unit;
  profile->matrix_unit = unit;
  return TRUE;
}

gboolean
ops_tests_provider(DdimGemmProvider provider)
{
  return !ops_context()->profile.row_loop || provider == DDIM_GEMM_PACKED ||
         provider == DDIM_GEMM_CLBLAST;
}

int
ops_run_tests(void)
{
  const int status = g_test_run();
  g_clear_pointer(&shared_context, ddim_context_unref);
  return status;
}

float *
ops_random(guint32 seed, gsize count, double low, double high)
{
  return ddim_check_random(seed, count, low, high);
}

double
ops_round_to_half(double value)
{
  return ddim_check_round_to_half(value);
}

DdimCheck
ops_begin(void)
{
  return (DdimCheck){.context = ops_context()};
}

void
ops_end(DdimCheck *check)
{
  g_autoptr(GError) error = NULL;
  ddim_check_end(check, &error);
  g_assert_no_error(error);
}

OpsArray
ops_array(const float *values, gsize count)
{
  DdimCheck check = ops_begin();
  OpsArray array = ddim_check_array(&check, values, count);
  ops_end(&check);
  return array;
}

OpsArray
ops_array_random(guint32 seed, gsize count, double scale)
{
  DdimCheck check = ops_begin();
  OpsArray array = ddim_check_array_random(&check, seed, count, scale);
  ops_end(&check);
  return array;
}

void
ops_array_clear(OpsArray *array)
{
  ddim_check_array_clear(array);
}

float *
ops_array_read(const OpsArray *array)
{
  DdimCheck check = ops_begin();
  float *values = ddim_check_array_read(&check, array);
  ops_end(&check);
  return values;
}

DdimClMem
ops_array_mem(const OpsArray *array)
{
  return ddim_check_array_mem(array);
}

OpsTensor
ops_tensor(guint32 seed, guint n, guint h, guint w, guint c, gboolean sliced, double scale)
{
  DdimCheck check = ops_begin();
  OpsTensor tensor = ddim_check_tensor(&check, seed, n, h, w, c, sliced, scale);
  ops_end(&check);
  return tensor;
}

void
ops_tensor_clear(OpsTensor *tensor)
{
  ddim_check_tensor_clear(tensor);
}

gsize
ops_tensor_first(const OpsTensor *tensor)
{
  return ddim_check_tensor_first(tensor);
}

float
ops_tensor_at(const OpsTensor *tensor, gsize pixel, guint channel)
{
  return ddim_check_tensor_at(tensor, pixel, channel);
}

double
ops_tensor_error(const OpsTensor *tensor, const double *expected, guint channels)
{
  DdimCheck check = ops_begin();
  const double error = ddim_check_tensor_error(&check, tensor, expected, channels);
  ops_end(&check);
  return error;
}

void
ops_plan_run(DdimClPlan *plan)
{
  DdimCheck check = {.context = ddim_cl_plan_get_context(plan)};
  ddim_check_run(&check, plan);
  ops_end(&check);
}

double
ops_error(const float *actual, const double *expected, gsize count)
{
  double worst = 0, largest = 0;
  for (gsize i = 0; i < count; i++) {
    g_assert_true(isfinite(actual[i]));
    worst = MAX(worst, fabs(actual[i] - expected[i]));
    largest = MAX(largest, fabs(expected[i]));
  }
  g_assert_cmpfloat(largest, >, 0);
  return worst / largest;
}

void
ops_check(double error, double tolerance, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *what = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  g_test_message("%s: error %.2e of at most %.2e", what, error, tolerance);
  if (!(error <= tolerance)) {
    g_test_message("%s is wrong", what);
    g_test_fail();
  }
}
