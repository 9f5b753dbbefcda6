/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* `ddim info --json`. */

#include "info.h"

#include <string.h>

static void
add_text(JsonBuilder *builder, const char *name, const char *value)
{
  g_autofree char *valid = value ? g_utf8_make_valid(value, -1) : NULL;

  json_builder_set_member_name(builder, name);
  if (valid)
    json_builder_add_string_value(builder, valid);
  else
    json_builder_add_null_value(builder);
}

static void
add_number(JsonBuilder *builder, const char *name, gint64 value)
{
  json_builder_set_member_name(builder, name);
  json_builder_add_int_value(builder, value);
}

static void
add_boolean(JsonBuilder *builder, const char *name, gboolean value)
{
  json_builder_set_member_name(builder, name);
  json_builder_add_boolean_value(builder, value);
}

static void
add_texts(JsonBuilder *builder, const char *name, const char *const *values)
{
  json_builder_set_member_name(builder, name);
  json_builder_begin_array(builder);
  for (guint i = 0; values[i]; i++) {
    g_autofree char *valid = g_utf8_make_valid(values[i], -1);
    json_builder_add_string_value(builder, valid);
  }
  json_builder_end_array(builder);
}

static void
add_file(JsonBuilder *builder, DdimCheckpoint *checkpoint)
{
  g_autofree char *path = g_filename_display_name(ddim_checkpoint_get_path(checkpoint));
  DdimCensus census;

  ddim_info_count(checkpoint, &census);
  add_text(builder, "path", path);
  add_text(builder, "format", ddim_checkpoint_get_format(checkpoint));
  add_number(builder, "bytes", ddim_checkpoint_get_file_size(checkpoint));
  add_number(builder, "tensors", ddim_checkpoint_get_n_tensors(checkpoint));
  add_number(builder, "parameters", census.parameters);
  json_builder_set_member_name(builder, "dtypes");
  json_builder_begin_object(builder);
  for (guint i = 0; i < DDIM_N_DTYPES; i++)
    if (census.by_dtype[i] > 0)
      add_number(builder, ddim_dtype_name(i), census.by_dtype[i]);
  json_builder_end_object(builder);
}

static void
add_architecture(JsonBuilder *builder, DdimConfig *config)
{
  const DdimUNetConfig *unet = ddim_config_get_unet(config);

  json_builder_set_member_name(builder, "architecture");
  json_builder_begin_object(builder);
  add_text(builder, "class", unet->super_res ? "SuperResModel" : "UNetModel");
  add_number(builder, "in_channels", unet->in_channels);
  add_number(builder, "out_channels", unet->out_channels);
  add_number(builder, "model_channels", unet->model_channels);
  json_builder_set_member_name(builder, "levels");
  json_builder_begin_array(builder);
  for (guint level = 0; level < unet->n_levels; level++) {
    json_builder_begin_object(builder);
    add_number(builder, "channels", unet->level_channels[level]);
    add_boolean(builder, "attention", unet->level_attention[level]);
    json_builder_end_object(builder);
  }
  json_builder_end_array(builder);
  add_number(builder, "num_res_blocks", unet->num_res_blocks);
  json_builder_end_object(builder);
}

/* Values are text; what reads as a number or a truth value becomes one. */
static void
add_value(const char *key, const char *value, DdimSource source, gpointer user_data)
{
  JsonBuilder *builder = user_data;
  gint64 number;

  json_builder_set_member_name(builder, key);
  json_builder_begin_object(builder);
  if (g_str_equal(value, "True") || g_str_equal(value, "False"))
    add_boolean(builder, "value", *value == 'T');
  else if (g_ascii_string_to_signed(value, 10, G_MININT64, G_MAXINT64, &number, NULL) &&
           !g_str_has_suffix(key, "_resolutions") && !g_str_has_suffix(key, "_respacing") &&
           !g_str_has_suffix(key, "_mult"))
    add_number(builder, "value", number);
  else
    add_text(builder, "value", value);
  add_text(builder, "source", ddim_source_get_name(source));
  json_builder_end_object(builder);
}

static void
add_classes(JsonBuilder *builder, DdimConfig *config)
{
  guint n = ddim_config_get_n_classes(config);

  add_number(builder, "classes", n);
  json_builder_set_member_name(builder, "class_names");
  if (n == 0 || !ddim_config_get_class_name(config, 0)) {
    json_builder_add_null_value(builder);
    return;
  }
  json_builder_begin_array(builder);
  for (guint i = 0; i < n; i++)
    json_builder_add_string_value(builder, ddim_config_get_class_name(config, i));
  json_builder_end_array(builder);
}

char *
ddim_info_model_json(DdimCheckpoint *checkpoint, DdimConfig *config)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();
  g_autoptr(JsonNode) root = NULL;
  g_autofree char *text = NULL;

  json_builder_begin_object(builder);
  add_text(builder, "name", ddim_config_get_name(config));
  add_text(builder, "description", ddim_config_get_description(config));
  add_text(builder, "license", ddim_config_get_license(config));
  add_file(builder, checkpoint);
  add_architecture(builder, config);
  add_number(builder, "size_multiple", 1 << (ddim_config_get_unet(config)->n_levels - 1));
  add_text(builder, "preset", ddim_config_get_preset(config));
  json_builder_set_member_name(builder, "values");
  json_builder_begin_object(builder);
  ddim_config_foreach(config, add_value, builder);
  json_builder_end_object(builder);
  add_classes(builder, config);
  add_texts(builder, "extra_tensors", ddim_config_get_extra_tensors(config));
  add_texts(builder, "notes", ddim_config_get_notes(config));
  json_builder_end_object(builder);
  root = json_builder_get_root(builder);
  text = json_to_string(root, TRUE);
  return g_strconcat(text, "\n", NULL);
}
