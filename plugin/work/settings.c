/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/work/settings.h"

#include <glib/gi18n-lib.h>
#include <json-glib/json-glib.h>
#include "core/data/error.h"
#include "core/job/options.h"

const char **
settings_list_options(void)
{
  return ddim_options_list(ddim_option_get_procedure_place);
}

GParamSpec *
settings_get_pspec(const char *name)
{
  GObjectClass *options = g_type_class_ref(DDIM_TYPE_REQUEST);
  GParamSpec *pspec = g_object_class_find_property(options, name);

  /* Properties of a static type outlive the reference. */
  g_type_class_unref(options);
  return pspec;
}

char *
settings_get_help(const char *name)
{
  GParamSpec *pspec = settings_get_pspec(name);
  const char *blurb = g_param_spec_get_blurb(pspec);

  if (g_str_equal(name, "width"))
    blurb =
        _("Width in pixels; 0: of the selection, else of the image, else of the model’s images");
  else if (g_str_equal(name, "height"))
    blurb =
        _("Height in pixels; 0: of the selection, else of the image, else of the model’s images");
  else if (g_str_equal(name, "scale"))
    blurb = _("How many times as large features become; 0 or 1: as the model makes them");
  if (G_IS_PARAM_SPEC_INT(pspec))
    return g_strdup_printf(_("%s (%d to %d)"), blurb, G_PARAM_SPEC_INT(pspec)->minimum,
                           G_PARAM_SPEC_INT(pspec)->maximum);
  if (G_IS_PARAM_SPEC_DOUBLE(pspec))
    return g_strdup_printf(_("%s (%g to %g)"), blurb, G_PARAM_SPEC_DOUBLE(pspec)->minimum,
                           G_PARAM_SPEC_DOUBLE(pspec)->maximum);
  return g_strdup(blurb);
}

/* The text that the command line would give for @value, so that both are checked by the same code.
 */
static char *
value_to_text(const GValue *value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  if (G_VALUE_HOLDS_INT(value))
    return g_strdup_printf("%d", g_value_get_int(value));
  if (G_VALUE_HOLDS_DOUBLE(value)) {
    double number = g_value_get_double(value);
    if (number >= -1 && number <= SETTINGS_MAX_SEED && number == (double)(gint64)number)
      return g_strdup_printf("%" G_GINT64_FORMAT, (gint64)number);
    return g_strdup(g_ascii_dtostr(text, sizeof text, number));
  }
  return g_value_dup_string(value);
}

gboolean
settings_set_value(DdimRequest *request, const char *name, const GValue *value, GError **error)
{
  g_autofree char *text = value_to_text(value);

  if (text && *text)
    return ddim_request_set_from_string(request, name, text, error);
  g_object_set_property(G_OBJECT(request), name,
                        g_param_spec_get_default_value(settings_get_pspec(name)));
  return TRUE;
}

/* Every property, also those at their default: a later version may have other defaults. */
static JsonObject *
request_to_object(DdimRequest *request)
{
  JsonObject *object = json_object_new();
  guint n = 0;
  g_autofree GParamSpec **pspecs = g_object_class_list_properties(G_OBJECT_GET_CLASS(request), &n);

  for (guint i = 0; i < n; i++) {
    const char *name = pspecs[i]->name;
    g_auto(GValue) value = G_VALUE_INIT;
    g_object_get_property(G_OBJECT(request), name, &value);
    if (G_VALUE_HOLDS_STRING(&value)) {
      if (g_value_get_string(&value))
        json_object_set_string_member(object, name, g_value_get_string(&value));
    } else if (G_VALUE_HOLDS_BOOLEAN(&value))
      json_object_set_boolean_member(object, name, g_value_get_boolean(&value));
    else if (G_VALUE_HOLDS_DOUBLE(&value))
      json_object_set_double_member(object, name, g_value_get_double(&value));
    else if (G_VALUE_HOLDS_INT64(&value))
      json_object_set_int_member(object, name, g_value_get_int64(&value));
    else
      json_object_set_int_member(object, name, g_value_get_int(&value));
  }
  return object;
}

/* The commands of all images, one a line. */
static char *
list_commands(const WorkerResult *result)
{
  GString *lines = g_string_new(NULL);

  for (guint i = 0; i < result->images->len; i++) {
    const WorkerImage *image = g_ptr_array_index(result->images, i);
    g_string_append_printf(lines, "%s%s", i ? "\n" : "", image->command);
  }
  return g_string_free(lines, FALSE);
}

char *
settings_to_parasite(const WorkerResult *result, int index)
{
  g_autoptr(JsonNode) root = json_node_new(JSON_NODE_OBJECT);
  g_autofree char *commands = list_commands(result);
  JsonObject *object = json_object_new();
  const WorkerImage *image = index >= 0 ? g_ptr_array_index(result->images, index) : NULL;

  json_object_set_string_member(object, "ddim", DDIM_VERSION);
  json_object_set_object_member(object, "settings",
                                request_to_object(image ? image->settings : result->settings));
  json_object_set_string_member(object, "command", image ? image->command : commands);
  json_object_set_string_member(object, "model-name", result->model);
  if (image && image->label)
    json_object_set_string_member(object, "class-name", image->label);
  if (result->size.width) {
    json_object_set_int_member(object, "sampled-width", result->size.sampled_width);
    json_object_set_int_member(object, "sampled-height", result->size.sampled_height);
    json_object_set_boolean_member(object, "enlarged", result->size.scaled);
  }
  json_node_take_object(root, object);
  return json_to_string(root, TRUE);
}

char *
settings_to_json(DdimRequest *request)
{
  g_autoptr(JsonNode) root = json_node_new(JSON_NODE_OBJECT);

  json_node_take_object(root, request_to_object(request));
  return json_to_string(root, TRUE);
}

DdimRequest *
settings_from_parasite(const char *data, gsize size, GError **error)
{
  g_autoptr(JsonParser) parser = json_parser_new();
  g_autofree char *json = NULL;
  JsonNode *root;
  JsonObject *object = NULL;

  while (size > 0 && data[size - 1] == '\0')
    size--;
  if (!json_parser_load_from_data(parser, data, size, error))
    return NULL;
  root = json_parser_get_root(parser);
  if (root && JSON_NODE_HOLDS_OBJECT(root))
    object = json_node_get_object(root);
  if (!object || !json_object_has_member(object, "settings")) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT,
                _("The layer’s parasite “%s” holds no settings"), SETTINGS_PARASITE);
    return NULL;
  }
  json = json_to_string(json_object_get_member(object, "settings"), FALSE);
  return ddim_request_new_from_json(json, error);
}
