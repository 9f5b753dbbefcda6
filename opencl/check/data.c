/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/check/data.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "opencl/device/status.h"

/* Numbers around a tensor that must stay as they were. */
#define GUARD 192

static void
fail(DdimCheck *check, const char *what)
{
  if (!check->error)
    g_set_error_literal(&check->error, DDIM_CL_ERROR, DDIM_CL_ERROR_FAILED, what);
}

float *
ddim_check_random(guint32 seed, gsize count, double low, double high)
{
  GRand *rand = g_rand_new_with_seed(seed);
  float *values = g_new(float, count);
  for (gsize i = 0; i < count; i++)
    values[i] = (float)g_rand_double_range(rand, low, high);
  g_rand_free(rand);
  return values;
}

double
ddim_check_round_to_half(double value)
{
  if (value == 0)
    return 0;
  int exponent;
  frexp(value, &exponent);
  /* 11 significant bits; below 2^-14 the spacing stays that of 2^-14. */
  const int quantum = MAX(exponent, -13) - 11;
  return ldexp(nearbyint(ldexp(value, -quantum)), quantum);
}

/* The bits of a value that was rounded to half, and the other way around. Written apart from
 * core/data/tensor.c, which the tests check as well. */
static cl_half
half_bits(double value)
{
  const cl_half sign = signbit(value) ? 0x8000 : 0;
  const double size = fabs(value);
  int exponent;
  if (size > 65504)
    return sign | 0x7c00;
  if (size < ldexp(1, -14))
    return sign | (cl_half)ldexp(size, 24);
  const double fraction = frexp(size, &exponent); /* in [1/2, 1) */
  return sign | (cl_half)((exponent + 14) << 10) | (cl_half)(ldexp(fraction, 11) - 1024);
}

static float
half_value(cl_half bits)
{
  const guint exponent = bits >> 10 & 31, fraction = bits & 1023;
  const double size = exponent == 31  ? (fraction ? NAN : INFINITY)
                      : exponent == 0 ? ldexp(fraction, -24)
                                      : ldexp(1024 + fraction, (int)exponent - 25);
  return (float)(bits & 0x8000 ? -size : size);
}

static DdimCheckArray
array_of(DdimCheck *check, DdimClType type, const float *values, gsize count)
{
  DdimCheckArray array = {
      .count = count, .host = g_memdup2(values, count * sizeof(float)), .type = type};
  if (!check->error)
    array.buffer =
        ddim_cl_buffer_new(check->context, count * ddim_cl_type_size(type), &check->error);
  if (array.buffer)
    ddim_check_array_write(check, &array);
  return array;
}

DdimCheckArray
ddim_check_array(DdimCheck *check, const float *values, gsize count)
{
  return array_of(check, DDIM_CL_F32, values, count);
}

void
ddim_check_array_write(DdimCheck *check, DdimCheckArray *array)
{
  g_autofree cl_half *bits = g_new(cl_half, array->count);
  const gboolean half = array->type == DDIM_CL_F16;
  for (gsize i = 0; half && i < array->count; i++) {
    array->host[i] = (float)ddim_check_round_to_half(array->host[i]);
    bits[i] = half_bits(array->host[i]);
  }
  if (!check->error)
    ddim_cl_buffer_write(array->buffer, 0, array->count * ddim_cl_type_size(array->type),
                         half ? (const void *)bits : array->host, &check->error);
}

DdimCheckArray
ddim_check_array_random(DdimCheck *check, guint32 seed, gsize count, double scale)
{
  g_autofree float *values = ddim_check_random(seed, count, -scale, scale);
  return ddim_check_array(check, values, count);
}

void
ddim_check_array_clear(DdimCheckArray *array)
{
  g_clear_pointer(&array->buffer, ddim_cl_buffer_free);
  g_clear_pointer(&array->host, g_free);
}

float *
ddim_check_array_read(DdimCheck *check, const DdimCheckArray *array)
{
  if (check->error)
    return NULL;
  g_autofree float *values = g_new(float, array->count);
  g_autofree cl_half *bits = g_new(cl_half, array->count);
  const gboolean half = array->type == DDIM_CL_F16;
  if (!ddim_cl_buffer_read(array->buffer, 0, array->count * ddim_cl_type_size(array->type),
                           half ? (void *)bits : values, &check->error))
    return NULL;
  for (gsize i = 0; half && i < array->count; i++)
    values[i] = half_value(bits[i]);
  return g_steal_pointer(&values);
}

DdimClMem
ddim_check_array_mem(const DdimCheckArray *array)
{
  return (DdimClMem){.buffer = array->buffer};
}

DdimCheckTensor
ddim_check_tensor_of(DdimCheck *check, DdimClType type, guint32 seed, guint n, guint h, guint w,
                     guint c, gboolean sliced, double scale)
{
  const guint front = sliced ? 16 : 0, ld = sliced ? c + 48 : c;
  const gsize count = 2 * GUARD + (gsize)n * h * w * ld;
  g_autofree float *values = ddim_check_random(seed, count, -scale, scale);
  DdimCheckTensor t = {.tensor = {.n = n, .h = h, .w = w, .c = c, .ld = ld, .type = type}};
  t.array = array_of(check, type, values, count);
  t.tensor.mem =
      (DdimClMem){.buffer = t.array.buffer, .at = (GUARD + front) * ddim_cl_type_size(type)};
  return t;
}

DdimCheckTensor
ddim_check_tensor(DdimCheck *check, guint32 seed, guint n, guint h, guint w, guint c,
                  gboolean sliced, double scale)
{
  return ddim_check_tensor_of(check, DDIM_CL_F32, seed, n, h, w, c, sliced, scale);
}

double
ddim_check_rounding(DdimClType type, guint stores)
{
  return type == DDIM_CL_F16 ? ldexp(stores, -11) : 0;
}

void
ddim_check_tensor_clear(DdimCheckTensor *tensor)
{
  ddim_check_array_clear(&tensor->array);
}

gsize
ddim_check_tensor_first(const DdimCheckTensor *tensor)
{
  return tensor->tensor.mem.at / ddim_cl_type_size(tensor->tensor.type);
}

float
ddim_check_tensor_at(const DdimCheckTensor *tensor, gsize pixel, guint channel)
{
  return tensor->array.host[ddim_check_tensor_first(tensor) + pixel * tensor->tensor.ld + channel];
}

/* Whether number @i of the tensor's array belongs to the tensor. */
static gboolean
is_inside(const DdimCheckTensor *tensor, gsize i)
{
  const DdimClTensor *t = &tensor->tensor;
  const gsize first = ddim_check_tensor_first(tensor);
  return i >= first && (i - first) / t->ld < (gsize)t->n * t->h * t->w &&
         (i - first) % t->ld < t->c;
}

/* Whether two floats have the same bits, which those that are not numbers may have as well. */
static gboolean
is_same_float(gconstpointer a, gconstpointer b)
{
  return memcmp(a, b, sizeof(float)) == 0;
}

double
ddim_check_tensor_error(DdimCheck *check, const DdimCheckTensor *tensor, const double *expected,
                        guint channels)
{
  const gsize first = ddim_check_tensor_first(tensor), ld = tensor->tensor.ld;
  g_autofree float *values = ddim_check_array_read(check, &tensor->array);
  double worst = 0, largest = 0;
  for (gsize i = 0; values && i < tensor->array.count; i++) {
    if (!is_inside(tensor, i)) {
      if (!is_same_float(&values[i], &tensor->array.host[i]))
        fail(check, _("it wrote outside of its result"));
      continue;
    }
    const gsize channel = (i - first) % ld;
    if (channel >= channels)
      continue;
    const double wanted = expected[(i - first) / ld * channels + channel];
    if (!isfinite(values[i]))
      fail(check, _("it gave numbers that are infinite or not numbers (NaN)"));
    worst = MAX(worst, fabs(values[i] - wanted));
    largest = MAX(largest, fabs(wanted));
  }
  return check->error ? INFINITY : worst / largest;
}

void
ddim_check_run(DdimCheck *check, DdimClPlan *plan)
{
  if (!check->error && ddim_cl_plan_seal(plan, &check->error) &&
      ddim_cl_plan_run(plan, &check->error))
    ddim_cl_finish(check->context, &check->error);
}

double
ddim_check_time(DdimCheck *check, DdimClPlan *plan)
{
  const gint64 start = g_get_monotonic_time();
  if (!check->error && ddim_cl_plan_run(plan, &check->error))
    ddim_cl_finish(check->context, &check->error);
  return (g_get_monotonic_time() - start) * 1e-6;
}

gboolean
ddim_check_end(DdimCheck *check, GError **error)
{
  if (!check->error)
    return TRUE;
  g_propagate_error(error, g_steal_pointer(&check->error));
  return FALSE;
}
