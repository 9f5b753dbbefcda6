/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/checkpoint/model-folder.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "core/data/error.h"
#include "core/data/file.h"
#include "core/data/json.h"
#include "core/data/printable.h"

#define SHARD_PREFIX "diffusion_pytorch_model"
#define MAX_SHARDS 10000
#define MAX_TENSORS 1000000
/* The name of a version is 40 digits long. */
#define MAX_VERSION 100

/* As diffusers looks for them; each is an index if it ends in ".json". */
static const char *const weights[] = {SHARD_PREFIX ".safetensors",
                                      SHARD_PREFIX ".safetensors.index.json",
                                      SHARD_PREFIX ".bin",
                                      SHARD_PREFIX ".bin.index.json",
                                      SHARD_PREFIX ".fp16.safetensors",
                                      SHARD_PREFIX ".fp16.bin"};

static gboolean
is_file(const char *path)
{
  return g_file_test(path, G_FILE_TEST_EXISTS) && !g_file_test(path, G_FILE_TEST_IS_DIR);
}

/* The path of @name in @folder, if there is such a file. (transfer full) (nullable) */
static char *
find_file(const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename(folder, name, NULL);

  return is_file(path) ? g_steal_pointer(&path) : NULL;
}

/* The folder of the part @name: its own, or else @path itself, as in diffusers' first models.
 * (transfer full) */
static char *
find_part(const char *path, const char *name)
{
  g_autofree char *folder = g_build_filename(path, name, NULL);

  return g_file_test(folder, G_FILE_TEST_IS_DIR) ? g_steal_pointer(&folder) : g_strdup(path);
}

/* The version of a model that refs/main names, in a folder of Hugging Face's cache; else @path
 * itself. (transfer full) */
static char *
find_snapshot(const char *path)
{
  char version[MAX_VERSION + 1] = "";
  g_autofree char *ref = g_build_filename(path, "refs", "main", NULL);
  g_autoptr(DdimFile) file = is_file(ref) ? ddim_file_open(ref, NULL) : NULL;

  if (!file || ddim_file_get_size(file) > MAX_VERSION ||
      !ddim_file_read(file, 0, version, ddim_file_get_size(file), NULL))
    return g_strdup(path);
  g_strchomp(version);
  g_autofree char *snapshot = g_build_filename(path, "snapshots", version, NULL);
  const gboolean plain = *version && strspn(version, "0123456789abcdef") == strlen(version);
  return plain && g_file_test(snapshot, G_FILE_TEST_IS_DIR) ? g_steal_pointer(&snapshot)
                                                            : g_strdup(path);
}

DdimModelFolder *
ddim_model_folder_find(const char *path)
{
  g_autoptr(DdimModelFolder) folder = g_new0(DdimModelFolder, 1);
  g_autofree char *place = find_snapshot(path);
  g_autofree char *unet = find_part(place, "unet");
  g_autofree char *scheduler = find_part(place, "scheduler");

  if (!g_file_test(path, G_FILE_TEST_IS_DIR))
    return NULL;
  folder->index = find_file(place, "model_index.json");
  folder->config = find_file(unet, "config.json");
  folder->scheduler = find_file(scheduler, "scheduler_config.json");
  for (gsize i = 0; i < G_N_ELEMENTS(weights) && !folder->weights; i++) {
    folder->weights = find_file(unet, weights[i]);
    folder->sharded = g_str_has_suffix(weights[i], ".json");
  }
  return folder->config ? g_steal_pointer(&folder) : NULL;
}

void
ddim_model_folder_free(DdimModelFolder *folder)
{
  if (!folder)
    return;
  g_free(folder->index);
  g_free(folder->config);
  g_free(folder->scheduler);
  g_free(folder->weights);
  g_free(folder);
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Add the files that the index may name: nothing is opened to see which it does. */
static void
add_shards(const DdimModelFolder *folder, GStrvBuilder *files)
{
  g_autofree char *path = g_path_get_dirname(folder->weights);
  g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
  g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
  const char *suffix =
                 g_str_has_suffix(folder->weights, ".bin.index.json") ? ".bin" : ".safetensors",
             *name;

  while (dir && (name = g_dir_read_name(dir)))
    if (g_str_has_prefix(name, SHARD_PREFIX "-") && g_str_has_suffix(name, suffix))
      g_ptr_array_add(names, g_build_filename(path, name, NULL));
  g_ptr_array_sort(names, compare_names);
  for (guint i = 0; i < names->len; i++)
    g_strv_builder_add(files, names->pdata[i]);
}

GStrv
ddim_model_folder_list(const DdimModelFolder *folder)
{
  g_autoptr(GStrvBuilder) files = g_strv_builder_new();
  const char *const paths[] = {folder->index, folder->scheduler, folder->config, folder->weights};

  for (gsize i = 0; i < G_N_ELEMENTS(paths); i++)
    if (paths[i])
      g_strv_builder_add(files, paths[i]);
  if (folder->sharded)
    add_shards(folder, files);
  return g_strv_builder_end(files);
}

guint64
ddim_model_folder_get_size(const DdimModelFolder *folder)
{
  g_auto(GStrv) files = ddim_model_folder_list(folder);
  guint64 size = 0;
  GStatBuf info;

  for (guint i = 0; files[i]; i++)
    if (!g_str_has_suffix(files[i], ".json") && g_stat(files[i], &info) == 0)
      size += (guint64)info.st_size;
  return size;
}

static gboolean
fail(int code, const char *origin, const char *what, GError **error)
{
  g_set_error(error, DDIM_ERROR, code, "%s: %s", origin, what);
  return FALSE;
}

/* The object that @text is, or NULL. (transfer full) */
static JsonNode *
parse_object(const char *text, gsize length, const char *origin, GError **error)
{
  g_autoptr(JsonNode) root = ddim_json_parse(text, length, origin, error);

  if (root && !JSON_NODE_HOLDS_OBJECT(root)) {
    fail(DDIM_ERROR_FORMAT, origin, _("expected a JSON object"), error);
    return NULL;
  }
  return g_steal_pointer(&root);
}

static const char *
get_text(JsonNode *node)
{
  return JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING
             ? json_node_get_string(node)
             : NULL;
}

/* Whether @name is that of a file in the folder of the index, and not a path, and can be shown. */
static gboolean
is_plain_name(const char *name)
{
  g_autofree char *shown = ddim_printable(name);

  return *name && *name != '.' && strlen(name) < 256 && !strpbrk(name, "/\\:") &&
         g_str_equal(shown, name) &&
         (g_str_has_suffix(name, ".safetensors") || g_str_has_suffix(name, ".bin"));
}

GStrv
ddim_model_folder_parse_index(const char *text, gsize length, const char *origin, GPtrArray **names,
                              GError **error)
{
  g_autoptr(JsonNode) root = parse_object(text, length, origin, error);
  g_autoptr(GStrvBuilder) files = g_strv_builder_new();
  g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
  g_autoptr(GPtrArray) tensors = g_ptr_array_new_with_free_func(g_free);
  JsonNode *map = root ? json_object_get_member(json_node_get_object(root), "weight_map") : NULL;
  JsonObjectIter iter;
  const char *tensor;
  JsonNode *node;

  if (!root)
    return NULL;
  if (!map || !JSON_NODE_HOLDS_OBJECT(map) ||
      json_object_get_size(json_node_get_object(map)) > MAX_TENSORS) {
    fail(DDIM_ERROR_FORMAT, origin, _("weight_map: expected an object of names and files"), error);
    return NULL;
  }
  json_object_iter_init_ordered(&iter, json_node_get_object(map));
  while (json_object_iter_next_ordered(&iter, &tensor, &node)) {
    const char *file = get_text(node);
    if (!file || !is_plain_name(file) || g_hash_table_size(seen) >= MAX_SHARDS) {
      g_autofree char *shown = ddim_printable(tensor);
      g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT,
                  _("%s: weight_map: “%s”: expected the name of a .safetensors or .bin file beside "
                    "the index"),
                  origin, shown);
      return NULL;
    }
    g_ptr_array_add(tensors, g_strdup(tensor));
    if (g_hash_table_add(seen, (gpointer)file))
      g_strv_builder_add(files, file);
  }
  if (names)
    *names = g_steal_pointer(&tensors);
  return g_strv_builder_end(files);
}

/* The name of the class in a member of model_index.json, ["diffusers", "UNet2DModel"]; "" for a
 * part that is left out, and NULL for anything else. */
static const char *
get_class(JsonNode *node)
{
  JsonArray *array = JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;

  if (!array || json_array_get_length(array) != 2)
    return NULL;
  return JSON_NODE_HOLDS_NULL(json_array_get_element(array, 1))
             ? ""
             : get_text(json_array_get_element(array, 1));
}

gboolean
ddim_model_folder_check_index(const char *text, gsize length, const char *origin, GError **error)
{
  g_autoptr(JsonNode) root = parse_object(text, length, origin, error);
  gboolean has_unet = FALSE;
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  if (!root)
    return FALSE;
  json_object_iter_init_ordered(&iter, json_node_get_object(root));
  while (json_object_iter_next_ordered(&iter, &name, &node)) {
    const gboolean unet = g_str_equal(name, "unet");
    const char *class_name = get_class(node);
    if (*name == '_' || (!JSON_NODE_HOLDS_ARRAY(node) && !unet))
      continue; /* a setting of the pipeline */
    if (!class_name) {
      g_autofree char *shown = ddim_printable(name);
      g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT,
                  _("%s: %s: expected a library and a class, such as [\"diffusers\", "
                    "\"UNet2DModel\"]"),
                  origin, shown);
      return FALSE;
    }
    has_unet |= unet;
    if (unet ? !g_str_equal(class_name, "UNet2DModel")
             : *class_name && !g_str_equal(name, "scheduler")) {
      g_autofree char *shown = ddim_printable(name), *shown_class = ddim_printable(class_name);
      g_set_error(
          error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
          _("%s: %s: a pipeline with a part of the class %s is not supported; supported are "
            "a UNet2DModel and its scheduler"),
          origin, shown, shown_class);
      return FALSE;
    }
  }
  return has_unet || fail(DDIM_ERROR_FORMAT, origin, _("unet: it is missing"), error);
}
