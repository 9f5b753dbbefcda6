/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

/** What a configuration says, as text for tests to compare. */

#include "core/model/architecture.h"
#include "core/model/config-details.h"

typedef struct {
  const char *key;
  char *value;
  DdimSource source;
} FoundValue;

static inline void
found_value_take(const char *key, const char *value, DdimSource source, gpointer user_data)
{
  FoundValue *found = user_data;

  if (g_str_equal(key, found->key)) {
    found->value = g_strdup(value);
    found->source = source;
  }
}

/* The value of @key, NULL when there is none, and where it is from. (transfer full) (nullable)
 * @source  (out) (nullable) */
static inline char *
config_find_value(DdimConfig *config, const char *key, DdimSource *source)
{
  FoundValue found = {.key = key};

  ddim_config_foreach(config, found_value_take, &found);
  if (source)
    *source = found.source;
  return found.value;
}

/* "64+ 128": channels of each level, + with attention. (transfer full) */
static inline char *
config_levels_to_string(DdimConfig *config)
{
  g_autoptr(GArray) levels = ddim_architecture_get_levels(ddim_config_get_architecture(config));
  GString *text = g_string_new(NULL);

  for (guint i = 0; i < levels->len; i++) {
    const DdimLevel *level = &g_array_index(levels, DdimLevel, i);
    g_string_append_printf(text, "%s%u%s", i ? " " : "", level->channels,
                           level->attention ? "+" : "");
  }
  return g_string_free(text, FALSE);
}
