/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The family of diffusers' UNet2DModel. Shapes do not tell heads, groups, epsilons and paddings, so
 * that its config.json is needed; that the weights fit it is checked as for every family. */

#include "core/model/diffusers.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "core/checkpoint/model-folder.h"
#include "core/data/error.h"

static const char *const prefixes[] = {"conv_in.",       "time_embedding.", "class_embedding.",
                                       "down_blocks.",   "mid_block.",      "up_blocks.",
                                       "conv_norm_out.", "conv_out.",       NULL};

#define NAMES                                                                                      \
  .down = "down_blocks", .up = "up_blocks", .res = "resnets", .attention = "attentions",           \
  .downsample = "downsamplers.0", .upsample = "upsamplers.0",                                      \
  .middle = {"mid_block.resnets.0", "mid_block.attentions.0", "mid_block.resnets.1"},              \
  .emb = "time_emb_proj", .skip = "conv_shortcut", .norm = "group_norm",                           \
  .time_first = "time_embedding.linear_1", .time_second = "time_embedding.linear_2",               \
  .label_table = "class_embedding", .label_first = "class_embedding.linear_1",                     \
  .label_second = "class_embedding.linear_2", .norm_out = "conv_norm_out", .up_from_inside = TRUE

static const DdimBlockNames names = {NAMES, .q = "to_q", .k = "to_k", .v = "to_v",
                                     .proj = "to_out.0"};
/* Before diffusers 0.17. */
static const DdimBlockNames old_names = {NAMES, .q = "query", .k = "key", .v = "value",
                                         .proj = "proj_attn"};

static gboolean
recognise(DdimCheckpoint *checkpoint, const char *const *stated)
{
  return (ddim_checkpoint_lookup(checkpoint, "time_embedding.linear_1.weight") ||
          ddim_checkpoint_lookup(checkpoint, "down_blocks.0.resnets.0.norm1.weight")) &&
         !ddim_checkpoint_lookup(checkpoint,
                                 "down_blocks.0.attentions.0.transformer_blocks.0.norm1.weight") &&
         ddim_checkpoint_lookup(checkpoint, "conv_in.weight");
}

static gboolean
has_old_names(DdimCheckpoint *checkpoint)
{
  const guint n = ddim_checkpoint_get_n_tensors(checkpoint);

  for (guint i = 0; i < n; i++)
    if (g_str_has_suffix(ddim_checkpoint_get_tensor(checkpoint, i)->name, ".query.weight"))
      return TRUE;
  return FALSE;
}

static gboolean
parse(DdimCheckpoint *checkpoint, DdimUNet2DConfig *config, GError **error)
{
  const char *text = ddim_checkpoint_get_metadata(checkpoint, DDIM_METADATA_UNET);

  if (text)
    return ddim_unet2d_config_parse(text, strlen(text), config, error);
  g_set_error(
      error, DDIM_ERROR, DDIM_ERROR_NOT_FOUND,
      _("“%s” holds a UNet2DModel of diffusers without its config.json: give the folder that "
        "has both"),
      ddim_checkpoint_get_path(checkpoint));
  return FALSE;
}

/* The evidence for all of them is a field of the file. */
static void
set_number(DdimInference *result, DdimKey key, guint value, const char *field)
{
  ddim_inference_set_number(result, key, value, g_strdup_printf(_("config.json: %s"), field));
}

static void
set_bool(DdimInference *result, DdimKey key, gboolean value, const char *field)
{
  ddim_inference_set_bool(result, key, value, g_strdup_printf(_("config.json: %s"), field));
}

static void
set_levels(DdimInference *result, const DdimBlockUNet *unet)
{
  result->n_levels = unet->n_levels;
  result->base_channels = unet->levels[0].channels;
  for (guint i = 0; i < unet->n_levels; i++)
    result->levels[i] =
        (DdimLevel){.channels = unet->levels[i].channels,
                    .attention = unet->levels[i].down_attention || unet->levels[i].up_attention,
                    .blocks = unet->num_res_blocks};
  ddim_inference_set_channel_mult(result);
  ddim_inference_set(result, DDIM_KEY_ATTENTION_RESOLUTIONS, NULL,
                     g_strdup_printf(_("config.json: %s"), "down_block_types"));
}

static void
set_values(DdimInference *result, const DdimBlockUNet *unet)
{
  set_number(result, DDIM_KEY_IN_CHANNELS, unet->in_channels, "in_channels");
  set_number(result, DDIM_KEY_OUT_CHANNELS, unet->out_channels, "out_channels");
  set_number(result, DDIM_KEY_NUM_CHANNELS, unet->levels[0].channels, "block_out_channels");
  set_number(result, DDIM_KEY_NUM_RES_BLOCKS, unet->num_res_blocks, "layers_per_block");
  set_number(result, DDIM_KEY_NUM_CLASSES, unet->num_classes, "num_class_embeds");
  set_bool(result, DDIM_KEY_CLASS_COND, unet->num_classes > 0, "num_class_embeds");
  set_bool(result, DDIM_KEY_LEARN_SIGMA, unet->out_channels > unet->in_channels, "out_channels");
  set_bool(result, DDIM_KEY_USE_SCALE_SHIFT_NORM, unet->scale_shift, "resnet_time_scale_shift");
  if (unet->head_channels)
    set_number(result, DDIM_KEY_NUM_HEAD_CHANNELS, unet->head_channels, "attention_head_dim");
  else
    set_number(result, DDIM_KEY_NUM_HEADS, 1, "attention_head_dim");
}

static DdimInference *
infer(DdimCheckpoint *checkpoint, const char *const *stated, GError **error)
{
  g_autoptr(DdimInference) result = ddim_inference_new();
  DdimUNet2DConfig config;

  if (!parse(checkpoint, &config, error))
    return NULL;
  config.unet.names = has_old_names(checkpoint) ? &old_names : &names;
  result->source = DDIM_SOURCE_CONFIG;
  result->n_classes = config.unet.num_classes;
  set_levels(result, &config.unet);
  set_values(result, &config.unet);
  result->data = g_memdup2(&config.unet, sizeof config.unet);
  return g_steal_pointer(&result);
}

static gboolean
applies(DdimKey key)
{
  return key != DDIM_KEY_NUM_HEADS_UPSAMPLE && key != DDIM_KEY_RESBLOCK_UPDOWN &&
         key != DDIM_KEY_CONV_RESAMPLE && key != DDIM_KEY_USE_NEW_ATTENTION_ORDER;
}

static DdimArchitecture *
architecture_new(const DdimInference *inference, const DdimValues *values)
{
  return ddim_block_unet_architecture_new(inference->data);
}

/* The model receives the timestep as it is. */
static const DdimDefault defaults[] = {{DDIM_KEY_RESCALE_TIMESTEPS, "False"}, {0}};

const DdimFamily ddim_family_diffusers = {
    .name = "diffusers",
    .bytes = DDIM_BYTES_NEAREST,
    .prefixes = prefixes,
    .defaults = defaults,
    .recognise = recognise,
    .applies = applies,
    .infer = infer,
    .architecture_new = architecture_new,
};
