/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* `ddim info --json`. */

#include "cli/commands/census.h"
#include "cli/commands/info.h"
#include "cli/commands/info-modules.h"
#include "cli/terminal/members.h"
#include "core/data/json.h"
#include "core/model/config-details.h"

#include <string.h>

static void
add_file(JsonBuilder *builder, DdimCheckpoint *checkpoint)
{
  g_autofree char *path = g_filename_display_name(ddim_checkpoint_get_path(checkpoint));
  DdimCensus census;

  ddim_census_take(checkpoint, &census);
  ddim_member_string(builder, "path", path);
  ddim_member_string(builder, "format", ddim_checkpoint_get_format(checkpoint));
  ddim_member_string(builder, "member", ddim_checkpoint_get_member(checkpoint));
  ddim_member_string(builder, "prefix", ddim_checkpoint_get_prefix(checkpoint));
  ddim_member_int(builder, "bytes", ddim_checkpoint_get_file_size(checkpoint));
  ddim_member_int(builder, "tensors", ddim_checkpoint_get_n_tensors(checkpoint));
  ddim_member_int(builder, "parameters", census.parameters);
  json_builder_set_member_name(builder, "dtypes");
  json_builder_begin_object(builder);
  for (guint i = 0; i < DDIM_N_DTYPES; i++)
    if (census.by_dtype[i] > 0)
      ddim_member_int(builder, ddim_dtype_name(i), census.by_dtype[i]);
  json_builder_end_object(builder);
  ddim_member_double(builder, "f16_error", ddim_census_half_error(&census));
}

/* As the family's authors call it. */
static const char *
get_class(DdimConfig *config)
{
  const char *family = ddim_config_get_family(config);

  if (g_str_equal(family, "diffusers"))
    return "UNet2DModel";
  if (g_str_equal(family, "ermongroup/ddim"))
    return "Model";
  if (ddim_config_get_pool(config) != DDIM_POOL_NONE)
    return "EncoderUNetModel";
  return ddim_config_is_super_res(config) ? "SuperResModel" : "UNetModel";
}

static void
add_architecture(JsonBuilder *builder, DdimConfig *config)
{
  const DdimArchitecture *architecture = ddim_config_get_architecture(config);
  g_autoptr(GArray) levels = ddim_architecture_get_levels(architecture);

  json_builder_set_member_name(builder, "architecture");
  json_builder_begin_object(builder);
  ddim_member_string(builder, "family", ddim_config_get_family(config));
  ddim_member_string(builder, "class", get_class(config));
  ddim_member_int(builder, "in_channels", architecture->in_channels);
  ddim_member_int(builder, "out_channels", architecture->out_channels);
  ddim_member_int(builder, "model_channels", architecture->embedding.channels);
  json_builder_set_member_name(builder, "levels");
  json_builder_begin_array(builder);
  for (guint i = 0; i < levels->len; i++) {
    const DdimLevel *level = &g_array_index(levels, DdimLevel, i);
    json_builder_begin_object(builder);
    ddim_member_int(builder, "channels", level->channels);
    ddim_member_boolean(builder, "attention", level->attention);
    json_builder_end_object(builder);
  }
  json_builder_end_array(builder);
  if (ddim_architecture_is_classifier(architecture))
    ddim_member_string(builder, "pool", ddim_pool_get_name(architecture->pool.type));
  ddim_member_int(builder, "num_res_blocks", g_array_index(levels, DdimLevel, 0).blocks);
  json_builder_end_object(builder);
}

/* All values are text. Those that read as a number or a truth value are written as one. */
static void
add_value(const char *key, const char *value, DdimSource source, gpointer user_data)
{
  JsonBuilder *builder = user_data;
  gint64 number;

  json_builder_set_member_name(builder, key);
  json_builder_begin_object(builder);
  if (g_str_equal(value, "True") || g_str_equal(value, "False"))
    ddim_member_boolean(builder, "value", *value == 'T');
  else if (g_ascii_string_to_signed(value, 10, G_MININT64, G_MAXINT64, &number, NULL) &&
           !g_str_has_suffix(key, "_resolutions") && !g_str_has_suffix(key, "_respacing") &&
           !g_str_has_suffix(key, "_mult"))
    ddim_member_int(builder, "value", number);
  else
    ddim_member_string(builder, "value", value);
  ddim_member_string(builder, "source", ddim_source_get_name(source));
  json_builder_end_object(builder);
}

static void
add_field(const char *field, const char *json, gpointer user_data)
{
  JsonBuilder *builder = user_data;
  g_autoptr(JsonNode) value = json_from_string(json, NULL);

  json_builder_set_member_name(builder, field);
  if (value)
    json_builder_add_value(builder, g_steal_pointer(&value));
  else
    json_builder_add_string_value(builder, json);
}

static void
add_scheduler(JsonBuilder *builder, DdimConfig *config)
{
  const DdimScheduler *scheduler = ddim_config_get_scheduler(config);

  json_builder_set_member_name(builder, "scheduler");
  if (!scheduler) {
    json_builder_add_null_value(builder);
    return;
  }
  json_builder_begin_object(builder);
  ddim_member_string(builder, "class", ddim_scheduler_get_name(scheduler));
  ddim_scheduler_foreach(scheduler, add_field, builder);
  json_builder_end_object(builder);
}

static void
add_classes(JsonBuilder *builder, DdimConfig *config)
{
  guint n = ddim_config_get_n_classes(config);

  ddim_member_int(builder, "classes", n);
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
ddim_info_model_json(DdimCheckpoint *checkpoint, DdimConfig *config, gboolean modules)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();
  g_autoptr(JsonNode) root = NULL;
  g_autofree char *text = NULL;

  json_builder_begin_object(builder);
  ddim_member_string(builder, "name", ddim_config_get_name(config));
  ddim_member_string(builder, "description", ddim_config_get_description(config));
  ddim_member_string(builder, "license", ddim_config_get_license(config));
  add_file(builder, checkpoint);
  add_architecture(builder, config);
  ddim_member_int(builder, "size_multiple", ddim_config_get_stride(config));
  ddim_member_string(builder, "preset", ddim_config_get_preset(config));
  ddim_member_string(builder, "preset_reason", ddim_config_get_preset_reason(config));
  json_builder_set_member_name(builder, "values");
  json_builder_begin_object(builder);
  ddim_config_foreach(config, add_value, builder);
  json_builder_end_object(builder);
  add_scheduler(builder, config);
  add_classes(builder, config);
  ddim_member_strings(builder, "extra_tensors", ddim_config_get_extra_tensors(config));
  ddim_member_strings(builder, "notes", ddim_config_get_notes(config));
  if (modules)
    ddim_info_add_modules(builder, ddim_config_get_architecture(config));
  json_builder_end_object(builder);
  root = json_builder_get_root(builder);
  text = ddim_json_to_text(root);
  return g_strconcat(text, "\n", NULL);
}
