/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/terminal/members.h"

#include "core/data/json.h"

static void
add_string(JsonBuilder *builder, const char *value)
{
  g_autofree char *valid = g_utf8_make_valid(value, -1);

  json_builder_add_string_value(builder, valid);
}

void
ddim_member_string(JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name(builder, name);
  if (value)
    add_string(builder, value);
  else
    json_builder_add_null_value(builder);
}

void
ddim_member_int(JsonBuilder *builder, const char *name, guint64 value)
{
  json_builder_set_member_name(builder, name);
  json_builder_add_int_value(builder, (gint64)MIN(value, G_MAXINT64));
}

void
ddim_member_double(JsonBuilder *builder, const char *name, double value)
{
  json_builder_set_member_name(builder, name);
  json_builder_add_double_value(builder, value);
}

void
ddim_member_boolean(JsonBuilder *builder, const char *name, gboolean value)
{
  json_builder_set_member_name(builder, name);
  json_builder_add_boolean_value(builder, value);
}

void
ddim_member_null(JsonBuilder *builder, const char *name)
{
  json_builder_set_member_name(builder, name);
  json_builder_add_null_value(builder);
}

void
ddim_member_strings(JsonBuilder *builder, const char *name, const char *const *values)
{
  json_builder_set_member_name(builder, name);
  json_builder_begin_array(builder);
  for (guint i = 0; values[i]; i++)
    add_string(builder, values[i]);
  json_builder_end_array(builder);
}

char *
ddim_members_to_line(JsonBuilder *builder)
{
  g_autoptr(JsonNode) root = json_builder_get_root(builder);
  g_autofree char *text = ddim_json_to_line(root);

  return g_strconcat(text, "\n", NULL);
}
