/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/model/scheduler-json.h"

#include <glib/gi18n-lib.h>
#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

#include "core/data/error.h"
#include "core/data/json.h"

#define ORIGIN "scheduler_config.json"

/* The word at @at, which stands for a value in what Python writes; NULL when it is none. */
static const char *
find_word(const char *at, const char *end)
{
  static const char *const words[] = {"-Infinity", "Infinity", "NaN"};

  for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
    if ((gsize)(end - at) >= strlen(words[i]) && memcmp(at, words[i], strlen(words[i])) == 0)
      return words[i];
  return NULL;
}

/* @text with these words in quotation marks. */
static GString *
quote_words(const char *text, gsize length)
{
  GString *quoted = g_string_sized_new(length);
  const char *end = text + length, *word;
  gboolean inside = FALSE;

  for (const char *at = text; at < end;) {
    if (*at == '"')
      inside = !inside;
    if (inside && *at == '\\' && at + 1 < end) {
      g_string_append_len(quoted, at, 2);
      at += 2;
    } else if (!inside && (word = find_word(at, end))) {
      g_string_append_printf(quoted, "\"%s\"", word);
      at += strlen(word);
    } else {
      g_string_append_c(quoted, *at++);
    }
  }
  return quoted;
}

static gboolean
set_list(DdimScheduler *scheduler, const char *field, JsonArray *array, GError **error)
{
  const guint n = json_array_get_length(array);
  g_autofree double *values = g_new(double, MAX(n, 1));

  for (guint i = 0; i < n; i++) {
    JsonNode *item = json_array_get_element(array, i);
    const GType type =
        JSON_NODE_HOLDS_VALUE(item) ? json_node_get_value_type(item) : G_TYPE_INVALID;
    if (type != G_TYPE_INT64 && type != G_TYPE_DOUBLE)
      return ddim_scheduler_set_other(scheduler, field, error);
    values[i] = type == G_TYPE_INT64 ? (double)json_node_get_int(item) : json_node_get_double(item);
  }
  return ddim_scheduler_set_numbers(scheduler, field, values, n, error);
}

static gboolean
set_field(DdimScheduler *scheduler, const char *field, JsonNode *node, GError **error)
{
  if (JSON_NODE_HOLDS_NULL(node))
    return ddim_scheduler_set_null(scheduler, field, error);
  if (JSON_NODE_HOLDS_ARRAY(node))
    return set_list(scheduler, field, json_node_get_array(node), error);
  if (!JSON_NODE_HOLDS_VALUE(node))
    return ddim_scheduler_set_other(scheduler, field, error);
  switch (json_node_get_value_type(node)) {
  case G_TYPE_BOOLEAN:
    return ddim_scheduler_set_boolean(scheduler, field, json_node_get_boolean(node), error);
  case G_TYPE_INT64:
    return ddim_scheduler_set_number(scheduler, field, (double)json_node_get_int(node), error);
  case G_TYPE_DOUBLE:
    return ddim_scheduler_set_number(scheduler, field, json_node_get_double(node), error);
  case G_TYPE_STRING:
    return ddim_scheduler_set_text(scheduler, field, json_node_get_string(node), error);
  default:
    return ddim_scheduler_set_other(scheduler, field, error);
  }
}

/* Errors without the name of the file. */
static DdimScheduler *
read_object(JsonObject *object, GError **error)
{
  JsonNode *type = json_object_get_member(object, "_class_name");
  g_autoptr(DdimScheduler) scheduler = NULL;
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  if (!type || !JSON_NODE_HOLDS_VALUE(type) || json_node_get_value_type(type) != G_TYPE_STRING) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("%s: expected the name of a class"),
                "_class_name");
    return NULL;
  }
  scheduler = ddim_scheduler_new(json_node_get_string(type), error);
  if (!scheduler)
    return NULL;
  json_object_iter_init_ordered(&iter, object);
  while (json_object_iter_next_ordered(&iter, &name, &node))
    if (*name != '_' && !set_field(scheduler, name, node, error))
      return NULL;
  return ddim_scheduler_check(scheduler, error) ? g_steal_pointer(&scheduler) : NULL;
}

DdimScheduler *
ddim_scheduler_parse(const char *text, gsize length, GError **error)
{
  GString *quoted = quote_words(text, length);
  g_autoptr(JsonNode) root = ddim_json_parse(quoted->str, quoted->len, ORIGIN, error);
  g_autoptr(DdimScheduler) scheduler = NULL;

  g_string_free(quoted, TRUE);
  if (!root)
    return NULL;
  if (!JSON_NODE_HOLDS_OBJECT(root)) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("%s: expected a JSON object"), ORIGIN);
    return NULL;
  }
  scheduler = read_object(json_node_get_object(root), error);
  if (!scheduler)
    g_prefix_error(error, "%s: ", ORIGIN);
  return g_steal_pointer(&scheduler);
}

const char *
ddim_scheduler_get_noise_schedule(const DdimScheduler *scheduler)
{
  const double scale = 1000.0 / scheduler->num_train_timesteps;

  if (scheduler->trained_betas || scheduler->rescale_betas_zero_snr)
    return NULL;
  if (scheduler->beta_schedule == DDIM_BETAS_SQUAREDCOS_CAP_V2)
    return "cosine";
  return scheduler->beta_schedule == DDIM_BETAS_LINEAR &&
                 fabs(scheduler->beta_start - scale * 0.0001) < 1e-12 &&
                 fabs(scheduler->beta_end - scale * 0.02) < 1e-12
             ? "linear"
             : NULL;
}
