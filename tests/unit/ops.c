/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "ops.h"

#include <string.h>

/* Floats around a tensor that must stay as they were. */
#define GUARD 192

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
  return provider == DDIM_GEMM_MMA64 || provider == DDIM_GEMM_MMA128;
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
  GRand *rand = g_rand_new_with_seed(seed);
  float *values = g_new(float, count);
  for (gsize i = 0; i < count; i++)
    values[i] = (float)g_rand_double_range(rand, low, high);
  g_rand_free(rand);
  return values;
}

double
ops_round_to_half(double value)
{
  if (value == 0)
    return 0;
  int exponent;
  frexp(value, &exponent);
  /* 11 significant bits; below 2^-14 the spacing stays that of 2^-14. */
  const int quantum = MAX(exponent, -13) - 11;
  return ldexp(nearbyint(ldexp(value, -quantum)), quantum);
}

OpsArray
ops_array(const float *values, gsize count)
{
  g_autoptr(GError) error = NULL;
  OpsArray array = {.count = count};
  array.buffer = ddim_cl_buffer_new(ops_context(), count * sizeof(float), &error);
  g_assert_no_error(error);
  array.host = g_memdup2(values, count * sizeof(float));
  ddim_cl_buffer_write(array.buffer, 0, count * sizeof(float), array.host, &error);
  g_assert_no_error(error);
  return array;
}

OpsArray
ops_array_random(guint32 seed, gsize count, double scale)
{
  g_autofree float *values = ops_random(seed, count, -scale, scale);
  return ops_array(values, count);
}

void
ops_array_clear(OpsArray *array)
{
  g_clear_pointer(&array->buffer, ddim_cl_buffer_free);
  g_clear_pointer(&array->host, g_free);
}

float *
ops_array_read(const OpsArray *array)
{
  g_autoptr(GError) error = NULL;
  float *values = g_new(float, array->count);
  ddim_cl_buffer_read(array->buffer, 0, array->count * sizeof(float), values, &error);
  g_assert_no_error(error);
  return values;
}

DdimClMem
ops_array_mem(const OpsArray *array)
{
  return (DdimClMem){.buffer = array->buffer};
}

OpsTensor
ops_tensor(guint32 seed, guint n, guint h, guint w, guint c, gboolean sliced, double scale)
{
  const guint front = sliced ? 16 : 0, ld = sliced ? c + 48 : c;
  OpsTensor t = {.tensor = {.n = n, .h = h, .w = w, .c = c, .ld = ld}};
  t.array = ops_array_random(seed, 2 * GUARD + (gsize)n * h * w * ld, scale);
  t.tensor.mem = ddim_cl_buffer_floats(t.array.buffer, GUARD + front);
  return t;
}

void
ops_tensor_clear(OpsTensor *tensor)
{
  ops_array_clear(&tensor->array);
}

gsize
ops_tensor_first(const OpsTensor *tensor)
{
  return tensor->tensor.mem.at / sizeof(float);
}

float
ops_tensor_at(const OpsTensor *tensor, gsize pixel, guint channel)
{
  return tensor->array.host[ops_tensor_first(tensor) + pixel * tensor->tensor.ld + channel];
}

double
ops_tensor_error(const OpsTensor *tensor, const double *expected, guint channels)
{
  const DdimClTensor *t = &tensor->tensor;
  const gsize pixels = (gsize)t->n * t->h * t->w, first = ops_tensor_first(tensor);
  g_autofree float *values = ops_array_read(&tensor->array);
  g_autofree float *inside = g_new(float, pixels *channels);
  for (gsize i = 0; i < tensor->array.count; i++) {
    const gsize at = i - first;
    if (i < first || at / t->ld >= pixels || at % t->ld >= t->c) {
      if (memcmp(&values[i], &tensor->array.host[i], sizeof(float)) != 0)
        g_error("wrote outside of the tensor, at float %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT, i,
                tensor->array.count);
    } else if (at % t->ld < channels) {
      inside[at / t->ld * channels + at % t->ld] = values[i];
    }
  }
  return ops_error(inside, expected, pixels * channels);
}

void
ops_plan_run(DdimClPlan *plan)
{
  g_autoptr(GError) error = NULL;
  ddim_cl_plan_seal(plan, &error);
  g_assert_no_error(error);
  ddim_cl_plan_run(plan, &error);
  g_assert_no_error(error);
  ddim_cl_finish(ddim_cl_plan_get_context(plan), &error);
  g_assert_no_error(error);
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
