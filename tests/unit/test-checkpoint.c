/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Checkpoints as PyTorch writes them. The files' contents: tests/data/make-checkpoints.py. */
#include "core/checkpoint/checkpoint-readers.h"
#include "core/checkpoint/checkpoint-tensors.h"
#include "core/checkpoint/safetensors-write.h"
#include "core/data/error.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

static DdimCheckpoint *
open_data(const char *name, GError **error)
{
  g_autofree char *path = g_build_filename(g_getenv("DDIM_TEST_DATA"), name, NULL);
  return ddim_checkpoint_open(path, error);
}

typedef struct {
  const char *name;
  DdimDType dtype;
  guint n_dims;
  gsize shape[4];
  float values[24];
} Expected;

#define RAMP6                                                                                      \
  {                                                                                                \
    -2, -1, 0, 1, 2, 3                                                                             \
  }
#define RAMP24                                                                                     \
  {                                                                                                \
    -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21           \
  }

static const Expected forms[] = {
    {"float32", DDIM_DTYPE_F32, 2, {2, 3}, RAMP6},
    {"float64", DDIM_DTYPE_F64, 2, {2, 3}, RAMP6},
    {"float16", DDIM_DTYPE_F16, 2, {2, 3}, RAMP6},
    {"bfloat16", DDIM_DTYPE_BF16, 2, {2, 3}, RAMP6},
    {"int64", DDIM_DTYPE_I64, 2, {2, 3}, RAMP6},
    {"int32", DDIM_DTYPE_I32, 2, {2, 3}, RAMP6},
    {"int16", DDIM_DTYPE_I16, 2, {2, 3}, RAMP6},
    {"int8", DDIM_DTYPE_I8, 2, {2, 3}, RAMP6},
    {"uint8", DDIM_DTYPE_U8, 2, {2, 3}, {0, 1, 2, 3, 4, 5}},
    {"bool", DDIM_DTYPE_BOOL, 1, {3}, {1, 0, 1}},
    {"scalar", DDIM_DTYPE_F32, 0, {0}, {2.5f}},
    {"empty", DDIM_DTYPE_F32, 2, {0, 3}, {0}},
    {"transposed", DDIM_DTYPE_F32, 2, {3, 2}, {-2, 1, -1, 2, 0, 3}},
    {"shared.whole", DDIM_DTYPE_F32, 2, {4, 6}, RAMP24},
    {"shared.rows", DDIM_DTYPE_F32, 2, {2, 6}, {4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}},
    {"shared.column", DDIM_DTYPE_F32, 1, {4}, {0, 6, 12, 18}},
    {"shared.every.other", DDIM_DTYPE_F32, 1, {12}, {-1, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21}},
    {"expanded", DDIM_DTYPE_F32, 2, {2, 4}, {7, 7, 7, 7, 7, 7, 7, 7}},
    {"channels.last", DDIM_DTYPE_F32, 4, {1, 2, 3, 4}, RAMP24},
    {"parameter", DDIM_DTYPE_F32, 1, {4}, {-2, -1, 0, 1}},
    {"näme", DDIM_DTYPE_F32, 1, {2}, {-2, -1}},
};

static void
assert_tensor(DdimCheckpoint *checkpoint, guint index, const Expected *expected)
{
  const DdimTensor *tensor = ddim_checkpoint_get_tensor(checkpoint, index);
  gsize count = ddim_tensor_count(tensor);
  g_autofree float *values = g_new(float, count + 1);

  g_assert_cmpstr(tensor->name, ==, expected->name);
  g_assert_cmpuint(tensor->n_dims, ==, expected->n_dims);
  for (guint i = 0; i < tensor->n_dims; i++)
    g_assert_cmpuint(tensor->shape[i], ==, expected->shape[i]);
  g_assert_true(ddim_checkpoint_read(checkpoint, tensor, 0, count, DDIM_DTYPE_F32, values, NULL));
  for (gsize i = 0; i < count; i++)
    g_assert_cmpfloat(values[i], ==, expected->values[i]);
  if (count < 2)
    return;
  g_assert_true(ddim_checkpoint_read(checkpoint, tensor, 1, 1, DDIM_DTYPE_F32, values, NULL));
  g_assert_cmpfloat(values[0], ==, expected->values[1]);
}

static void
assert_forms(DdimCheckpoint *checkpoint)
{
  g_assert_cmpuint(ddim_checkpoint_get_n_tensors(checkpoint), ==, G_N_ELEMENTS(forms));
  for (guint i = 0; i < G_N_ELEMENTS(forms); i++) {
    const DdimTensor *tensor = ddim_checkpoint_get_tensor(checkpoint, i);
    assert_tensor(checkpoint, i, &forms[i]);
    g_assert_true(ddim_checkpoint_lookup(checkpoint, forms[i].name) == tensor);
  }
  g_assert_null(ddim_checkpoint_lookup(checkpoint, "nothing"));
}

static void
test_forms(gconstpointer data)
{
  const char *const *file = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimCheckpoint) checkpoint = open_data(file[0], &error);

  g_assert_no_error(error);
  g_assert_cmpstr(ddim_checkpoint_get_format(checkpoint), ==, file[1]);
  assert_forms(checkpoint);
  for (guint i = 0; i < G_N_ELEMENTS(forms); i++)
    g_assert_cmpint(ddim_checkpoint_get_tensor(checkpoint, i)->dtype, ==, forms[i].dtype);
  assert_forms(checkpoint); /* as often as wanted */
}

/* The same network saved in the zip and in the legacy format. */
static void
test_network(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimCheckpoint) zip = open_data("unet_tiny_uncond.pt", &error);
  g_autoptr(DdimCheckpoint) legacy = open_data("unet_tiny_uncond_legacy.pt", &error);
  const gsize shape[4] = {128, 32, 1, 1};
  g_autofree char *path = g_build_filename(g_getenv("DDIM_TEST_DATA"), "unet_tiny_uncond.pt", NULL);

  g_assert_no_error(error);
  g_assert_cmpuint(ddim_checkpoint_get_n_tensors(zip), ==, 128);
  g_assert_cmpuint(ddim_checkpoint_get_n_tensors(legacy), ==, 128);
  g_assert_cmpstr(ddim_checkpoint_get_path(zip), ==, path);
  g_assert_cmpuint(ddim_checkpoint_get_file_size(zip), ==, 2857747);
  for (guint i = 0; i < 128; i++) {
    const DdimTensor *one = ddim_checkpoint_get_tensor(zip, i);
    const DdimTensor *other = ddim_checkpoint_get_tensor(legacy, i);
    gsize count = ddim_tensor_count(one);
    g_autofree float *a = g_new(float, count), *b = g_new(float, count);
    g_assert_cmpstr(one->name, ==, other->name);
    g_assert_true(ddim_tensor_is_contiguous(one));
    g_assert_true(ddim_checkpoint_read(zip, one, 0, count, DDIM_DTYPE_F32, a, NULL));
    g_assert_true(ddim_checkpoint_read(legacy, other, 0, count, DDIM_DTYPE_F32, b, NULL));
    g_assert_cmpmem(a, count * sizeof(float), b, count * sizeof(float));
  }
  g_assert_nonnull(ddim_checkpoint_require(zip, "time_embed.0.weight", 2, shape, &error));
  g_assert_nonnull(ddim_checkpoint_require(zip, "time_embed.0.weight", 4, shape, &error));
  g_assert_nonnull(ddim_checkpoint_require(zip, "time_embed.0.bias", 1, shape, &error));
  g_assert_no_error(error);

  g_assert_null(ddim_checkpoint_require(zip, "time_embed.0.bias", 2, shape, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT);
  g_assert_nonnull(strstr(error->message, "time_embed.0.bias"));
  g_assert_nonnull(strstr(error->message, "[128]"));
  g_assert_nonnull(strstr(error->message, "[128, 32]"));
  g_clear_error(&error);
  g_assert_null(ddim_checkpoint_require(zip, "time_embed.7.bias", 1, shape, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_NOT_FOUND);
  g_assert_nonnull(strstr(error->message, "time_embed.7.bias"));
}

static const Expected weights[] = {
    {"a", DDIM_DTYPE_F32, 1, {4}, {-2, -1, 0, 1}},
    {"b", DDIM_DTYPE_F32, 1, {3}, {-2, -1, 0}},
};
static const Expected averaged[] = {
    {"a", DDIM_DTYPE_F32, 1, {4}, {8, 9, 10, 11}},
    {"b", DDIM_DTYPE_F32, 1, {3}, {8, 9, 10}},
};

/* Which part of a training checkpoint is taken. */
static void
test_choice(void)
{
  static const struct {
    const char *file, *member, *prefix;
    const Expected *expected;
  } cases[] = {
      {"checkpoint/module-prefix.pt", NULL, "module.", averaged},
      {"checkpoint/compiled.pt", NULL, "_orig_mod.module.", averaged},
      {"checkpoint/trainer-list.pth", "4", "module.", averaged},
      {"checkpoint/trainer-list-without-ema.pth", "0", NULL, weights},
      {"checkpoint/nested-state-dict.pt", "state_dict", NULL, weights},
      {"checkpoint/nested-ema.pt", "ema", NULL, averaged},
      {"checkpoint/nested-twice.pt", "model.ema", NULL, averaged},
      {"checkpoint/with-settings.pt", NULL, NULL, weights},
  };

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(DdimCheckpoint) checkpoint = open_data(cases[i].file, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(ddim_checkpoint_get_n_tensors(checkpoint), ==, 2);
    g_assert_cmpstr(ddim_checkpoint_get_member(checkpoint), ==, cases[i].member);
    g_assert_cmpstr(ddim_checkpoint_get_prefix(checkpoint), ==, cases[i].prefix);
    for (guint j = 0; j < 2; j++)
      assert_tensor(checkpoint, j, &cases[i].expected[j]);
  }
}

/* A network in a larger module: its averaged weights, and whatever else there is by its full name.
 */
static void
test_module(void)
{
  static const Expected expected[] = {
      {"model.time_embed.0.weight", DDIM_DTYPE_F32, 1, {4}, {-2, -1, 0, 1}},
      {"model.out.0.bias", DDIM_DTYPE_F32, 1, {3}, {-2, -1, 0}},
      {"time_embed.0.weight", DDIM_DTYPE_F32, 1, {4}, {8, 9, 10, 11}},
      {"out.0.bias", DDIM_DTYPE_F32, 1, {3}, {8, 9, 10}},
      {"betas", DDIM_DTYPE_F32, 1, {2}, {-2, -1}},
  };
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimCheckpoint) checkpoint = open_data("checkpoint/lightning.ckpt", &error);

  g_assert_no_error(error);
  g_assert_cmpstr(ddim_checkpoint_get_member(checkpoint), ==, "state_dict");
  g_assert_cmpstr(ddim_checkpoint_get_prefix(checkpoint), ==, "ema_model.net.");
  g_assert_cmpuint(ddim_checkpoint_get_n_tensors(checkpoint), ==, G_N_ELEMENTS(expected));
  for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
    assert_tensor(checkpoint, i, &expected[i]);
    g_assert_true(ddim_checkpoint_lookup(checkpoint, expected[i].name) ==
                  ddim_checkpoint_get_tensor(checkpoint, i));
  }
  g_assert_null(ddim_checkpoint_lookup(checkpoint, "ema_model.net.out.0.bias"));
}

/* What is found in place of a file that did not come as a whole. */
static void
test_substitutes(void)
{
  static const struct {
    const char *content, *says;
  } cases[] = {
      {"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git lfs pull"},
      {"<!DOCTYPE html>\n<html></html>\n", "web page"},
      {"<", "web page"},
      {"\x1f\x8b\x08", "gzip"},
      {"version", "neither"},
  };

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GBytes) bytes = g_bytes_new_static(cases[i].content, strlen(cases[i].content));
    g_autoptr(GError) error = NULL;
    g_assert_null(ddim_checkpoint_open_bytes(bytes, "model.pt", &error));
    g_assert_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT);
    g_assert_nonnull(strstr(error->message, cases[i].says));
  }
}

static void
test_refused(void)
{
  static const struct {
    const char *file, *says;
  } cases[] = {
      {"checkpoint/optimizer.pt", "optimizer"},
      {"checkpoint/whole-model.pt", "torch.nn.modules.container.Sequential"},
      {"checkpoint/single-tensor.pt", "no state dict"},
      {"checkpoint/nested-unclear.pt", "several state dicts"},
  };

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    g_assert_null(open_data(cases[i].file, &error));
    g_assert_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED);
    g_assert_nonnull(strstr(error->message, cases[i].says));
    g_assert_nonnull(strstr(error->message, cases[i].file));
  }
}

static void
test_no_checkpoint(void)
{
  g_autoptr(GError) error = NULL;

  g_assert_null(open_data("missing.pt", &error));
  g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
  g_assert_nonnull(strstr(error->message, "missing.pt"));
  g_clear_error(&error);
  g_assert_null(open_data(".", &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_NOT_FOUND); /* no folder of diffusers */
  g_clear_error(&error);
  g_assert_null(open_data("numpy.npz", &error)); /* a zip file, but not PyTorch's */
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT);
  g_clear_error(&error);
  g_assert_null(open_data("unets.json", &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT);
}

static gpointer
read_in_thread(gpointer data)
{
  for (guint i = 0; i < 50; i++)
    assert_forms(data);
  ddim_checkpoint_unref(data);
  return NULL;
}

static void
test_threads(void)
{
  g_autoptr(DdimCheckpoint) checkpoint = open_data("checkpoint/forms.pt", NULL);
  GThread *threads[4];

  for (guint i = 0; i < 4; i++)
    threads[i] = g_thread_new("reader", read_in_thread, ddim_checkpoint_ref(checkpoint));
  for (guint i = 0; i < 4; i++)
    g_thread_join(threads[i]);
}

/* Saved and read again: every form, made contiguous, floats as F32 or F16, the rest as it was. */
static void
check_saved(gboolean half)
{
  g_autofree char *folder = g_dir_make_tmp("ddim-save-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(folder, "saved.safetensors", NULL);
  g_autoptr(GHashTable) metadata = g_hash_table_new(g_str_hash, g_str_equal);
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimCheckpoint) source = open_data("checkpoint/forms.pt", &error), saved = NULL;
  DdimCheckpointSaveParams params = {.half = half, .metadata = metadata};
  const DdimTensor *tensor;

  g_hash_table_insert(metadata, "license", "CC0-1.0");
  g_hash_table_insert(metadata, "odd \"key\"\n", "ä\\");
  g_assert_true(ddim_checkpoint_save(source, path, &params, &error));
  saved = ddim_checkpoint_open(path, &error);
  g_assert_no_error(error);
  g_assert_cmpstr(ddim_checkpoint_get_format(saved), ==, "safetensors");
  assert_forms(saved);
  g_assert_cmpstr(ddim_checkpoint_get_metadata(saved, "license"), ==, "CC0-1.0");
  g_assert_cmpstr(ddim_checkpoint_get_metadata(saved, "odd \"key\"\n"), ==, "ä\\");
  g_assert_null(ddim_checkpoint_get_metadata(saved, "nothing"));
  for (guint i = 0; i < G_N_ELEMENTS(forms); i++) {
    DdimDType dtype = forms[i].dtype;
    gboolean is_float = dtype <= DDIM_DTYPE_BF16;
    tensor = ddim_checkpoint_get_tensor(saved, i);
    g_assert_true(ddim_tensor_is_contiguous(tensor));
    g_assert_cmpint(tensor->dtype, ==, !is_float ? dtype : half ? DDIM_DTYPE_F16 : DDIM_DTYPE_F32);
  }
  /* The first tensor lies right behind the header. */
  g_autofree char *content = NULL;
  g_assert_true(g_file_get_contents(path, &content, NULL, NULL));
  g_assert_cmpuint((guint8)content[0] % 8, ==, 0);
  g_unlink(path);
  g_assert_cmpint(g_rmdir(folder), ==, 0);
}

static void
test_save(void)
{
  check_saved(FALSE);
}

static void
test_save_half(void)
{
  check_saved(TRUE);
}

/* Read every tensor of a file that holds @bytes. */
static gboolean
read_all(const char *bytes, gsize size, GError **error)
{
  g_autoptr(GBytes) content = g_bytes_new(bytes, size);
  g_autoptr(DdimCheckpoint) checkpoint = ddim_checkpoint_open_bytes(content, "x.pt", error);

  for (guint i = 0; checkpoint && i < ddim_checkpoint_get_n_tensors(checkpoint); i++) {
    const DdimTensor *tensor = ddim_checkpoint_get_tensor(checkpoint, i);
    gsize count = ddim_tensor_count(tensor);
    g_autofree float *values = g_new(float, count + 1);
    if (!ddim_checkpoint_read(checkpoint, tensor, 0, count, DDIM_DTYPE_F32, values, error))
      return FALSE;
  }
  return checkpoint != NULL;
}

static char *
load_data(const char *name, gsize *size)
{
  g_autofree char *path = g_build_filename(g_getenv("DDIM_TEST_DATA"), name, NULL);
  char *bytes = NULL;

  g_assert_true(g_file_get_contents(path, &bytes, size, NULL));
  return bytes;
}

/* One bit that is wrong in any of the weights is found by the checksum of the storage, whether a
 * tensor takes all of the storage or a part. */
static void
test_damaged(gconstpointer data)
{
  gsize size;
  g_autofree char *bytes = load_data(data, &size);
  g_autoptr(GError) error = NULL;

  g_assert_true(read_all(bytes, size, &error));
  g_assert_no_error(error);
  /* The numbers -2, -1, 0, 1, 2, 3 of most tensors. */
  const float ramp[6] = {-2, -1, 0, 1, 2, 3};
  guint n = 0;
  for (gsize i = 0; i + sizeof ramp <= size; i++) {
    if (memcmp(bytes + i, ramp, sizeof ramp) != 0)
      continue;
    for (guint byte = 0; byte < sizeof ramp; byte++) {
      bytes[i + byte] ^= 0x10;
      g_assert_false(read_all(bytes, size, &error));
      g_assert_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT);
      g_assert_nonnull(strstr(error->message, "checksum"));
      g_assert_nonnull(strstr(error->message, "x.pt"));
      g_clear_error(&error);
      bytes[i + byte] ^= 0x10;
    }
    n++;
  }
  g_assert_cmpuint(n, >=, 3);
  g_assert_true(read_all(bytes, size, NULL));
}

/* A weight that is infinite or not a number is an error that names the tensor. PyTorch's old format
 * has no checksum. */
static void
test_not_finite(void)
{
  static const guint32 bad[] = {0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001};
  gsize size;
  g_autofree char *bytes = load_data("checkpoint/forms-legacy.pt", &size);
  const float ramp[6] = {-2, -1, 0, 1, 2, 3};
  guint n = 0;

  for (gsize i = 0; i + sizeof ramp <= size; i++) {
    if (memcmp(bytes + i, ramp, sizeof ramp) != 0)
      continue;
    for (guint b = 0; b < G_N_ELEMENTS(bad); b++) {
      g_autoptr(GError) error = NULL;
      memcpy(bytes + i + 8, &bad[b], 4);
      g_assert_false(read_all(bytes, size, &error));
      g_assert_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT);
      g_assert_nonnull(strstr(error->message, "NaN"));
      memcpy(bytes + i + 8, &ramp[2], 4);
    }
    n++;
  }
  g_assert_cmpuint(n, >=, 3);
}

/* Somebody shortens the file while it is used. */
static void
test_shortened(gconstpointer data)
{
  g_autofree char *folder = g_dir_make_tmp("ddim-short-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(folder, "x.pt", NULL);
  gsize size;
  g_autofree char *bytes = load_data(data, &size);
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimCheckpoint) checkpoint = NULL;
  float values[24];
  guint n = 0;

  g_assert_true(g_file_set_contents(path, bytes, (gssize)size, &error));
  checkpoint = ddim_checkpoint_open(path, &error);
  g_assert_no_error(error);
  g_assert_cmpint(truncate(path, 100), ==, 0);
  for (guint i = 0; i < ddim_checkpoint_get_n_tensors(checkpoint); i++) {
    const DdimTensor *tensor = ddim_checkpoint_get_tensor(checkpoint, i);
    if (ddim_checkpoint_read(checkpoint, tensor, 0, ddim_tensor_count(tensor), DDIM_DTYPE_F32,
                             values, &error))
      continue;
    g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_IO);
    g_assert_nonnull(strstr(error->message, "x.pt"));
    g_clear_error(&error);
    n++;
  }
  g_assert_cmpuint(n, >, G_N_ELEMENTS(forms) / 2);
  g_unlink(path);
  g_rmdir(folder);
}

int
main(int argc, char **argv)
{
  static const char *const files[][2] = {
      {"checkpoint/forms.pt", "pytorch zip"},
      {"checkpoint/forms-protocol4.pt", "pytorch zip"},
      {"checkpoint/forms-deflated.pt", "pytorch zip"},
      {"checkpoint/forms-zip64.pt", "pytorch zip"},
      {"checkpoint/forms-streamed.pt", "pytorch zip"},
      {"checkpoint/forms-legacy.pt", "pytorch legacy"},
  };

  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
    g_autofree char *name =
        g_strconcat("/checkpoint/forms/", files[i][0] + strlen("checkpoint/"), NULL);
    g_test_add_data_func(name, files[i], test_forms);
  }
  g_test_add_func("/checkpoint/network", test_network);
  g_test_add_func("/checkpoint/choice", test_choice);
  g_test_add_func("/checkpoint/module", test_module);
  g_test_add_func("/checkpoint/substitutes", test_substitutes);
  g_test_add_func("/checkpoint/refused", test_refused);
  g_test_add_func("/checkpoint/no-checkpoint", test_no_checkpoint);
  g_test_add_func("/checkpoint/threads", test_threads);
  g_test_add_data_func("/checkpoint/damaged/zip", "checkpoint/forms.pt", test_damaged);
  g_test_add_data_func("/checkpoint/damaged/zip64", "checkpoint/forms-zip64.pt", test_damaged);
  g_test_add_func("/checkpoint/not-finite", test_not_finite);
  g_test_add_data_func("/checkpoint/shortened/zip", "checkpoint/forms.pt", test_shortened);
  g_test_add_data_func("/checkpoint/shortened/legacy", "checkpoint/forms-legacy.pt",
                       test_shortened);
  g_test_add_func("/checkpoint/save", test_save);
  g_test_add_func("/checkpoint/save-half", test_save_half);
  return g_test_run();
}
