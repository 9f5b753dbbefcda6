/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/model/config-details.h"

#include "core/checkpoint/model-folder.h"
#include "core/data/json.h"
#include "core/model/config-private.h"

const DdimArchitecture *
ddim_config_get_architecture(DdimConfig *config)
{
  g_return_val_if_fail(config != NULL, NULL);
  return config->architecture;
}

DdimPoolType
ddim_config_get_pool(DdimConfig *config)
{
  g_return_val_if_fail(config != NULL, DDIM_POOL_NONE);
  return config->architecture->pool.type;
}

guint
ddim_config_get_only_size(DdimConfig *config)
{
  return ddim_config_get_pool(config) == DDIM_POOL_ATTENTION ? ddim_config_get_image_size(config)
                                                             : 0;
}

guint
ddim_config_get_out_channels(DdimConfig *config)
{
  g_return_val_if_fail(config != NULL, 0);
  return config->architecture->out_channels;
}

DdimBytes
ddim_config_get_bytes(DdimConfig *config)
{
  g_return_val_if_fail(config != NULL, DDIM_BYTES_TRUNCATED);
  return config->family->bytes;
}

/* improved_diffusion.script_util.create_gaussian_diffusion */
void
ddim_config_get_diffusion(DdimConfig *config, DdimDiffusionParams *params)
{
  g_return_if_fail(config != NULL && params != NULL);
  const DdimValues *values = &config->values;
  params->noise_schedule = values->text[DDIM_KEY_NOISE_SCHEDULE];
  params->diffusion_steps = ddim_values_get_uint(values, DDIM_KEY_DIFFUSION_STEPS);
  params->timestep_respacing = values->text[DDIM_KEY_TIMESTEP_RESPACING];
  params->mean_type =
      ddim_values_get_bool(values, DDIM_KEY_PREDICT_XSTART) ? DDIM_MEAN_START_X : DDIM_MEAN_EPSILON;
  if (ddim_values_get_bool(values, DDIM_KEY_LEARN_SIGMA))
    params->var_type = DDIM_VAR_LEARNED_RANGE;
  else if (ddim_values_get_bool(values, DDIM_KEY_SIGMA_SMALL))
    params->var_type = DDIM_VAR_FIXED_SMALL;
  else
    params->var_type = DDIM_VAR_FIXED_LARGE;
  params->rescale_timesteps = ddim_values_get_bool(values, DDIM_KEY_RESCALE_TIMESTEPS);
}

void
ddim_config_get_shape(DdimConfig *config, guint *width, guint *height)
{
  *width = config->width;
  *height = config->height;
}

const DdimScheduler *
ddim_config_get_scheduler(DdimConfig *config)
{
  g_return_val_if_fail(config != NULL, NULL);
  return config->scheduler;
}

const char *const *
ddim_config_get_extra_tensors(DdimConfig *config)
{
  g_return_val_if_fail(config != NULL, NULL);
  return (const char *const *)config->extra->pdata;
}

const char *
ddim_config_get_preset(DdimConfig *config)
{
  g_return_val_if_fail(config != NULL, NULL);
  return config->preset;
}

const char *
ddim_config_get_preset_reason(DdimConfig *config)
{
  g_return_val_if_fail(config != NULL, NULL);
  return config->preset_reason;
}

static char *
class_names_to_json(GStrv names)
{
  g_autoptr(JsonArray) array = json_array_new();
  g_autoptr(JsonNode) node = json_node_new(JSON_NODE_ARRAY);

  for (guint i = 0; names[i]; i++)
    json_array_add_string_element(array, names[i]);
  json_node_set_array(node, array);
  return ddim_json_to_line(node);
}

static void
put(GHashTable *table, const char *key, const char *value)
{
  if (value)
    g_hash_table_insert(table, g_strdup(key), g_strdup(value));
}

GHashTable *
ddim_config_to_metadata(DdimConfig *config)
{
  GHashTable *table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

  g_return_val_if_fail(config != NULL, table);
  for (guint key = 0; key < DDIM_N_KEYS; key++)
    put(table, ddim_key_name(key), config->values.text[key]);
  put(table, "name", config->name);
  put(table, "description", config->description);
  put(table, "license", config->license);
  put(table, DDIM_METADATA_UNET, config->files[0]);
  put(table, DDIM_METADATA_SCHEDULER, config->files[1]);
  if (config->class_names && !config->usual_names) {
    g_autofree char *names = class_names_to_json(config->class_names);
    put(table, "class_names", names);
  }
  return table;
}
