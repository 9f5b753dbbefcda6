/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/data/tensor.h"

#include <math.h>
#include <string.h>

static gboolean
is_nan_half(guint16 half)
{
  return (half & 0x7c00) == 0x7c00 && (half & 0x3ff) != 0;
}

/* The value of a half by its definition. */
static double
value_of_half(guint16 half)
{
  int exponent = half >> 10 & 31, fraction = half & 0x3ff;
  double value = exponent == 31  ? (fraction ? NAN : INFINITY)
                 : exponent == 0 ? ldexp(fraction, -24)
                                 : ldexp(1024 + fraction, exponent - 25);
  return half & 0x8000 ? -value : value;
}

static void
test_half_all(void)
{
  for (guint i = 0; i <= 0xffff; i++) {
    guint16 half = (guint16)i;
    float value = ddim_f16_to_f32(half);
    if (is_nan_half(half)) {
      g_assert_true(isnan(value));
      g_assert_true(is_nan_half(ddim_f32_to_f16(value)));
      g_assert_cmpuint(ddim_f32_to_f16(value) >> 15, ==, half >> 15);
    } else {
      g_assert_cmpfloat(value, ==, value_of_half(half));
      g_assert_cmpuint(ddim_f32_to_f16(value), ==, half);
    }
  }
}

/* Between each two neighbouring halves: the middle goes to the even one, its float neighbours to
 * the nearer one. */
static void
test_half_rounding(void)
{
  for (guint sign = 0; sign <= 0x8000; sign += 0x8000)
    for (guint i = 0; i < 0x7c00; i++) {
      double low = value_of_half((guint16)i);
      double high = i == 0x7bff ? 65536 : value_of_half((guint16)(i + 1));
      float middle = (float)((low + high) / 2); /* exact: one more bit than a half has */
      guint even = i & 1 ? i + 1 : i;
      float direction = sign ? -1 : 1;
      g_assert_cmpuint(ddim_f32_to_f16(direction * middle), ==, sign | even);
      g_assert_cmpuint(ddim_f32_to_f16(direction * nextafterf(middle, 0)), ==, sign | i);
      g_assert_cmpuint(ddim_f32_to_f16(direction * nextafterf(middle, INFINITY)), ==,
                       sign | (i + 1));
    }
  g_assert_cmpuint(ddim_f32_to_f16(INFINITY), ==, 0x7c00);
  g_assert_cmpuint(ddim_f32_to_f16(-3e38f), ==, 0xfc00);
  g_assert_cmpuint(ddim_f32_to_f16(1e-45f), ==, 0);
}

/* A double just off the middle, by less than a float can tell, must not be rounded twice. */
static void
test_double_rounds_once(void)
{
  for (guint i = 0; i < 0x7bff; i++) {
    double middle = (value_of_half((guint16)i) + value_of_half((guint16)(i + 1))) / 2;
    double values[4] = {middle, nextafter(middle, 0), nextafter(middle, INFINITY),
                        -nextafter(middle, 0)};
    DdimTensor tensor = {.dtype = DDIM_DTYPE_F64,
                         .n_dims = 1,
                         .shape = {4},
                         .strides = {1},
                         .data = (guint8 *)values};
    guint16 out[4];
    ddim_tensor_to_f16(&tensor, out);
    g_assert_cmpuint(out[0], ==, i & 1 ? i + 1 : i);
    g_assert_cmpuint(out[1], ==, i);
    g_assert_cmpuint(out[2], ==, i + 1);
    g_assert_cmpuint(out[3], ==, 0x8000 | i);
  }
}

/* Each dtype at an odd address: values, and NaN and infinity where there are any. */
static void
check_dtype(DdimDType dtype, const void *values, gsize n, const float *expected)
{
  gsize size = ddim_dtype_size(dtype);
  g_autofree guint8 *buffer = g_malloc(n * size + 1);
  g_autofree float *out = g_new(float, n);
  g_autofree guint16 *half = g_new(guint16, n);
  g_autofree guint8 *same = g_malloc(n * size);
  DdimTensor tensor = {
      .dtype = dtype, .n_dims = 1, .shape = {n}, .strides = {1}, .data = buffer + 1};

  memcpy(buffer + 1, values, n * size);
  ddim_tensor_to_f32(&tensor, out);
  ddim_tensor_to_f16(&tensor, half);
  ddim_tensor_read(&tensor, 0, n, dtype, same);
  g_assert_cmpmem(same, n * size, values, n * size);
  for (gsize i = 0; i < n; i++) {
    g_assert_cmpfloat(out[i], ==, expected[i]);
    g_assert_cmpuint(half[i], ==, ddim_f32_to_f16(expected[i]));
  }
}

static void
test_dtypes(void)
{
  check_dtype(DDIM_DTYPE_F32, (float[]){1.5f, -0.0f, 3e38f}, 3, (float[]){1.5f, -0.0f, 3e38f});
  check_dtype(DDIM_DTYPE_F64, (double[]){0.1, -2, 1e300}, 3, (float[]){0.1f, -2, INFINITY});
  check_dtype(DDIM_DTYPE_F16, (guint16[]){0x3c00, 0xc001, 1}, 3,
              (float[]){1, -2.001953125f, 0x1p-24f});
  check_dtype(DDIM_DTYPE_BF16, (guint16[]){0x3f80, 0xc049, 0x7f80}, 3,
              (float[]){1, -3.140625f, INFINITY});
  check_dtype(DDIM_DTYPE_I64, (gint64[]){-3, 1, G_MAXINT64}, 3, (float[]){-3, 1, 0x1p63f});
  check_dtype(DDIM_DTYPE_I32, (gint32[]){-3, 1, G_MAXINT32}, 3, (float[]){-3, 1, 0x1p31f});
  check_dtype(DDIM_DTYPE_I16, (gint16[]){-3, 1, -32768}, 3, (float[]){-3, 1, -32768});
  check_dtype(DDIM_DTYPE_I8, (gint8[]){-3, 1, -128}, 3, (float[]){-3, 1, -128});
  check_dtype(DDIM_DTYPE_U8, (guint8[]){3, 1, 255}, 3, (float[]){3, 1, 255});
  check_dtype(DDIM_DTYPE_BOOL, (guint8[]){0, 1, 255}, 3, (float[]){0, 1, 1});
  g_assert_cmpstr(ddim_dtype_name(DDIM_DTYPE_BF16), ==, "BF16");
}

/* Every piece of every view must read the elements that the index arithmetic names. */
static void
check_view(const DdimTensor *tensor)
{
  gsize count = ddim_tensor_count(tensor), extent;
  g_autofree float *expected = g_new(float, count + 1), *out = g_new(float, count + 1);
  const float *data = (const float *)tensor->data;

  g_assert_true(ddim_tensor_get_extent(tensor, &extent));
  for (gsize i = 0; i < count; i++) {
    gsize rest = i, offset = 0;
    for (guint d = tensor->n_dims; d-- > 0; rest /= tensor->shape[d])
      offset += rest % tensor->shape[d] * tensor->strides[d];
    g_assert_cmpuint(offset, <, extent);
    expected[i] = data[offset];
  }
  for (gsize first = 0; first <= count; first++)
    for (gsize n = 0; n <= count - first; n++) {
      out[n] = -1;
      ddim_tensor_read(tensor, first, n, DDIM_DTYPE_F32, out);
      g_assert_cmpmem(out, n * sizeof *out, expected + first, n * sizeof *out);
      g_assert_cmpfloat(out[n], ==, -1);
    }
}

static void
test_views(void)
{
  static const struct {
    guint n_dims;
    gsize shape[4], strides[4];
    gboolean contiguous;
  } views[] = {
      {0, {0}, {0}, TRUE},
      {1, {24}, {1}, TRUE},
      {1, {12}, {2}, FALSE},
      {1, {5}, {0}, FALSE},
      {2, {4, 6}, {6, 1}, TRUE},
      {2, {6, 4}, {1, 6}, FALSE},
      {3, {2, 3, 4}, {12, 4, 1}, TRUE},
      {3, {4, 2, 3}, {1, 12, 4}, FALSE},
      {4, {2, 1, 3, 2}, {12, 7, 4, 2}, FALSE},
      {4, {1, 1, 1, 1}, {9, 8, 7, 6}, TRUE},
      {3, {2, 0, 4}, {12, 4, 1}, TRUE},
      {3, {3, 2, 2}, {0, 1, 0}, FALSE},
  };
  float data[24];

  for (guint i = 0; i < 24; i++)
    data[i] = (float)i;
  for (guint i = 0; i < G_N_ELEMENTS(views); i++) {
    DdimTensor tensor = {
        .dtype = DDIM_DTYPE_F32, .n_dims = views[i].n_dims, .data = (guint8 *)data};
    memcpy(tensor.shape, views[i].shape, sizeof views[i].shape);
    memcpy(tensor.strides, views[i].strides, sizeof views[i].strides);
    g_assert_cmpint(ddim_tensor_is_contiguous(&tensor), ==, views[i].contiguous);
    check_view(&tensor);
  }
}

static void
test_overflow(void)
{
  DdimTensor tensor;
  gsize size;

  g_assert_true(ddim_tensor_set_layout(&tensor, DDIM_DTYPE_F32, 3, (gsize[]){2, 3, 4}, &size));
  g_assert_cmpuint(size, ==, 96);
  g_assert_cmpuint(tensor.strides[0], ==, 12);
  g_assert_cmpuint(tensor.strides[2], ==, 1);
  g_assert_true(ddim_tensor_set_layout(&tensor, DDIM_DTYPE_F32, 2, (gsize[]){5, 0}, &size));
  g_assert_cmpuint(size, ==, 0);
  g_assert_false(
      ddim_tensor_set_layout(&tensor, DDIM_DTYPE_F32, 2, (gsize[]){G_MAXSIZE / 2, 3}, &size));
  g_assert_false(
      ddim_tensor_set_layout(&tensor, DDIM_DTYPE_F32, 1, (gsize[]){G_MAXSIZE / 4 + 1}, &size));
  g_assert_false(ddim_tensor_set_layout(&tensor, DDIM_DTYPE_F32, 3,
                                        (gsize[]){0, G_MAXSIZE, G_MAXSIZE}, &size));
  g_assert_false(ddim_tensor_set_layout(&tensor, DDIM_DTYPE_F32, DDIM_MAX_DIMS + 1,
                                        (gsize[DDIM_MAX_DIMS + 1]){0}, &size));

  tensor = (DdimTensor){.n_dims = 2, .shape = {3, 2}, .strides = {G_MAXSIZE / 2, 1}};
  g_assert_false(ddim_tensor_get_extent(&tensor, &size));
  tensor = (DdimTensor){.n_dims = 1, .shape = {G_MAXSIZE}, .strides = {2}};
  g_assert_false(ddim_tensor_get_extent(&tensor, &size));
  tensor = (DdimTensor){.n_dims = 2, .shape = {0, 9}, .strides = {G_MAXSIZE, G_MAXSIZE}};
  g_assert_true(ddim_tensor_get_extent(&tensor, &size));
  g_assert_cmpuint(size, ==, 0);
}

static void
test_shape_text(void)
{
  DdimTensor tensor = {.n_dims = 4, .shape = {64, 3, 3, 3}}, scalar = {0};
  g_autofree char *text = ddim_tensor_shape_to_string(&tensor);
  g_autofree char *none = ddim_tensor_shape_to_string(&scalar);

  g_assert_cmpstr(text, ==, "[64, 3, 3, 3]");
  g_assert_cmpstr(none, ==, "[]");
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/tensor/half/all", test_half_all);
  g_test_add_func("/tensor/half/rounding", test_half_rounding);
  g_test_add_func("/tensor/half/double", test_double_rounds_once);
  g_test_add_func("/tensor/dtypes", test_dtypes);
  g_test_add_func("/tensor/views", test_views);
  g_test_add_func("/tensor/overflow", test_overflow);
  g_test_add_func("/tensor/shape-text", test_shape_text);
  return g_test_run();
}
