/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/data/error.h"
#include "core/data/npy.h"

#include <glib/gstdio.h>
#include <string.h>

static char *folder;

static char *
make_path(const char *name)
{
  return g_build_filename(folder, name, NULL);
}

/* A .npy of @version with @header as its text and @n bytes 0, 1, 2 … as data. */
static GBytes *
make_npy(guint8 version, const char *header, gsize n)
{
  GByteArray *bytes = g_byte_array_new();
  gsize length = strlen(header);

  g_byte_array_append(bytes, (const guint8 *)"\x93NUMPY", 6);
  g_byte_array_append(bytes, (const guint8[]){version, 0}, 2);
  for (guint i = 0; i < (version == 1 ? 2 : 4); i++)
    g_byte_array_append(bytes, (const guint8[]){(guint8)(length >> (8 * i))}, 1);
  g_byte_array_append(bytes, (const guint8 *)header, (guint)length);
  for (gsize i = 0; i < n; i++)
    g_byte_array_append(bytes, (const guint8[]){(guint8)i}, 1);
  return g_byte_array_free_to_bytes(bytes);
}

static void
assert_refused(guint8 version, const char *header, gsize n, int code)
{
  g_autoptr(GBytes) bytes = make_npy(version, header, n);
  g_autoptr(GError) error = NULL;
  DdimArray *array = ddim_npy_read_bytes(bytes, &error);

  g_assert_null(array);
  g_assert_error(error, DDIM_ERROR, code);
}

static void
test_headers(void)
{
  static const char *const accepted[] = {
      "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3), }          \n",
      "{\"shape\":(2,3),\"descr\":\"<i2\",\"fortran_order\":False}",
      "{'descr': '<i2', 'fortran_order': False, 'shape': (2L, 3L), }\n",
  };

  for (guint i = 0; i < G_N_ELEMENTS(accepted); i++)
    for (guint8 version = 1; version <= 3; version++) {
      g_autoptr(GBytes) bytes = make_npy(version, accepted[i], 12);
      g_autoptr(GError) error = NULL;
      g_autoptr(DdimArray) array = ddim_npy_read_bytes(bytes, &error);
      float values[6];
      g_assert_no_error(error);
      g_assert_cmpuint(array->tensor.n_dims, ==, 2);
      ddim_tensor_to_f32(&array->tensor, values);
      g_assert_cmpfloat(values[1], ==, 0x0302);
      g_assert_cmpfloat(values[5], ==, 0x0b0a);
    }
}

static void
test_fortran(void)
{
  g_autoptr(GBytes) bytes =
      make_npy(1, "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }", 6);
  g_autoptr(DdimArray) array = ddim_npy_read_bytes(bytes, NULL);
  const float expected[6] = {0, 2, 4, 1, 3, 5};
  float values[6];

  ddim_tensor_to_f32(&array->tensor, values);
  for (guint i = 0; i < 6; i++)
    g_assert_cmpfloat(values[i], ==, expected[i]);
}

static void
test_hostile(void)
{
#define SHAPED(SHAPE) "{'descr': '<f4', 'fortran_order': False, 'shape': " SHAPE ", }"
  assert_refused(1, SHAPED("(4,)"), 15, DDIM_ERROR_FORMAT);
  assert_refused(1, SHAPED("(18446744073709551615,)"), 16, DDIM_ERROR_FORMAT);
  assert_refused(1, SHAPED("(99999999999999999999999,)"), 16, DDIM_ERROR_FORMAT);
  assert_refused(1, SHAPED("(4294967296, 4294967296)"), 16, DDIM_ERROR_FORMAT);
  assert_refused(1, SHAPED("(4294967296, 4294967296, 0)"), 16, DDIM_ERROR_FORMAT);
  assert_refused(1, SHAPED("(0, 18446744073709551615, 2)"), 16, DDIM_ERROR_FORMAT);
  assert_refused(1, SHAPED("(-1,)"), 16, DDIM_ERROR_FORMAT);
  assert_refused(1, SHAPED("(1 1)"), 16, DDIM_ERROR_FORMAT);
  assert_refused(1, SHAPED("(1,"), 16, DDIM_ERROR_FORMAT);
  assert_refused(1, SHAPED("(1,1,1,1,1,1,1,1,1)"), 16, DDIM_ERROR_UNSUPPORTED);
  assert_refused(1, SHAPED("(1,), 'shape': (1,)"), 16, DDIM_ERROR_FORMAT);
  assert_refused(1, SHAPED("(1,)") "x", 16, DDIM_ERROR_FORMAT);
  assert_refused(1, "{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", 4,
                 DDIM_ERROR_UNSUPPORTED);
  assert_refused(1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", 4,
                 DDIM_ERROR_UNSUPPORTED);
  assert_refused(1, "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", 4,
                 DDIM_ERROR_UNSUPPORTED);
  assert_refused(1, "{'descr': '', 'fortran_order': False, 'shape': (1,), }", 4,
                 DDIM_ERROR_UNSUPPORTED);
  assert_refused(1, "{'descr': '<f4', 'shape': (1,), }", 4, DDIM_ERROR_FORMAT);
  assert_refused(1, "{'descr: ", 4, DDIM_ERROR_FORMAT);
  assert_refused(1, "", 4, DDIM_ERROR_FORMAT);
  assert_refused(4, SHAPED("(1,)"), 16, DDIM_ERROR_FORMAT);
}

/* Cut anywhere: an error each time, and nothing read behind the end (a sanitizer watches). */
static void
test_truncated(void)
{
  for (guint8 version = 1; version <= 2; version++) {
    g_autoptr(GBytes) whole = make_npy(version, SHAPED("(2, 2)"), 16);
    for (gsize size = 0; size < g_bytes_get_size(whole); size++) {
      gpointer copy = g_memdup2(g_bytes_get_data(whole, NULL), size);
      g_autoptr(GBytes) bytes = g_bytes_new_take(copy, size);
      g_autoptr(GError) error = NULL;
      g_assert_null(ddim_npy_read_bytes(bytes, &error));
      g_assert_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT);
    }
  }
}

static void
test_round_trip(void)
{
  g_autofree char *path = make_path("round.npy");
  guint8 data[8 * 24];

  for (guint i = 0; i < sizeof data; i++)
    data[i] = (guint8)(i * 7);
  for (DdimDType dtype = 0; dtype < DDIM_N_DTYPES; dtype++)
    for (guint n_dims = 0; n_dims <= 3; n_dims++) {
      g_autoptr(GError) error = NULL;
      g_autoptr(DdimArray) array = NULL;
      DdimTensor tensor = {0};
      gsize size;

      g_assert_true(ddim_tensor_set_layout(&tensor, dtype, n_dims, (gsize[]){4, 3, 2}, &size));
      tensor.data = data;
      if (dtype == DDIM_DTYPE_BF16) {
        g_assert_false(ddim_npy_write(path, &tensor, &error));
        g_assert_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED);
        continue;
      }
      g_assert_true(ddim_npy_write(path, &tensor, &error));
      array = ddim_npy_read(path, &error);
      g_assert_no_error(error);
      g_assert_cmpint(array->tensor.dtype, ==, dtype);
      g_assert_cmpuint(array->tensor.n_dims, ==, n_dims);
      g_assert_cmpmem(array->tensor.data, size, data, size);
      g_assert_cmpuint(
          (array->tensor.data - (const guint8 *)g_bytes_get_data(array->bytes, NULL)) % 64, ==, 0);
    }
  g_unlink(path);
}

/* A transposed view is written as what it shows. */
static void
test_strided(void)
{
  g_autofree char *npy = make_path("strided.npy"), *npz = make_path("strided.npz");
  guint8 data[6] = {0, 1, 2, 3, 4, 5};
  DdimTensor tensor = {.name = "a",
                       .dtype = DDIM_DTYPE_U8,
                       .n_dims = 2,
                       .shape = {3, 2},
                       .strides = {1, 3},
                       .data = data};
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimArray) one = NULL, other = NULL;

  g_assert_true(ddim_npy_write(npy, &tensor, &error));
  g_assert_true(ddim_npz_write(npz, &tensor, 1, &error));
  one = ddim_npy_read(npy, &error);
  other = ddim_npz_read(npz, "a", &error);
  g_assert_no_error(error);
  g_assert_cmpmem(one->tensor.data, 6, ((guint8[]){0, 3, 1, 4, 2, 5}), 6);
  g_assert_cmpmem(other->tensor.data, 6, ((guint8[]){0, 3, 1, 4, 2, 5}), 6);
  g_unlink(npy);
  g_unlink(npz);
}

static void
test_npz(void)
{
  g_autofree char *path = make_path("round.npz");
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimArray) images = ddim_array_new(DDIM_DTYPE_U8, 4, (gsize[]){2, 8, 8, 3}, &error);
  g_autoptr(DdimArray) labels = ddim_array_new(DDIM_DTYPE_I64, 1, (gsize[]){2}, &error);
  g_autoptr(DdimArray) empty = ddim_array_new(DDIM_DTYPE_F32, 2, (gsize[]){0, 3}, &error);
  g_autoptr(DdimArray) back = NULL, numbers = NULL, none = NULL, missing = NULL;
  DdimTensor tensors[3] = {images->tensor, labels->tensor, empty->tensor};
  guint8 *pixels = ddim_array_get_data(images);

  for (guint i = 0; i < 384; i++)
    pixels[i] = (guint8)(i % 251);
  ((gint64 *)ddim_array_get_data(labels))[1] = -7;
  tensors[0].name = "arr_0";
  tensors[1].name = "arr_1";
  tensors[2].name = "arr_2";
  g_assert_true(ddim_npz_write(path, tensors, 3, &error));
  g_assert_no_error(error);

  back = ddim_npz_read(path, "arr_0", &error);
  g_assert_no_error(error);
  g_assert_cmpmem(back->tensor.data, 384, pixels, 384);
  numbers = ddim_npz_read(path, "arr_1", &error);
  g_assert_cmpint(((gint64 *)ddim_array_get_data(numbers))[1], ==, -7);
  none = ddim_npz_read(path, "arr_2", &error);
  g_assert_no_error(error);
  g_assert_cmpuint(ddim_tensor_count(&none->tensor), ==, 0);
  missing = ddim_npz_read(path, "arr_3", &error);
  g_assert_null(missing);
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_NOT_FOUND);
  g_unlink(path);
}

/* Arrays that are written piece by piece make the same file. */
static void
test_npz_stream(void)
{
  g_autofree char *whole = make_path("whole.npz"), *streamed = make_path("streamed.npz");
  g_autofree char *expected = NULL, *actual = NULL;
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimArray) images = ddim_array_new(DDIM_DTYPE_U8, 4, (gsize[]){7, 5, 3, 3}, &error);
  g_autoptr(DdimArray) labels = ddim_array_new(DDIM_DTYPE_I64, 1, (gsize[]){7}, &error);
  g_autoptr(DdimNpzStream) stream = ddim_npz_stream_open(streamed, &error);
  DdimTensor tensors[2] = {images->tensor, labels->tensor};
  guint8 *pixels = ddim_array_get_data(images);
  gsize expected_size, size;

  for (guint i = 0; i < 315; i++)
    pixels[i] = (guint8)(i * i);
  tensors[0].name = "arr_0";
  tensors[1].name = "arr_1";
  g_assert_true(ddim_npz_write(whole, tensors, 2, &error));
  g_assert_true(ddim_npz_stream_begin(stream, &tensors[0], &error));
  for (guint i = 0; i < 7; i++)
    g_assert_true(ddim_npz_stream_write(stream, pixels + 45 * i, 45, &error));
  g_assert_true(ddim_npz_stream_begin(stream, &tensors[1], &error));
  g_assert_true(ddim_npz_stream_write(stream, tensors[1].data, 7 * sizeof(gint64), &error));
  g_assert_false(g_file_test(streamed, G_FILE_TEST_EXISTS));
  g_assert_true(ddim_npz_stream_commit(stream, &error));
  g_assert_no_error(error);
  g_assert_true(g_file_get_contents(whole, &expected, &expected_size, &error));
  g_assert_true(g_file_get_contents(streamed, &actual, &size, &error));
  g_assert_cmpmem(actual, size, expected, expected_size);
  g_unlink(whole);
  g_unlink(streamed);
}

/* The same arrays make the same bytes, whenever they are written: the member's date is fixed, 1
 * January 1980. */
static void
test_npz_reproducible(void)
{
  g_autofree char *path = make_path("same.npz"), *content = NULL;
  DdimTensor tensor = {.name = "x",
                       .dtype = DDIM_DTYPE_U8,
                       .n_dims = 1,
                       .shape = {3},
                       .strides = {1},
                       .data = (const guint8 *)"abc"};
  gsize size;

  g_assert_true(ddim_npz_write(path, &tensor, 1, NULL));
  g_assert_true(g_file_get_contents(path, &content, &size, NULL));
  g_assert_cmpmem(content, 4, "PK\3\4", 4);
  g_assert_cmpmem(content + 10, 4, "\0\0\x21\0", 4);
  g_unlink(path);
}

/* numpy.savez_compressed(…, c=int32 0…11 as (3, 4), f=the same in Fortran order, s=float64
 * scalar 2.5). */
static void
test_npz_from_numpy(void)
{
  g_autofree char *path = g_build_filename(g_getenv("DDIM_TEST_DATA"), "numpy.npz", NULL);
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimArray) c = ddim_npz_read(path, "c", &error);
  g_autoptr(DdimArray) f = ddim_npz_read(path, "f", &error);
  g_autoptr(DdimArray) s = ddim_npz_read(path, "s", &error);
  float values[12], scalar;

  g_assert_no_error(error);
  ddim_tensor_to_f32(&c->tensor, values);
  for (guint i = 0; i < 12; i++)
    g_assert_cmpfloat(values[i], ==, (float)i);
  ddim_tensor_to_f32(&f->tensor, values);
  for (guint i = 0; i < 12; i++)
    g_assert_cmpfloat(values[i], ==, (float)i);
  g_assert_cmpuint(f->tensor.strides[0], ==, 1);
  g_assert_cmpuint(s->tensor.n_dims, ==, 0);
  ddim_tensor_to_f32(&s->tensor, &scalar);
  g_assert_cmpfloat(scalar, ==, 2.5f);
}

/* Every bit of a compressed archive flipped in turn: an array of the shape it claims, or an error.
 */
static void
test_npz_flips(void)
{
  g_autofree char *good = g_build_filename(g_getenv("DDIM_TEST_DATA"), "numpy.npz", NULL);
  g_autofree char *path = make_path("flipped.npz"), *content = NULL;
  gsize size;

  g_assert_true(g_file_get_contents(good, &content, &size, NULL));
  for (gsize bit = 0; bit < 8 * size; bit++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(DdimArray) array = NULL;
    content[bit / 8] ^= (char)(1 << bit % 8);
    g_assert_true(g_file_set_contents_full(path, content, (gssize)size, G_FILE_SET_CONTENTS_NONE,
                                           0600, NULL));
    content[bit / 8] ^= (char)(1 << bit % 8);
    array = ddim_npz_read(path, "f", &error);
    if (array) {
      float values[12];
      g_assert_cmpuint(ddim_tensor_count(&array->tensor), ==, 12);
      ddim_tensor_to_f32(&array->tensor, values);
      for (guint i = 0; i < 12; i++)
        g_assert_cmpfloat(values[i], ==, (float)i);
    } else {
      g_assert_nonnull(error);
    }
  }
  g_unlink(path);
}

static void
test_bad_files(void)
{
  g_autofree char *path = make_path("bad.npz"), *nowhere = make_path("missing/x.npz");
  DdimTensor tensor = {.name = "x", .n_dims = 0, .data = (const guint8 *)"abcd"};
  g_autoptr(GError) error = NULL;

  g_assert_null(ddim_npz_read(nowhere, "x", &error));
  g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
  g_clear_error(&error);
  g_assert_null(ddim_npy_read(folder, &error));
  g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_ISDIR);
  g_clear_error(&error);
  g_assert_false(ddim_npz_write(nowhere, &tensor, 1, &error));
  g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
  g_clear_error(&error);
  g_assert_true(g_file_set_contents(path, "PK\3\4 and then nothing", -1, NULL));
  g_assert_null(ddim_npz_read(path, "x", &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT);
  g_unlink(path);
}

static void
test_too_large(void)
{
  g_autoptr(GError) error = NULL;

  g_assert_null(ddim_array_new(DDIM_DTYPE_F32, 2, (gsize[]){G_MAXSIZE, 2}, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
}

int
main(int argc, char **argv)
{
  int result;

  g_test_init(&argc, &argv, NULL);
  folder = g_dir_make_tmp("ddim-npy-XXXXXX", NULL);
  g_test_add_func("/npy/headers", test_headers);
  g_test_add_func("/npy/fortran", test_fortran);
  g_test_add_func("/npy/hostile", test_hostile);
  g_test_add_func("/npy/truncated", test_truncated);
  g_test_add_func("/npy/round-trip", test_round_trip);
  g_test_add_func("/npy/strided", test_strided);
  g_test_add_func("/npz/round-trip", test_npz);
  g_test_add_func("/npz/stream", test_npz_stream);
  g_test_add_func("/npz/reproducible", test_npz_reproducible);
  g_test_add_func("/npz/numpy", test_npz_from_numpy);
  g_test_add_func("/npz/flips", test_npz_flips);
  g_test_add_func("/npy/bad-files", test_bad_files);
  g_test_add_func("/npy/too-large", test_too_large);
  result = g_test_run();
  g_assert_cmpint(g_rmdir(folder), ==, 0); /* no test left a file behind */
  g_free(folder);
  return result;
}
