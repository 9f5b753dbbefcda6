/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/data/tensor.h"

#include <string.h>

/* Tensors are little-endian views of a file's bytes, read in place. */
G_STATIC_ASSERT(G_BYTE_ORDER == G_LITTLE_ENDIAN);

static const struct {
  const char *name;
  gsize size;
} dtypes[DDIM_N_DTYPES] = {
    [DDIM_DTYPE_F32] = {"F32", 4},   [DDIM_DTYPE_F64] = {"F64", 8}, [DDIM_DTYPE_F16] = {"F16", 2},
    [DDIM_DTYPE_BF16] = {"BF16", 2}, [DDIM_DTYPE_I64] = {"I64", 8}, [DDIM_DTYPE_I32] = {"I32", 4},
    [DDIM_DTYPE_I16] = {"I16", 2},   [DDIM_DTYPE_I8] = {"I8", 1},   [DDIM_DTYPE_U8] = {"U8", 1},
    [DDIM_DTYPE_BOOL] = {"BOOL", 1},
};

gsize
ddim_dtype_size(DdimDType dtype)
{
  g_return_val_if_fail((guint)dtype < DDIM_N_DTYPES, 0);
  return dtypes[dtype].size;
}

const char *
ddim_dtype_name(DdimDType dtype)
{
  g_return_val_if_fail((guint)dtype < DDIM_N_DTYPES, NULL);
  return dtypes[dtype].name;
}

gboolean
ddim_tensor_set_layout(DdimTensor *tensor, DdimDType dtype, guint n_dims, const gsize *shape,
                       gsize *n_bytes)
{
  gsize step = 1;
  gboolean empty = FALSE;

  if (n_dims > DDIM_MAX_DIMS)
    return FALSE;
  tensor->dtype = dtype;
  tensor->n_dims = n_dims;
  for (guint i = n_dims; i-- > 0;) {
    tensor->shape[i] = shape[i];
    tensor->strides[i] = step;
    empty |= shape[i] == 0;
    /* Check the other dimensions even when one is 0: strides must not overflow either. */
    if (!g_size_checked_mul(&step, step, MAX(shape[i], 1)))
      return FALSE;
  }
  if (!g_size_checked_mul(n_bytes, step, dtypes[dtype].size) || *n_bytes > G_MAXSSIZE)
    return FALSE;
  if (empty)
    *n_bytes = 0;
  return TRUE;
}

gboolean
ddim_tensor_get_extent(const DdimTensor *tensor, gsize *extent)
{
  gsize last = 0;

  *extent = 0;
  for (guint i = 0; i < tensor->n_dims; i++)
    if (tensor->shape[i] == 0)
      return TRUE;
  for (guint i = 0; i < tensor->n_dims; i++) {
    gsize reach;
    if (!g_size_checked_mul(&reach, tensor->shape[i] - 1, tensor->strides[i]) ||
        !g_size_checked_add(&last, last, reach))
      return FALSE;
  }
  return g_size_checked_add(extent, last, 1);
}

gsize
ddim_tensor_count(const DdimTensor *tensor)
{
  gsize count = 1;
  for (guint i = 0; i < tensor->n_dims; i++)
    count *= tensor->shape[i];
  return count;
}

gboolean
ddim_tensor_is_contiguous(const DdimTensor *tensor)
{
  gsize step = 1;

  if (ddim_tensor_count(tensor) == 0)
    return TRUE;
  for (guint i = tensor->n_dims; i-- > 0;) {
    if (tensor->shape[i] != 1 && tensor->strides[i] != step)
      return FALSE;
    step *= tensor->shape[i];
  }
  return TRUE;
}

char *
ddim_tensor_shape_to_string(const DdimTensor *tensor)
{
  GString *text = g_string_new("[");
  for (guint i = 0; i < tensor->n_dims; i++)
    g_string_append_printf(text, "%s%" G_GSIZE_FORMAT, i ? ", " : "", tensor->shape[i]);
  g_string_append_c(text, ']');
  return g_string_free(text, FALSE);
}

static inline guint32
bits_of(float value)
{
  guint32 bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static inline float
float_of(guint32 bits)
{
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

gboolean
ddim_is_finite(const float *values, gsize n)
{
  guint32 bad = 0;

  for (gsize i = 0; i < n; i++)
    bad |= (bits_of(values[i]) & 0x7f800000u) == 0x7f800000u;
  return !bad;
}

static inline guint16
f32_to_f16(float value)
{
  guint32 bits = bits_of(value);
  guint32 sign = bits >> 16 & 0x8000u;
  guint32 magnitude = bits & 0x7fffffffu;
  guint32 half;

  if (magnitude > 0x7f800000u) /* NaN: keep the top of the payload, and make it quiet */
    half = 0x7e00u | (magnitude >> 13 & 0x3ffu);
  else if (magnitude >= 0x477ff000u) /* 65520 and above round to infinity */
    half = 0x7c00u;
  else if (magnitude >= 0x38800000u) /* 2^-14 and above: a normal half */
    half = ((magnitude + 0xfffu + (magnitude >> 13 & 1u)) >> 13) - (112u << 10);
  else /* a subnormal half, whose last place is 2^-24, as in floats of 0.5 … 1: adding 0.5 rounds */
    half = bits_of(float_of(magnitude) + 0.5f) - bits_of(0.5f);
  return (guint16)(sign | half);
}

static inline float
f16_to_f32(guint16 value)
{
  guint32 sign = (guint32)(value & 0x8000u) << 16;
  guint32 magnitude = value & 0x7fffu;
  guint32 bits;

  if (magnitude >= 0x7c00u)
    bits = 0x7f800000u | magnitude << 13;
  else if (magnitude >= 0x400u)
    bits = (magnitude << 13) + (112u << 23);
  else
    bits = bits_of((float)magnitude * 0x1p-24f);
  return float_of(sign | bits);
}

guint16
ddim_f32_to_f16(float value)
{
  return f32_to_f16(value);
}

float
ddim_f16_to_f32(guint16 value)
{
  return f16_to_f32(value);
}

/* Double to half must round once. Rounding to odd first keeps what a second rounding needs to know.
 */
static guint16
f64_to_f16(double value)
{
  float near = (float)value;
  guint32 bits = bits_of(near);

  if ((double)near != value && value == value && (bits & 0x7fffffffu) != 0x7f800000u &&
      !(bits & 1u)) {
    gboolean away = near < 0 ? (double)near < value : (double)near > value;
    bits += away ? -1u : 1u; /* an even neighbour is inexact: take the odd one on value's side */
    near = float_of(bits);
  }
  return f32_to_f16(near);
}

/* Convert elements of TYPE, which lie STRIDE apart and may be unaligned. EXPRESSION converts one,
 * v. */
#define CONVERT(TYPE, EXPRESSION)                                                                  \
  for (gsize i = 0; i < n; i++) {                                                                  \
    TYPE v;                                                                                        \
    memcpy(&v, data + i * stride * sizeof v, sizeof v);                                            \
    out[i] = (EXPRESSION);                                                                         \
  }                                                                                                \
  break

static void
run_to_f32(DdimDType dtype, const guint8 *data, gsize stride, gsize n, float *out)
{
  switch (dtype) {
  case DDIM_DTYPE_F32:
    CONVERT(float, v);
  case DDIM_DTYPE_F64:
    CONVERT(double, (float)v);
  case DDIM_DTYPE_F16:
    CONVERT(guint16, f16_to_f32(v));
  case DDIM_DTYPE_BF16:
    CONVERT(guint16, float_of((guint32)v << 16));
  case DDIM_DTYPE_I64:
    CONVERT(gint64, (float)v);
  case DDIM_DTYPE_I32:
    CONVERT(gint32, (float)v);
  case DDIM_DTYPE_I16:
    CONVERT(gint16, (float)v);
  case DDIM_DTYPE_I8:
    CONVERT(gint8, (float)v);
  case DDIM_DTYPE_U8:
    CONVERT(guint8, (float)v);
  case DDIM_DTYPE_BOOL:
    CONVERT(guint8, v ? 1.0f : 0.0f);
  case DDIM_N_DTYPES:
    g_assert_not_reached();
  }
}

static void
run_to_f16(DdimDType dtype, const guint8 *data, gsize stride, gsize n, guint16 *out)
{
  float values[512];

  switch (dtype) {
  case DDIM_DTYPE_F32:
    CONVERT(float, f32_to_f16(v));
  case DDIM_DTYPE_F64:
    CONVERT(double, f64_to_f16(v));
  default: /* float32 holds these exactly, or they are far beyond half's range */
    for (gsize done = 0; done < n;) {
      gsize piece = MIN(n - done, G_N_ELEMENTS(values));
      run_to_f32(dtype, data + done * stride * dtypes[dtype].size, stride, piece, values);
      for (gsize i = 0; i < piece; i++)
        out[done + i] = f32_to_f16(values[i]);
      done += piece;
    }
  }
}
#undef CONVERT

static void
run_copy(gsize size, const guint8 *data, gsize stride, gsize n, guint8 *out)
{
  if (stride == 1)
    memcpy(out, data, n * size);
  else
    for (gsize i = 0; i < n; i++)
      memcpy(out + i * size, data + i * stride * size, size);
}

static void
read_run(const DdimTensor *tensor, gsize offset, gsize stride, gsize n, DdimDType as, guint8 *out)
{
  gsize size = dtypes[tensor->dtype].size;
  const guint8 *data = tensor->data + offset * size;

  if (as == tensor->dtype)
    run_copy(size, data, stride, n, out);
  else if (as == DDIM_DTYPE_F32)
    run_to_f32(tensor->dtype, data, stride, n, (float *)out);
  else
    run_to_f16(tensor->dtype, data, stride, n, (guint16 *)out);
}

/* Join neighbouring dimensions that a single stride can step through, so that runs are as long as
 * possible. */
static guint
merge_dims(const DdimTensor *tensor, gsize *shape, gsize *strides)
{
  guint n = 0;

  for (guint i = 0; i < tensor->n_dims; i++) {
    if (tensor->shape[i] == 1)
      continue;
    if (n > 0 && strides[n - 1] == tensor->shape[i] * tensor->strides[i]) {
      shape[n - 1] *= tensor->shape[i];
      strides[n - 1] = tensor->strides[i];
    } else {
      shape[n] = tensor->shape[i];
      strides[n++] = tensor->strides[i];
    }
  }
  if (n == 0) {
    shape[n] = 1;
    strides[n++] = 1;
  }
  return n;
}

void
ddim_tensor_read(const DdimTensor *tensor, gsize first, gsize n, DdimDType as, gpointer out)
{
  gsize shape[DDIM_MAX_DIMS + 1], strides[DDIM_MAX_DIMS + 1], index[DDIM_MAX_DIMS + 1];
  gsize offset = 0, rest = first;
  guint8 *to = out;
  guint last;

  g_return_if_fail(as == tensor->dtype || as == DDIM_DTYPE_F32 || as == DDIM_DTYPE_F16);
  g_return_if_fail(first <= ddim_tensor_count(tensor) && n <= ddim_tensor_count(tensor) - first);
  if (n == 0)
    return;

  last = merge_dims(tensor, shape, strides) - 1;
  for (guint i = last + 1; i-- > 0; rest /= shape[i]) {
    index[i] = rest % shape[i];
    offset += index[i] * strides[i];
  }
  for (;;) {
    gsize run = MIN(shape[last] - index[last], n);
    read_run(tensor, offset, strides[last], run, as, to);
    to += run * dtypes[as].size;
    n -= run;
    if (n == 0)
      return;
    /* The run has reached the end of its row: carry into the slower dimensions. */
    offset -= index[last] * strides[last];
    index[last] = 0;
    for (guint i = last; i-- > 0;) {
      offset += strides[i];
      if (++index[i] < shape[i])
        break;
      offset -= index[i] * strides[i];
      index[i] = 0;
    }
  }
}

void
ddim_tensor_to_f32(const DdimTensor *tensor, float *out)
{
  ddim_tensor_read(tensor, 0, ddim_tensor_count(tensor), DDIM_DTYPE_F32, out);
}

void
ddim_tensor_to_f16(const DdimTensor *tensor, guint16 *out)
{
  ddim_tensor_read(tensor, 0, ddim_tensor_count(tensor), DDIM_DTYPE_F16, out);
}
