/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/network/unet-structure.h"

static void
module_free(gpointer data)
{
  DdimModule *module = data;
  g_free(module->prefix);
  g_free(module);
}

static void
stage_free(gpointer data)
{
  DdimStage *stage = data;
  g_ptr_array_unref(stage->modules);
  g_free(stage);
}

static DdimStage *
add_stage(GPtrArray *stages, DdimStageType type, guint in)
{
  DdimStage *stage = g_new0(DdimStage, 1);
  stage->type = type;
  stage->modules = g_ptr_array_new_with_free_func(module_free);
  stage->in = stage->out = in;
  g_ptr_array_add(stages, stage);
  return stage;
}

/* The prefix's last number is the module's position in its stage. */
static DdimModule *
add_module(DdimStage *stage, DdimModuleType type, const char *list, guint index, guint in,
           guint out)
{
  DdimModule *module = g_new0(DdimModule, 1);
  module->type = type;
  module->prefix = stage->type == DDIM_STAGE_MIDDLE
                       ? g_strdup_printf("%s.%u", list, stage->modules->len)
                       : g_strdup_printf("%s.%u.%u", list, index, stage->modules->len);
  module->in = in;
  module->out = out;
  module->has_conv = TRUE;
  g_ptr_array_add(stage->modules, module);
  stage->out = out;
  return module;
}

static void
add_attention(const DdimUNetConfig *config, DdimStage *stage, const char *list, guint index,
              guint heads)
{
  const guint channels = stage->out;
  DdimModule *module = add_module(stage, DDIM_MODULE_ATTENTION, list, index, channels, channels);
  module->heads = config->num_head_channels ? channels / config->num_head_channels : heads;
}

static void
add_resample(const DdimUNetConfig *config, DdimStage *stage, const char *list, guint index,
             gboolean up)
{
  const guint channels = stage->out;
  if (config->resblock_updown) {
    DdimModule *module = add_module(stage, DDIM_MODULE_RES, list, index, channels, channels);
    module->resample = up ? DDIM_RESAMPLE_UP : DDIM_RESAMPLE_DOWN;
  } else {
    DdimModule *module =
        add_module(stage, up ? DDIM_MODULE_UP : DDIM_MODULE_DOWN, list, index, channels, channels);
    module->has_conv = config->conv_resample;
  }
}

static void
add_input_blocks(const DdimUNetConfig *config, GPtrArray *stages)
{
  static const char list[] = "input_blocks";
  DdimStage *stage = add_stage(stages, DDIM_STAGE_INPUT, config->in_channels);
  add_module(stage, DDIM_MODULE_CONV_IN, list, 0, config->in_channels, config->level_channels[0]);
  guint channels = config->level_channels[0], index = 1;
  for (guint level = 0; level < config->n_levels; level++) {
    for (guint block = 0; block < config->num_res_blocks; block++) {
      stage = add_stage(stages, DDIM_STAGE_INPUT, channels);
      add_module(stage, DDIM_MODULE_RES, list, index, channels, config->level_channels[level]);
      if (config->level_attention[level])
        add_attention(config, stage, list, index, config->num_heads);
      channels = stage->out;
      index++;
    }
    if (level + 1 < config->n_levels) {
      stage = add_stage(stages, DDIM_STAGE_INPUT, channels);
      add_resample(config, stage, list, index++, FALSE);
    }
  }
}

static void
add_middle_block(const DdimUNetConfig *config, GPtrArray *stages)
{
  static const char list[] = "middle_block";
  const guint channels = config->level_channels[config->n_levels - 1];
  DdimStage *stage = add_stage(stages, DDIM_STAGE_MIDDLE, channels);
  add_module(stage, DDIM_MODULE_RES, list, 0, channels, channels);
  add_attention(config, stage, list, 0, config->num_heads);
  add_module(stage, DDIM_MODULE_RES, list, 0, channels, channels);
}

static void
add_output_blocks(const DdimUNetConfig *config, GPtrArray *stages)
{
  static const char list[] = "output_blocks";
  guint channels = config->level_channels[config->n_levels - 1];
  guint skip = stages->len - 1, index = 0; /* before the middle block */
  for (guint level = config->n_levels; level-- > 0;) {
    for (guint block = 0; block <= config->num_res_blocks; block++, index++) {
      DdimStage *stage = add_stage(stages, DDIM_STAGE_OUTPUT, channels);
      stage->skip = --skip;
      const DdimStage *from = stages->pdata[skip];
      add_module(stage, DDIM_MODULE_RES, list, index, channels + from->out,
                 config->level_channels[level]);
      if (config->level_attention[level])
        add_attention(config, stage, list, index, config->num_heads_upsample);
      if (level > 0 && block == config->num_res_blocks)
        add_resample(config, stage, list, index, TRUE);
      channels = stage->out;
    }
  }
}

GPtrArray *
ddim_unet_structure_new(const DdimUNetConfig *config)
{
  GPtrArray *stages = g_ptr_array_new_with_free_func(stage_free);
  add_input_blocks(config, stages);
  add_middle_block(config, stages);
  add_output_blocks(config, stages);
  return stages;
}
