/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/model/json-fields.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "core/data/error.h"
#include "core/data/printable.h"

void
ddim_json_fields_init(DdimJsonFields *fields, JsonObject *object, const char *origin)
{
  *fields = (DdimJsonFields){
      .object = object, .origin = origin, .known = g_hash_table_new(g_str_hash, g_str_equal)};
}

void
ddim_json_fields_clear(DdimJsonFields *fields)
{
  g_clear_pointer(&fields->known, g_hash_table_unref);
  g_clear_error(&fields->error);
}

void
ddim_json_fields_fail(DdimJsonFields *fields, int code, const char *name, const char *what)
{
  /* Both may come from the file: the name is that of an unknown field. */
  g_autofree char *shown_name = ddim_printable(name), *shown = ddim_printable(what);

  if (!fields->error)
    g_set_error(&fields->error, DDIM_ERROR, code, "%s: %s: %s", fields->origin, shown_name, shown);
}

static void
expect(DdimJsonFields *fields, const char *name, const char *expected)
{
  g_autofree char *what = g_strdup_printf(_("expected %s"), expected);
  ddim_json_fields_fail(fields, DDIM_ERROR_FORMAT, name, what);
}

/* The value of @name; NULL when it is missing. */
static JsonNode *
find(DdimJsonFields *fields, const char *name)
{
  g_hash_table_add(fields->known, (gpointer)name);
  return fields->error ? NULL : json_object_get_member(fields->object, name);
}

void
ddim_json_fields_ignore(DdimJsonFields *fields, const char *name)
{
  find(fields, name);
}

static gboolean
holds(JsonNode *node, GType type)
{
  return JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == type;
}

gboolean
ddim_json_fields_get_boolean(DdimJsonFields *fields, const char *name, gboolean fallback)
{
  JsonNode *node = find(fields, name);

  if (!node)
    return fallback;
  if (holds(node, G_TYPE_BOOLEAN))
    return json_node_get_boolean(node);
  expect(fields, name, _("true or false"));
  return fallback;
}

/* A whole number, which may be written as 2.0. */
static gboolean
get_whole(JsonNode *node, guint min, guint max, guint *value)
{
  double number;

  if (holds(node, G_TYPE_INT64))
    number = (double)json_node_get_int(node);
  else if (holds(node, G_TYPE_DOUBLE))
    number = json_node_get_double(node);
  else
    return FALSE;
  if (!(number >= min && number <= max) || number != floor(number))
    return FALSE;
  *value = (guint)number;
  return TRUE;
}

guint
ddim_json_fields_get_uint(DdimJsonFields *fields, const char *name, guint min, guint max,
                          guint fallback)
{
  JsonNode *node = find(fields, name);
  guint value = fallback;

  if (node && !get_whole(node, min, max, &value)) {
    g_autofree char *range = g_strdup_printf(_("a whole number from %u to %u"), min, max);
    expect(fields, name, range);
  }
  return value;
}

guint
ddim_json_fields_get_optional(DdimJsonFields *fields, const char *name, guint max, guint fallback)
{
  JsonNode *node = find(fields, name);

  return node && JSON_NODE_HOLDS_NULL(node)
             ? 0
             : ddim_json_fields_get_uint(fields, name, 1, max, fallback);
}

double
ddim_json_fields_get_double(DdimJsonFields *fields, const char *name, double min, double max,
                            double fallback)
{
  JsonNode *node = find(fields, name);
  double value;

  if (!node)
    return fallback;
  value = holds(node, G_TYPE_INT64)    ? (double)json_node_get_int(node)
          : holds(node, G_TYPE_DOUBLE) ? json_node_get_double(node)
                                       : NAN;
  if (value >= min && value <= max)
    return value;
  g_autofree char *range = g_strdup_printf(_("a number from %g to %g"), min, max);
  expect(fields, name, range);
  return fallback;
}

const char *
ddim_json_fields_get_text(DdimJsonFields *fields, const char *name, const char *fallback)
{
  JsonNode *node = find(fields, name);

  if (!node)
    return fallback;
  if (JSON_NODE_HOLDS_NULL(node))
    return NULL;
  if (holds(node, G_TYPE_STRING))
    return json_node_get_string(node);
  expect(fields, name, _("a text"));
  return fallback;
}

/* The list, of at most @max values; NULL when it is missing or wrong. */
static JsonArray *
get_list(DdimJsonFields *fields, const char *name, guint max, const char *expected)
{
  JsonNode *node = find(fields, name);
  JsonArray *array = node && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;

  if (node && (!array || json_array_get_length(array) < 1 || json_array_get_length(array) > max)) {
    expect(fields, name, expected);
    return NULL;
  }
  return array;
}

guint
ddim_json_fields_get_texts(DdimJsonFields *fields, const char *name, guint max, const char **texts)
{
  g_autofree char *expected = g_strdup_printf(_("a list of 1 to %u texts"), max);
  JsonArray *array = get_list(fields, name, max, expected);
  const guint n = array ? json_array_get_length(array) : 0;

  for (guint i = 0; i < n; i++) {
    JsonNode *item = json_array_get_element(array, i);
    if (!holds(item, G_TYPE_STRING)) {
      expect(fields, name, expected);
      return 0;
    }
    texts[i] = json_node_get_string(item);
  }
  return n;
}

guint
ddim_json_fields_get_uints(DdimJsonFields *fields, const char *name, guint max, guint most,
                           guint *values)
{
  g_autofree char *expected =
      g_strdup_printf(_("a list of 1 to %u whole numbers from 1 to %u"), max, most);
  JsonArray *array = get_list(fields, name, max, expected);
  const guint n = array ? json_array_get_length(array) : 0;

  for (guint i = 0; i < n; i++)
    if (!get_whole(json_array_get_element(array, i), 1, most, &values[i])) {
      expect(fields, name, expected);
      return 0;
    }
  return n;
}

void
ddim_json_fields_refuse_others(DdimJsonFields *fields)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  json_object_iter_init_ordered(&iter, fields->object);
  while (json_object_iter_next_ordered(&iter, &name, &node)) {
    const gboolean nothing =
        JSON_NODE_HOLDS_NULL(node) || (holds(node, G_TYPE_BOOLEAN) && !json_node_get_boolean(node));
    if (*name != '_' && !nothing && !g_hash_table_contains(fields->known, name))
      ddim_json_fields_fail(fields, DDIM_ERROR_UNSUPPORTED, name,
                            _("this field is not known here"));
  }
}
