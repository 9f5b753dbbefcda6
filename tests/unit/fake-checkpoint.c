/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "fake-checkpoint.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <unistd.h>

static void
fake_tensor_free(gpointer data)
{
  FakeTensor *tensor = data;

  g_free(tensor->name);
  g_free(tensor);
}

GPtrArray *
fake_tensors_new(void)
{
  return g_ptr_array_new_with_free_func(fake_tensor_free);
}

void
fake_tensors_add(GPtrArray *tensors, const char *name, guint n_dims, const gsize *shape)
{
  FakeTensor *tensor = g_new0(FakeTensor, 1);

  tensor->name = g_strdup(name);
  tensor->n_dims = n_dims;
  memcpy(tensor->shape, shape, n_dims * sizeof *shape);
  g_ptr_array_add(tensors, tensor);
}

GPtrArray *
fake_tensors_copy(GPtrArray *tensors, guint skip)
{
  GPtrArray *copy = fake_tensors_new();

  for (guint i = 0; i < tensors->len; i++) {
    const FakeTensor *tensor = tensors->pdata[i];
    if (i != skip)
      fake_tensors_add(copy, tensor->name, tensor->n_dims, tensor->shape);
  }
  return copy;
}

GPtrArray *
fake_tensors_damage(GPtrArray *tensors, guint index, FakeDamage damage)
{
  GPtrArray *copy = fake_tensors_copy(tensors, damage == FAKE_MISSING ? index : G_MAXUINT);
  FakeTensor *tensor = damage == FAKE_MISSING ? NULL : copy->pdata[index];

  if (damage == FAKE_DIMENSION_MORE)
    tensor->shape[tensor->n_dims++] = 2;
  else if (tensor)
    tensor->shape[0] += damage == FAKE_ROW_MORE ? 1 : -1;
  return copy;
}

FakeTensor *
fake_tensors_find(GPtrArray *tensors, const char *name)
{
  for (guint i = 0; i < tensors->len; i++) {
    FakeTensor *tensor = tensors->pdata[i];
    if (g_str_equal(tensor->name, name))
      return tensor;
  }
  g_error("no tensor %s", name);
}

static void
add_line(GPtrArray *tensors, const char *line)
{
  g_auto(GStrv) words = g_strsplit(line, " ", -1);
  gsize shape[DDIM_MAX_DIMS];
  guint n = g_strv_length(words) - 1;

  g_assert_cmpuint(n, <=, DDIM_MAX_DIMS);
  for (guint i = 0; i < n; i++)
    shape[i] = g_ascii_strtoull(words[i + 1], NULL, 10);
  fake_tensors_add(tensors, words[0], n, shape);
}

GHashTable *
fake_architectures_load(void)
{
  g_autofree char *path =
      g_build_filename(g_getenv("DDIM_TEST_DATA"), "architectures.txt.gz", NULL);
  g_autoptr(GFile) file = g_file_new_for_path(path);
  g_autoptr(GError) error = NULL;
  g_autoptr(GFileInputStream) raw = g_file_read(file, NULL, &error);
  g_assert_no_error(error);
  g_autoptr(GZlibDecompressor) gunzip = g_zlib_decompressor_new(G_ZLIB_COMPRESSOR_FORMAT_GZIP);
  g_autoptr(GInputStream) plain =
      g_converter_input_stream_new(G_INPUT_STREAM(raw), G_CONVERTER(gunzip));
  g_autoptr(GDataInputStream) lines = g_data_input_stream_new(plain);
  GHashTable *all =
      g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
  GPtrArray *tensors = NULL;
  char *line;

  while ((line = g_data_input_stream_read_line(lines, NULL, NULL, &error))) {
    if (g_str_has_prefix(line, "= ")) {
      tensors = fake_tensors_new();
      g_hash_table_insert(all, g_strdup(line + 2), tensors);
    } else {
      add_line(tensors, line);
    }
    g_free(line);
  }
  g_assert_no_error(error);
  return all;
}

static void
add_metadata(JsonBuilder *builder, GHashTable *metadata)
{
  GHashTableIter iter;
  gpointer key, value;

  json_builder_set_member_name(builder, "__metadata__");
  json_builder_begin_object(builder);
  g_hash_table_iter_init(&iter, metadata);
  while (g_hash_table_iter_next(&iter, &key, &value)) {
    json_builder_set_member_name(builder, key);
    json_builder_add_string_value(builder, value);
  }
  json_builder_end_object(builder);
}

static gsize
add_tensor(JsonBuilder *builder, const FakeTensor *tensor, gsize offset)
{
  gsize end = sizeof(guint16);

  json_builder_set_member_name(builder, tensor->name);
  json_builder_begin_object(builder);
  json_builder_set_member_name(builder, "dtype");
  json_builder_add_string_value(builder, "F16");
  json_builder_set_member_name(builder, "shape");
  json_builder_begin_array(builder);
  for (guint i = 0; i < tensor->n_dims; i++) {
    json_builder_add_int_value(builder, tensor->shape[i]);
    end *= tensor->shape[i];
  }
  json_builder_end_array(builder);
  json_builder_set_member_name(builder, "data_offsets");
  json_builder_begin_array(builder);
  json_builder_add_int_value(builder, offset);
  json_builder_add_int_value(builder, offset + end);
  json_builder_end_array(builder);
  json_builder_end_object(builder);
  return offset + end;
}

DdimCheckpoint *
fake_checkpoint_new(const char *folder, const char *name, GPtrArray *tensors, GHashTable *metadata)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();
  g_autoptr(GError) error = NULL;
  gsize offset = 0;

  json_builder_begin_object(builder);
  if (metadata)
    add_metadata(builder, metadata);
  for (guint i = 0; i < tensors->len; i++)
    offset = add_tensor(builder, tensors->pdata[i], offset);
  json_builder_end_object(builder);

  g_autoptr(JsonNode) root = json_builder_get_root(builder);
  g_autofree char *header = json_to_string(root, FALSE);
  guint64 length = GUINT64_TO_LE(strlen(header));
  g_autofree char *path = g_build_filename(folder, name, NULL);
  FILE *file = g_fopen(path, "wb");
  g_assert_nonnull(file);
  g_assert_cmpuint(fwrite(&length, 1, 8, file), ==, 8);
  g_assert_cmpuint(fwrite(header, 1, strlen(header), file), ==, strlen(header));
  g_assert_cmpint(fflush(file), ==, 0);
  g_assert_cmpint(ftruncate(fileno(file), 8 + strlen(header) + offset), ==, 0);
  fclose(file);

  DdimCheckpoint *checkpoint = ddim_checkpoint_open(path, &error);
  g_assert_no_error(error);
  return checkpoint;
}

char *
fake_folder_new(void)
{
  g_autoptr(GError) error = NULL;
  char *folder = g_dir_make_tmp("ddim-config-XXXXXX", &error);

  g_assert_no_error(error);
  return folder;
}

void
fake_folder_remove(char *folder)
{
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name(dir))) {
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_assert_cmpint(g_remove(path), ==, 0);
  }
  g_assert_cmpint(g_rmdir(folder), ==, 0);
  g_free(folder);
}

void
fake_models_set_up(FakeModels *models, gconstpointer data)
{
  models->architectures = fake_architectures_load();
  models->folder = fake_folder_new();
}

void
fake_models_tear_down(FakeModels *models, gconstpointer data)
{
  g_hash_table_unref(models->architectures);
  fake_folder_remove(models->folder);
}

GPtrArray *
fake_models_get(FakeModels *models, const char *name)
{
  GPtrArray *tensors = g_hash_table_lookup(models->architectures, name);

  if (!tensors)
    g_error("no architecture %s", name);
  return tensors;
}
