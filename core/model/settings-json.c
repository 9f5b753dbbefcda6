/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Settings written beside or into a checkpoint: NAME.json, and the metadata of a .safetensors file.
 */

#include "core/model/settings.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include "core/data/error.h"
#include "core/data/file.h"
#include "core/data/json.h"

/* A thousand class names take some tens of kilobytes. */
#define LARGEST_SIDECAR (16 * 1024 * 1024)

/* A JSON value as the text that a flag would have, a list as "16,8". NULL when no setting has such
 * a value. (transfer full) */
static char *
node_to_text(JsonNode *node)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];

  if (JSON_NODE_HOLDS_ARRAY(node)) {
    JsonArray *array = json_node_get_array(node);
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < json_array_get_length(array); i++) {
      JsonNode *item = json_array_get_element(array, i);
      g_autofree char *item_text = JSON_NODE_HOLDS_VALUE(item) ? node_to_text(item) : NULL;
      if (!item_text)
        return NULL;
      g_string_append_printf(text, "%s%s", i ? "," : "", item_text);
    }
    return g_strdup(text->str);
  }
  if (!JSON_NODE_HOLDS_VALUE(node))
    return NULL;
  switch (json_node_get_value_type(node)) {
  case G_TYPE_STRING:
    return json_node_dup_string(node);
  case G_TYPE_BOOLEAN:
    return g_strdup(json_node_get_boolean(node) ? "True" : "False");
  case G_TYPE_INT64:
    return g_strdup_printf("%" G_GINT64_FORMAT, json_node_get_int(node));
  case G_TYPE_DOUBLE:
    return g_strdup(g_ascii_formatd(buffer, sizeof buffer, "%.17g", json_node_get_double(node)));
  default:
    return NULL;
  }
}

static gboolean
bad_value(const char *origin, const char *key, const char *expected, GError **error)
{
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("%s: %s: expected %s"), origin, key,
              expected);
  return FALSE;
}

static gboolean
set_class_names(DdimSettings *settings, JsonNode *node, GError **error)
{
  g_autoptr(GStrvBuilder) names = g_strv_builder_new();
  JsonArray *array = JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;

  for (guint i = 0; array && i < json_array_get_length(array); i++) {
    JsonNode *item = json_array_get_element(array, i);
    if (!JSON_NODE_HOLDS_VALUE(item) || json_node_get_value_type(item) != G_TYPE_STRING)
      return bad_value(settings->origin, "class_names", _("an array of strings"), error);
    g_strv_builder_add(names, json_node_get_string(item));
  }
  if (!array)
    return bad_value(settings->origin, "class_names", _("an array of strings"), error);
  g_clear_pointer(&settings->class_names, g_strfreev);
  settings->class_names = g_strv_builder_end(names);
  return TRUE;
}

static char **
find_text(DdimSettings *settings, const char *key)
{
  if (g_str_equal(key, "name"))
    return &settings->name;
  if (g_str_equal(key, "description"))
    return &settings->description;
  if (g_str_equal(key, "license"))
    return &settings->license;
  return NULL;
}

static gboolean
set_unknown(DdimSettings *settings, const char *key, GError **error)
{
  const char *reason = ddim_key_ignored(key);
  g_autofree char *proposal = NULL;

  if (reason || *key == '_')
    return TRUE;
  proposal = ddim_key_proposal(key);
  if (*proposal) { /* a typing error: its value is meant for another key and must not be lost */
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("%s: unknown key %s%s"), settings->origin,
                key, proposal);
    return FALSE;
  }
  ddim_settings_note(settings, _("%s: the unknown key %s is ignored"), settings->origin, key);
  return TRUE;
}

static gboolean
set_member(DdimSettings *settings, const char *name, JsonNode *node, GError **error)
{
  g_autofree char *text = NULL, *expected = NULL;
  char **place = find_text(settings, name);
  DdimKey key;

  if (JSON_NODE_HOLDS_NULL(node))
    return TRUE;
  if (g_str_equal(name, "class_names"))
    return set_class_names(settings, node, error);
  if (place) {
    if (!JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_STRING)
      return bad_value(settings->origin, name, _("a string"), error);
    g_free(*place);
    *place = json_node_dup_string(node);
    return TRUE;
  }
  if (!ddim_key_find(name, &key))
    return set_unknown(settings, name, error);

  text = node_to_text(node);
  if (!text)
    return bad_value(settings->origin, name, _("a number, a text, a truth value or a list of them"),
                     error);
  char *value = ddim_key_parse(key, text, &expected);
  if (!value)
    return bad_value(settings->origin, name, expected, error);
  g_free(settings->values[key]);
  settings->values[key] = value;
  return TRUE;
}

DdimSettings *
ddim_settings_from_json(const char *text, gsize length, const char *origin, GError **error)
{
  g_autoptr(DdimSettings) settings = ddim_settings_new(origin);
  g_autoptr(JsonNode) root = ddim_json_parse(text, length, origin, error);
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  if (!root)
    return NULL;
  if (!JSON_NODE_HOLDS_OBJECT(root)) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("%s: expected a JSON object"), origin);
    return NULL;
  }
  json_object_iter_init_ordered(&iter, json_node_get_object(root));
  while (json_object_iter_next_ordered(&iter, &name, &node))
    if (!set_member(settings, name, node, error))
      return NULL;
  return g_steal_pointer(&settings);
}

/* The checkpoint's path with its suffix replaced by ".json". A dot in the name of a folder does not
 * begin a suffix, be it that of the file or a model itself. */
char *
ddim_settings_sidecar_path(const char *checkpoint_path)
{
  g_autofree char *path = g_strdup(checkpoint_path);
  gsize length = strlen(path);

  /* A shell completes the name of a folder with a separator. */
  while (length > 1 && G_IS_DIR_SEPARATOR(path[length - 1]))
    path[--length] = '\0';
  g_autofree char *folder = g_path_get_dirname(path);
  g_autofree char *base = g_path_get_basename(path);
  char *dot = strrchr(base, '.');

  if (dot && dot != base && !g_file_test(checkpoint_path, G_FILE_TEST_IS_DIR))
    *dot = '\0';
  g_autofree char *name = g_strconcat(base, ".json", NULL);
  return g_build_filename(folder, name, NULL);
}

DdimSettings *
ddim_settings_from_sidecar(const char *checkpoint_path, GError **error)
{
  g_autofree char *path = ddim_settings_sidecar_path(checkpoint_path);
  g_autofree char *base = g_filename_display_basename(path);
  g_autoptr(GError) local = NULL;
  g_autoptr(DdimFile) file = ddim_file_open(path, &local);
  g_autoptr(GBytes) bytes = NULL;
  gsize length;
  const char *text;

  if (g_error_matches(local, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    return ddim_settings_new(base);
  if (local) {
    g_propagate_error(error, g_steal_pointer(&local));
    return NULL;
  }
  if (ddim_file_get_size(file) > LARGEST_SIDECAR) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("%s: larger than 16 MiB"), base);
    return NULL;
  }
  if (!(bytes = ddim_file_load(file, 0, ddim_file_get_size(file), error)))
    return NULL;
  text = g_bytes_get_data(bytes, &length);
  return ddim_settings_from_json(text ? text : "", length, base, error);
}

DdimSettings *
ddim_settings_from_metadata(DdimCheckpoint *checkpoint, GError **error)
{
  g_autoptr(DdimSettings) settings = ddim_settings_new(_("metadata"));
  const char *names = ddim_checkpoint_get_metadata(checkpoint, "class_names");

  for (guint key = 0; key < DDIM_N_KEYS; key++) {
    const char *text = ddim_checkpoint_get_metadata(checkpoint, ddim_key_name(key));
    g_autofree char *expected = NULL;
    if (!text)
      continue;
    settings->values[key] = ddim_key_parse(key, text, &expected);
    if (!settings->values[key]) {
      bad_value(settings->origin, ddim_key_name(key), expected, error);
      return NULL;
    }
  }
  settings->name = g_strdup(ddim_checkpoint_get_metadata(checkpoint, "name"));
  settings->description = g_strdup(ddim_checkpoint_get_metadata(checkpoint, "description"));
  settings->license = g_strdup(ddim_checkpoint_get_metadata(checkpoint, "license"));
  if (names) {
    g_autoptr(JsonNode) node = ddim_json_parse(names, strlen(names), "class_names", error);
    if (!node || !set_class_names(settings, node, error))
      return NULL;
  }
  return g_steal_pointer(&settings);
}
