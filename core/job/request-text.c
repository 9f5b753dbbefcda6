/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Requests as text: one option of a command line, JSON, a whole command line. */

#include "core/job/request-private.h"

#include <glib/gi18n-lib.h>
#include <inttypes.h>
#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

#include "core/data/error.h"
#include "core/data/json.h"
#include "core/data/printable.h"
#include "core/job/options.h"

static GParamSpec *
find_spec(DdimRequest *request, const char *name, GError **error)
{
  GParamSpec *spec = g_object_class_find_property(G_OBJECT_GET_CLASS(request), name);

  if (!spec) {
    g_autofree char *shown = ddim_printable(name);
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT, _("there is no option '%s'"), shown);
  }
  return spec;
}

/* Which values @spec takes, as a text for messages. (transfer full) */
static char *
describe_range(GParamSpec *spec)
{
  const char *const *choices = ddim_option_find(spec->name)->choices;

  if (choices)
    return g_strjoinv(", ", (char **)choices);
  if (G_IS_PARAM_SPEC_INT(spec))
    return g_strdup_printf(_("a whole number from %d to %d"), G_PARAM_SPEC_INT(spec)->minimum,
                           G_PARAM_SPEC_INT(spec)->maximum);
  if (G_IS_PARAM_SPEC_INT64(spec))
    return g_strdup_printf(_("a whole number from %" PRId64 " to %" PRId64),
                           G_PARAM_SPEC_INT64(spec)->minimum, G_PARAM_SPEC_INT64(spec)->maximum);
  if (G_IS_PARAM_SPEC_DOUBLE(spec))
    return g_strdup_printf(_("a number from %g to %g"), G_PARAM_SPEC_DOUBLE(spec)->minimum,
                           G_PARAM_SPEC_DOUBLE(spec)->maximum);
  if (G_IS_PARAM_SPEC_BOOLEAN(spec))
    return g_strdup(_("true or false"));
  return g_strdup(_("text"));
}

static gboolean
refuse(GParamSpec *spec, const char *value, GError **error)
{
  g_autofree char *range = describe_range(spec), *shown = ddim_printable(value);

  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT, _("%s: '%s' is not valid; expected %s"),
              spec->name, shown, range);
  return FALSE;
}

/* Read @text as a value of @spec's type. */
static gboolean
value_from_string(GParamSpec *spec, const char *text, GValue *value)
{
  gint64 integer = 0;
  char *end = NULL;
  double number;

  switch (spec->value_type) {
  case G_TYPE_STRING:
    g_value_set_string(value, text);
    return TRUE;
  case G_TYPE_INT:
    if (!g_ascii_string_to_signed(text, 10, G_MININT, G_MAXINT, &integer, NULL))
      return FALSE;
    g_value_set_int(value, integer);
    return TRUE;
  case G_TYPE_INT64:
    if (!g_ascii_string_to_signed(text, 10, G_MININT64, G_MAXINT64, &integer, NULL))
      return FALSE;
    g_value_set_int64(value, integer);
    return TRUE;
  case G_TYPE_DOUBLE:
    number = g_ascii_strtod(text, &end);
    g_value_set_double(value, number);
    return end != text && *end == '\0' && isfinite(number);
  default:
    g_value_set_boolean(value, g_str_equal(text, "true"));
    return g_str_equal(text, "true") || g_str_equal(text, "false");
  }
}

/* Set the property unless the value is out of its range. */
static gboolean
set_checked(DdimRequest *request, GParamSpec *spec, const GValue *value, const char *text,
            GError **error)
{
  g_auto(GValue) clamped = G_VALUE_INIT;
  const char *const *choices = ddim_option_find(spec->name)->choices;

  g_value_init(&clamped, spec->value_type);
  g_value_copy(value, &clamped);
  if (g_param_value_validate(spec, &clamped))
    return refuse(spec, text, error);
  if (choices && !g_strv_contains(choices, g_value_get_string(value)))
    return refuse(spec, text, error);
  g_object_set_property(G_OBJECT(request), spec->name, value);
  return ddim_request_check(request, error);
}

/* "WxH", or "N" for a square. */
static gboolean
set_size(DdimRequest *request, const char *text, GError **error)
{
  g_auto(GStrv) parts = g_strsplit(text, "x", 3);
  guint n = g_strv_length(parts);
  GParamSpec *spec = find_spec(request, "width", NULL);
  g_autofree char *shown = ddim_printable(text);
  gint64 size[2] = {0, 0};

  for (guint i = 0; i < n && i < 2; i++)
    if (!g_ascii_string_to_signed(parts[i], 10, 0, G_PARAM_SPEC_INT(spec)->maximum, &size[i], NULL))
      n = 0;
  if (n < 1 || n > 2) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("size: '%s' is not valid; expected WIDTHxHEIGHT, such as 64x48, or one number"),
                shown);
    return FALSE;
  }
  g_object_set(request, "width", (int)size[0], "height", (int)size[n - 1], NULL);
  return TRUE;
}

gboolean
ddim_request_set_from_string(DdimRequest *request, const char *name, const char *value,
                             GError **error)
{
  g_auto(GValue) parsed = G_VALUE_INIT;
  GParamSpec *spec;

  if (g_str_equal(name, "size"))
    return set_size(request, value, error);
  if (!(spec = find_spec(request, name, error)))
    return FALSE;
  g_value_init(&parsed, spec->value_type);
  if (!value_from_string(spec, value, &parsed))
    return refuse(spec, value, error);
  return set_checked(request, spec, &parsed, value, error);
}

/* A file name need not be UTF-8, but JSON must be: such a name becomes an object, whose member is
 * the name with octal escapes. */
#define BYTES "bytes"

static void
add_bytes(JsonBuilder *builder, const char *bytes)
{
  g_autofree char *escaped = g_strescape(bytes, NULL);

  json_builder_begin_object(builder);
  json_builder_set_member_name(builder, BYTES);
  json_builder_add_string_value(builder, escaped);
  json_builder_end_object(builder);
}

/* The inverse. NULL when @node is not such an object. (transfer full) (nullable) */
static char *
get_bytes(JsonNode *node)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
  JsonNode *member =
      object && json_object_get_size(object) == 1 ? json_object_get_member(object, BYTES) : NULL;

  return member && JSON_NODE_HOLDS_VALUE(member) &&
                 json_node_get_value_type(member) == G_TYPE_STRING
             ? g_strcompress(json_node_get_string(member))
             : NULL;
}

static void
add_json_value(JsonBuilder *builder, const GValue *value)
{
  if (G_VALUE_HOLDS_INT(value)) {
    json_builder_add_int_value(builder, g_value_get_int(value));
  } else if (G_VALUE_HOLDS_INT64(value)) {
    json_builder_add_int_value(builder, g_value_get_int64(value));
  } else if (G_VALUE_HOLDS_DOUBLE(value)) {
    json_builder_add_double_value(builder, g_value_get_double(value));
  } else if (G_VALUE_HOLDS_BOOLEAN(value)) {
    json_builder_add_boolean_value(builder, g_value_get_boolean(value));
  } else if (g_utf8_validate(g_value_get_string(value), -1, NULL)) {
    json_builder_add_string_value(builder, g_value_get_string(value));
  } else {
    add_bytes(builder, g_value_get_string(value));
  }
}

char *
ddim_request_to_json(DdimRequest *request)
{
  guint n = 0;
  g_autofree GParamSpec **specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(request), &n);
  g_autoptr(JsonBuilder) builder = json_builder_new();
  g_autoptr(JsonNode) root = NULL;

  json_builder_begin_object(builder);
  for (guint i = 0; i < n; i++) {
    g_auto(GValue) value = G_VALUE_INIT;
    g_object_get_property(G_OBJECT(request), specs[i]->name, &value);
    if ((G_VALUE_HOLDS_STRING(&value) && !g_value_get_string(&value)) ||
        !ddim_request_takes(request, specs[i]->name))
      continue;
    json_builder_set_member_name(builder, specs[i]->name);
    add_json_value(builder, &value);
  }
  json_builder_end_object(builder);
  root = json_builder_get_root(builder);
  return ddim_json_to_line(root);
}

static gboolean
set_size_from_node(DdimRequest *request, JsonNode *node, GType type, GError **error)
{
  g_autofree char *line = ddim_json_to_line(node);

  return set_size(request, type == G_TYPE_STRING ? json_node_get_string(node) : line, error);
}

gboolean
ddim_request_set_from_node(DdimRequest *request, const char *name, JsonNode *node, GError **error)
{
  GType type = JSON_NODE_HOLDS_VALUE(node) ? json_node_get_value_type(node) : G_TYPE_NONE;
  GParamSpec *spec = NULL;
  g_auto(GValue) value = G_VALUE_INIT;
  g_autofree char *text = NULL, *bytes = NULL;

  if (g_str_equal(name, "size"))
    return set_size_from_node(request, node, type, error);
  if (!(spec = find_spec(request, name, error)))
    return FALSE;
  bytes = get_bytes(node);
  text = type == G_TYPE_STRING ? g_strdup(json_node_get_string(node)) : ddim_json_to_line(node);
  g_value_init(&value, spec->value_type);
  if (spec->value_type == G_TYPE_STRING && (type == G_TYPE_STRING || bytes)) {
    g_value_set_string(&value, bytes ? bytes : text);
  } else if (spec->value_type == G_TYPE_BOOLEAN && type == G_TYPE_BOOLEAN) {
    g_value_set_boolean(&value, json_node_get_boolean(node));
  } else if (spec->value_type == G_TYPE_DOUBLE && (type == G_TYPE_DOUBLE || type == G_TYPE_INT64)) {
    g_value_set_double(&value, json_node_get_double(node));
  } else if (spec->value_type == G_TYPE_INT64 && type == G_TYPE_INT64) {
    g_value_set_int64(&value, json_node_get_int(node));
  } else if (spec->value_type == G_TYPE_INT && type == G_TYPE_INT64 &&
             json_node_get_int(node) == (int)json_node_get_int(node)) {
    g_value_set_int(&value, json_node_get_int(node));
  } else {
    return refuse(spec, text, error);
  }
  return set_checked(request, spec, &value, text, error);
}

DdimRequest *
ddim_request_new_from_json(const char *json, GError **error)
{
  g_autoptr(DdimRequest) request = ddim_request_new();
  g_autoptr(JsonNode) root = ddim_json_parse(json, strlen(json), _("settings"), error);
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  if (!root)
    return NULL;
  if (!JSON_NODE_HOLDS_OBJECT(root)) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("settings: expected a JSON object"));
    return NULL;
  }
  json_object_iter_init_ordered(&iter, json_node_get_object(root));
  while (json_object_iter_next_ordered(&iter, &name, &node))
    if (!ddim_request_set_from_node(request, name, node, error))
      return NULL;
  return g_steal_pointer(&request);
}

/* Append @word. It is quoted only if a shell needs that, so that the line stays readable. */
static void
append_word(GString *line, const char *word)
{
  static const char plain[] = G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "_-.,/:=+@%";
  g_autofree char *quoted = NULL;

  if (*word && strspn(word, plain) == strlen(word)) {
    g_string_append(line, word);
    return;
  }
  quoted = g_shell_quote(word);
  g_string_append(line, quoted);
}

/* The shortest decimal number that reads back as @number. (transfer full) */
static char *
double_to_string(double number)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];

  g_ascii_formatd(buffer, sizeof buffer, "%.15g", number);
  if (g_ascii_strtod(buffer, NULL) != number)
    g_ascii_dtostr(buffer, sizeof buffer, number);
  return g_strdup(buffer);
}

char *
ddim_request_get_as_string(DdimRequest *request, const char *name)
{
  g_auto(GValue) value = G_VALUE_INIT;

  g_object_get_property(G_OBJECT(request), name, &value);
  if (G_VALUE_HOLDS_STRING(&value))
    return g_value_dup_string(&value);
  if (G_VALUE_HOLDS_INT(&value))
    return g_strdup_printf("%d", g_value_get_int(&value));
  if (G_VALUE_HOLDS_INT64(&value))
    return g_strdup_printf("%" G_GINT64_FORMAT, g_value_get_int64(&value));
  if (G_VALUE_HOLDS_DOUBLE(&value))
    return double_to_string(g_value_get_double(&value));
  return g_strdup(g_value_get_boolean(&value) ? "true" : "false");
}

/* @line as it can be shown and pasted. Characters that cannot be shown, and bytes that are not
 * UTF-8, would be lost on the way; a shell makes them of octal escapes. (transfer full) */
static char *
make_safe(const char *line)
{
  g_autofree char *shown = ddim_printable(line);
  GString *out;

  if (g_str_equal(line, shown))
    return g_steal_pointer(&shown);
  out = g_string_new("eval \"$(printf '");
  for (const guint8 *at = (const guint8 *)line; *at; at++) {
    if (*at == '\'' || !g_ascii_isprint((char)*at))
      g_string_append_printf(out, "\\%03o", *at);
    else if (*at == '%' || *at == '\\')
      g_string_append_printf(out, "%c%c", *at, *at);
    else
      g_string_append_c(out, (char)*at);
  }
  g_string_append(out, "')\"");
  return g_string_free(out, FALSE);
}

char *
ddim_request_to_command(DdimRequest *request)
{
  guint n = 0;
  g_autofree GParamSpec **specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(request), &n);
  g_autoptr(GString) line = g_string_new("ddim ");
  g_autofree char *command = NULL;
  int width = 0, height = 0;

  g_object_get(request, "command", &command, "width", &width, "height", &height, NULL);
  g_string_append(line, command);
  for (guint i = 0; i < n; i++) {
    const char *name = specs[i]->name;
    g_autofree char *text = ddim_request_get_as_string(request, name);
    g_auto(GValue) value = G_VALUE_INIT;

    g_object_get_property(G_OBJECT(request), name, &value);
    if (g_param_value_defaults(specs[i], &value) || !ddim_request_takes(request, name) ||
        g_str_equal(name, "width") || g_str_equal(name, "height") || g_str_equal(name, "command"))
      continue;
    if (g_str_equal(name, "clip")) {
      g_string_append(line, " --no-clip");
    } else {
      g_string_append_printf(line, " --%s ", ddim_option_get_long_name(ddim_option_find(name)));
      append_word(line, text);
    }
  }
  if ((width || height) && ddim_request_takes(request, "size"))
    g_string_append_printf(line, " --size %dx%d", width, height);
  return make_safe(line->str);
}
