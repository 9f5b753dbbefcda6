/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* safetensors files that are well-formed, damaged and hostile. */
#include "core/checkpoint/checkpoint-readers.h"
#include "core/checkpoint/checkpoint-tensors.h"
#include "core/checkpoint/safetensors-write.h"
#include "core/data/error.h"

#include <glib/gstdio.h>
#include <string.h>

/* @header, and @n bytes 0, 1, 2 … of data, in memory of exactly that size so that a sanitizer sees
 * any step beyond. */
static GBytes *
make_file(const char *header, gsize n)
{
  guint64 length = strlen(header);
  guint8 *file = g_malloc(8 + length + n);

  for (guint i = 0; i < 8; i++)
    file[i] = (guint8)(length >> (8 * i));
  memcpy(file + 8, header, length);
  for (gsize i = 0; i < n; i++)
    file[8 + length + i] = (guint8)i;
  return g_bytes_new_take(file, 8 + length + n);
}

static DdimCheckpoint *
open_file(const char *header, gsize n, GError **error)
{
  g_autoptr(GBytes) bytes = make_file(header, n);
  return ddim_checkpoint_open_bytes(bytes, "test.safetensors", error);
}

static void
touch(DdimCheckpoint *checkpoint)
{
  for (guint i = 0; i < ddim_checkpoint_get_n_tensors(checkpoint); i++) {
    const DdimTensor *tensor = ddim_checkpoint_get_tensor(checkpoint, i);
    gsize count = ddim_tensor_count(tensor);
    g_autofree float *values = g_new(float, count + 1);
    ddim_checkpoint_read(checkpoint, tensor, 0, count, DDIM_DTYPE_F32, values, NULL);
  }
}

#define GOOD                                                                                       \
  "{\"__metadata__\":{\"k\":\"v,:\\\"\"},"                                                         \
  "\"b\":{\"dtype\":\"U8\",\"shape\":[2,3],\"data_offsets\":[4,10]},"                              \
  "\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},"                                 \
  "\"none\":{\"dtype\":\"BF16\",\"shape\":[0,5],\"data_offsets\":[4,4]}}   "

static void
test_good(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimCheckpoint) checkpoint = open_file(GOOD, 10, &error);
  const DdimTensor *tensor;
  float values[6];

  g_assert_no_error(error);
  g_assert_cmpstr(ddim_checkpoint_get_format(checkpoint), ==, "safetensors");
  g_assert_cmpuint(ddim_checkpoint_get_n_tensors(checkpoint), ==, 3);
  tensor = ddim_checkpoint_get_tensor(checkpoint, 0);
  g_assert_cmpstr(tensor->name, ==, "b");
  g_assert_true(ddim_checkpoint_read(checkpoint, tensor, 0, 6, DDIM_DTYPE_F32, values, &error));
  g_assert_cmpfloat(values[5], ==, 9);
  tensor = ddim_checkpoint_lookup(checkpoint, "a");
  g_assert_cmpuint(tensor->n_dims, ==, 0);
  g_assert_true(ddim_checkpoint_read(checkpoint, tensor, 0, 1, DDIM_DTYPE_F32, values, &error));
  g_assert_cmpmem(values, 4, "\0\1\2\3", 4);
  g_assert_cmpuint(ddim_tensor_count(ddim_checkpoint_lookup(checkpoint, "none")), ==, 0);
  g_assert_cmpstr(ddim_checkpoint_get_metadata(checkpoint, "k"), ==, "v,:\"");
}

static void
test_all_dtypes(void)
{
  for (DdimDType dtype = 0; dtype < DDIM_N_DTYPES; dtype++) {
    g_autofree char *header = g_strdup_printf(
        "{\"x\":{\"dtype\":\"%s\",\"shape\":[3],\"data_offsets\":[0,%" G_GSIZE_FORMAT "]}}",
        ddim_dtype_name(dtype), 3 * ddim_dtype_size(dtype));
    g_autoptr(GError) error = NULL;
    g_autoptr(DdimCheckpoint) checkpoint = open_file(header, 3 * ddim_dtype_size(dtype), &error);
    g_assert_no_error(error);
    g_assert_cmpint(ddim_checkpoint_get_tensor(checkpoint, 0)->dtype, ==, dtype);
    touch(checkpoint);
  }
}

#define TENSOR(DTYPE, SHAPE, OFFSETS)                                                              \
  "{\"t\":{\"dtype\":" DTYPE ",\"shape\":" SHAPE ",\"data_offsets\":" OFFSETS "}}"
#define TWO(FIRST, SECOND)                                                                         \
  "{\"s\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" FIRST "},"                            \
  "\"t\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" SECOND "}}"

static void
test_refused(void)
{
  static const struct {
    const char *header;
    int code;
    const char *says;
  } cases[] = {
      {TENSOR("\"F8_E4M3\"", "[4]", "[0,4]"), DDIM_ERROR_UNSUPPORTED, "“t” is of type F8_E4M3"},
      {TENSOR("\"U8\"", "[5]", "[0,5]") "          ", DDIM_ERROR_FORMAT, "“t”"}, /* 4 bytes there */
      {TENSOR("\"U8\"", "[4]", "[1,5]"), DDIM_ERROR_FORMAT, "outside"},
      {TENSOR("\"U8\"", "[4]", "[4,0]"), DDIM_ERROR_FORMAT, "outside"},
      {TENSOR("\"U8\"", "[4]", "[0,3]"), DDIM_ERROR_FORMAT, "does not match"},
      {TENSOR("\"F32\"", "[4]", "[0,4]"), DDIM_ERROR_FORMAT, "does not match"},
      {TENSOR("\"U8\"", "[4]", "[-4,0]"), DDIM_ERROR_FORMAT, "data_offsets"},
      {TENSOR("\"U8\"", "[4]", "[0,18446744073709551620]"), DDIM_ERROR_FORMAT, "64 bits"},
      {TENSOR("\"U8\"", "[4]", "[18446744073709551612,0]"), DDIM_ERROR_FORMAT, "64 bits"},
      {TENSOR("\"U8\"", "[4]", "[0,4,4]"), DDIM_ERROR_FORMAT, "data_offsets"},
      {TENSOR("\"U8\"", "[4]", "[0]"), DDIM_ERROR_FORMAT, "data_offsets"},
      {TENSOR("\"U8\"", "[4]", "[0,4.0]"), DDIM_ERROR_FORMAT, "data_offsets"},
      {TENSOR("\"U8\"", "[4]", "[0,\"4\"]"), DDIM_ERROR_FORMAT, "data_offsets"},
      {TENSOR("\"U8\"", "[4]", "[0,[4]]"), DDIM_ERROR_FORMAT, "data_offsets"},
      {TENSOR("\"U8\"", "[4]", "{\"0\":4}"), DDIM_ERROR_FORMAT, "data_offsets"},
      {TENSOR("\"U8\"", "4", "[0,4]"), DDIM_ERROR_FORMAT, "shape"},
      {TENSOR("\"U8\"", "[1,1,1,1,1,1,1,1,4]", "[0,4]"), DDIM_ERROR_FORMAT, "shape"},
      {TENSOR("\"U8\"", "[-4]", "[0,4]"), DDIM_ERROR_FORMAT, "shape"},
      {TENSOR("\"U8\"", "[-2,-2]", "[0,4]"), DDIM_ERROR_FORMAT, "shape"},
      {TENSOR("\"U8\"", "[4294967296,4294967296,0]", "[0,0]"), DDIM_ERROR_FORMAT, "does not match"},
      {TENSOR("\"U8\"", "[4611686018427387905,4]", "[0,4]"), DDIM_ERROR_FORMAT, "does not match"},
      {TENSOR("\"F32\"", "[4611686018427387905]", "[0,4]"), DDIM_ERROR_FORMAT, "does not match"},
      {TENSOR("8", "[4]", "[0,4]"), DDIM_ERROR_FORMAT, "dtype"},
      {TENSOR("null", "[4]", "[0,4]"), DDIM_ERROR_FORMAT, "dtype"},
      {"{\"t\":{\"shape\":[4],\"data_offsets\":[0,4]}}", DDIM_ERROR_FORMAT, "dtype"},
      {"{\"t\":{\"dtype\":\"U8\",\"data_offsets\":[0,4]}}", DDIM_ERROR_FORMAT, "shape"},
      {"{\"t\":{\"dtype\":\"U8\",\"shape\":[4]}}", DDIM_ERROR_FORMAT, "data_offsets"},
      {"{\"t\":[0,4]}", DDIM_ERROR_FORMAT, "“t”"},
      {"{\"__metadata__\":{\"k\":1}}", DDIM_ERROR_FORMAT, "__metadata__"},
      {"{\"__metadata__\":[]}", DDIM_ERROR_FORMAT, "__metadata__"},
      {TWO("[0,4]", "[3,7]"), DDIM_ERROR_FORMAT, ""},
      {"{\"t\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
       "\"t\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
       DDIM_ERROR_FORMAT, "twice"},
      {"{\"t\":{\"dtype\":\"U8\",\"shape\":[1],\"shape\":[1],\"data_offsets\":[0,1]}}",
       DDIM_ERROR_FORMAT, "twice"},
      {"{\"t\\u0000\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", DDIM_ERROR_FORMAT,
       "line 1"},
      {"{\"t\":", DDIM_ERROR_FORMAT, "line 1"},
      {"{} {}", DDIM_ERROR_FORMAT, "line 1"},
      {"{/* */}", DDIM_ERROR_FORMAT, "line 1"},
  };

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(DdimCheckpoint) checkpoint = open_file(cases[i].header, 4, &error);
    if (checkpoint)
      g_error("accepted: %s", cases[i].header);
    g_assert_error(error, DDIM_ERROR, cases[i].code);
    if (!strstr(error->message, cases[i].says) || !strstr(error->message, "test.safetensors"))
      g_error("%s: unexpected message “%s”", cases[i].header, error->message);
  }
}

static void
test_overlap(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimCheckpoint) apart = open_file(TWO("[4,8]", "[0,4]"), 8, &error);
  g_autoptr(DdimCheckpoint) hole = open_file(TWO("[0,4]", "[8,12]"), 20, &error);

  g_assert_no_error(error);
  g_assert_nonnull(apart);
  g_assert_nonnull(hole);
  g_assert_null(open_file(TWO("[0,4]", "[3,7]"), 8, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT);
  g_assert_nonnull(strstr(error->message, "overlaps"));
  g_clear_error(&error);
  g_assert_null(open_file(TWO("[0,4]", "[0,4]"), 8, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT);
}

/* A header as long as the format forbids, or longer than the file, or of nothing but brackets and
 * commas. */
static void
test_header_bombs(void)
{
  const gsize n = 3u << 20;
  g_autofree char *commas = g_malloc(n + 1), *deep = g_strnfill(n, '[');
  g_autoptr(GError) error = NULL;
  guint8 file[16] = {0, 0, 0, 0, 1, 0, 0, 0, '{', '}'};
  g_autoptr(GBytes) bytes = g_bytes_new_static(file, sizeof file);

  g_assert_null(ddim_checkpoint_open_bytes(bytes, "x", &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT);
  g_clear_error(&error);

  memcpy(deep, "{\"a\":", 5);
  g_assert_null(open_file(deep, 0, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT);
  g_clear_error(&error);

  memset(commas, ',', n);
  memcpy(commas, "{\"a\":[", 6);
  commas[n] = '\0';
  g_assert_null(open_file(commas, 0, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT);
}

static void
test_truncated(void)
{
  g_autoptr(GBytes) whole = make_file(GOOD, 10);

  for (gsize size = 0; size < g_bytes_get_size(whole); size++) {
    gpointer copy = g_memdup2(g_bytes_get_data(whole, NULL), size);
    g_autoptr(GBytes) bytes = g_bytes_new_take(copy, size);
    g_autoptr(GError) error = NULL;
    g_assert_null(ddim_checkpoint_open_bytes(bytes, "x", &error));
    g_assert_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT);
  }
}

/* Every bit flipped in turn: tensors that can be read, or an error. */
static void
test_flips(void)
{
  g_autoptr(GBytes) whole = make_file(GOOD, 10);
  gsize size = g_bytes_get_size(whole);

  for (gsize bit = 0; bit < 8 * size; bit++) {
    guint8 *copy = g_memdup2(g_bytes_get_data(whole, NULL), size);
    g_autoptr(GBytes) bytes = g_bytes_new_take(copy, size);
    g_autoptr(GError) error = NULL;
    g_autoptr(DdimCheckpoint) checkpoint = NULL;
    copy[bit / 8] ^= (guint8)(1 << bit % 8);
    checkpoint = ddim_checkpoint_open_bytes(bytes, "x", &error);
    g_assert_true((checkpoint != NULL) == (error == NULL));
    if (checkpoint)
      touch(checkpoint);
  }
}

static gboolean
save(const char *header, gsize n, const char *path, gboolean half, GError **error)
{
  g_autoptr(DdimCheckpoint) checkpoint = open_file(header, n, error);
  DdimCheckpointSaveParams params = {.half = half};

  g_assert_nonnull(checkpoint);
  return ddim_checkpoint_save(checkpoint, path, &params, error);
}

/* What cannot be saved leaves no file. */
static void
test_save_refused(void)
{
  g_autofree char *folder = g_dir_make_tmp("ddim-save-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(folder, "x.safetensors", NULL);
  g_autofree char *nowhere = g_build_filename(folder, "missing", "x.safetensors", NULL);
  /* The bytes 0 … 191 as float32 hold 0x7b7a7978, about 1.3e36; up to 255, a NaN, too. */
  const char *large = TENSOR("\"F32\"", "[48]", "[0,192]");
  const char *nan = TENSOR("\"F32\"", "[64]", "[0,256]");
  g_autoptr(GError) error = NULL;

  g_assert_false(save(large, 192, path, TRUE, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED);
  g_assert_nonnull(strstr(error->message, "“t”"));
  g_clear_error(&error);
  g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));

  for (guint half = 0; half < 2; half++) {
    g_assert_false(save(nan, 256, path, half, &error));
    g_assert_true(error && error->domain == DDIM_ERROR);
    g_assert_nonnull(strstr(error->message, "“t”"));
    g_clear_error(&error);
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
  }

  g_assert_false(save(GOOD, 10, nowhere, FALSE, &error));
  g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
  g_clear_error(&error);
  g_assert_false(save(GOOD, 10, "/dev/full", FALSE, &error));
  g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOSPC);
  g_clear_error(&error);

  g_assert_true(save(large, 192, path, FALSE, &error));
  g_assert_no_error(error);
  g_unlink(path);
  g_assert_cmpint(g_rmdir(folder), ==, 0);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/safetensors/good", test_good);
  g_test_add_func("/safetensors/all-dtypes", test_all_dtypes);
  g_test_add_func("/safetensors/refused", test_refused);
  g_test_add_func("/safetensors/overlap", test_overlap);
  g_test_add_func("/safetensors/header-bombs", test_header_bombs);
  g_test_add_func("/safetensors/truncated", test_truncated);
  g_test_add_func("/safetensors/flips", test_flips);
  g_test_add_func("/safetensors/save-refused", test_save_refused);
  return g_test_run();
}
