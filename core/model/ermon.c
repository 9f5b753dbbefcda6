/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* ermongroup/ddim, models/diffusion.py. Everything but the size of the images shows in the names
 * and shapes of the tensors. */

#include "core/model/ermon.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "core/data/error.h"
#include "core/model/block-unet.h"

/* Normalize() */
#define GROUPS 32
#define EPS 1e-6f
#define MAX_BLOCKS 1000

static const char *const prefixes[] = {"temb.", "conv_in.",  "down.",     "mid.",
                                       "up.",   "norm_out.", "conv_out.", NULL};

static const DdimBlockNames names = {
    .down = "down",
    .up = "up",
    .res = "block",
    .attention = "attn",
    .downsample = "downsample",
    .upsample = "upsample",
    .middle = {"mid.block_1", "mid.attn_1", "mid.block_2"},
    .emb = "temb_proj",
    .skip = "nin_shortcut",
    .norm = "norm",
    .q = "q",
    .k = "k",
    .v = "v",
    .proj = "proj_out",
    .time_first = "temb.dense.0",
    .time_second = "temb.dense.1",
    .norm_out = "norm_out",
};

typedef struct {
  DdimCheckpoint *checkpoint;
  DdimInference *result;
  DdimBlockUNet *unet; /* result->data */
  GError **error;
} Inference;

static gboolean
recognise(DdimCheckpoint *checkpoint, const char *const *stated)
{
  return ddim_checkpoint_lookup(checkpoint, "temb.dense.0.weight") ||
         ddim_checkpoint_lookup(checkpoint, "down.0.block.0.norm1.weight");
}

static gboolean
has(const Inference *inference, const char *format, guint first, guint second)
{
  g_autofree char *name = g_strdup_printf("down.%u.%s.%u", first, format, second);
  g_autofree char *weight =
      g_strconcat(name, strcmp(format, "attn") == 0 ? ".q" : ".conv1", ".weight", NULL);
  return ddim_checkpoint_lookup(inference->checkpoint, weight) != NULL;
}

static const DdimTensor *
find(const Inference *inference, const char *name, guint n_dims)
{
  return ddim_inference_find(inference->checkpoint, name, n_dims, inference->error);
}

static gboolean
infer_structure(Inference *inference)
{
  DdimBlockUNet *unet = inference->unet;
  guint levels = 0, blocks = 0;

  while (levels <= DDIM_MAX_LEVELS && has(inference, "block", levels, 0))
    levels++;
  while (blocks < MAX_BLOCKS && has(inference, "block", 0, blocks))
    blocks++;
  if (levels == 0) {
    find(inference, "down.0.block.0.conv1.weight", 4);
    return FALSE;
  }
  if (levels > DDIM_MAX_LEVELS || blocks >= MAX_BLOCKS) {
    g_set_error(inference->error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
                _("%u blocks in %u levels: supported are up to %d levels of at least one residual "
                  "block"),
                levels * blocks, levels, DDIM_MAX_LEVELS);
    return FALSE;
  }
  unet->n_levels = levels;
  unet->num_res_blocks = blocks;
  ddim_inference_set_number(
      inference->result, DDIM_KEY_NUM_RES_BLOCKS, blocks,
      g_strdup_printf(_("the last block of level 0 is %s%u"), "down.0.block.", blocks - 1));
  return TRUE;
}

static gboolean
infer_level(Inference *inference, guint index)
{
  DdimBlockUNet *unet = inference->unet;
  DdimBlockLevel *level = &unet->levels[index];
  g_autofree char *name = g_strdup_printf("down.%u.block.0.conv1.weight", index);
  const DdimTensor *tensor = find(inference, name, 4);

  if (!tensor)
    return FALSE;
  if (tensor->shape[0] > DDIM_MAX_CHANNELS || tensor->shape[0] % GROUPS) {
    g_autofree char *text = ddim_inference_describe(tensor);
    g_set_error(inference->error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
                _("%s: the channels of a level must be a multiple of %d, at most %d (GroupNorm)"),
                text, GROUPS, DDIM_MAX_CHANNELS);
    return FALSE;
  }
  level->channels = tensor->shape[0];
  level->down_attention = level->up_attention = has(inference, "attn", index, 0);
  inference->result->levels[index] = (DdimLevel){.channels = level->channels,
                                                 .attention = level->down_attention,
                                                 .blocks = unet->num_res_blocks};
  return TRUE;
}

/* resamp_with_conv is one value for all levels. */
static void
infer_resampling(Inference *inference)
{
  static const char name[] = "down.0.downsample.conv.weight";
  DdimBlockUNet *unet = inference->unet;
  const gboolean conv = ddim_checkpoint_lookup(inference->checkpoint, name) != NULL;

  for (guint i = 0; i < unet->n_levels; i++)
    unet->levels[i].down_end = unet->levels[i].up_end =
        conv ? DDIM_BLOCK_END_CONV : DDIM_BLOCK_END_PLAIN;
  if (unet->n_levels > 1)
    ddim_inference_set_bool(inference->result, DDIM_KEY_CONV_RESAMPLE, conv,
                            g_strdup_printf(conv ? _("there is %s") : _("there is no %s"), name));
}

static gboolean
infer_levels(Inference *inference)
{
  DdimInference *result = inference->result;

  for (guint i = 0; i < inference->unet->n_levels; i++)
    if (!infer_level(inference, i))
      return FALSE;
  result->n_levels = inference->unet->n_levels;
  ddim_inference_set_channel_mult(result);
  ddim_inference_set(result, DDIM_KEY_ATTENTION_RESOLUTIONS, NULL,
                     g_strdup("down.N.attn.0.q.weight"));
  infer_resampling(inference);
  return TRUE;
}

static gboolean
infer_embedding(Inference *inference)
{
  DdimBlockUNet *unet = inference->unet;
  const DdimTensor *time = find(inference, "temb.dense.0.weight", 2);

  if (!time)
    return FALSE;
  if (time->shape[1] > DDIM_MAX_CHANNELS || time->shape[1] % 2 || time->shape[1] < 4 ||
      time->shape[0] > DDIM_MAX_CHANNELS) {
    g_autofree char *text = ddim_inference_describe(time);
    g_set_error(inference->error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
                _("%s: the channels of the time embedding must be even and at most %d"), text,
                DDIM_MAX_CHANNELS);
    return FALSE;
  }
  unet->time_channels = inference->result->base_channels = time->shape[1];
  unet->time_width = time->shape[0];
  ddim_inference_set_number(inference->result, DDIM_KEY_NUM_CHANNELS, unet->time_channels,
                            ddim_inference_describe(time));
  ddim_inference_set_classes(inference->result, NULL, "label_emb.weight");
  return TRUE;
}

static gboolean
infer_channels(Inference *inference)
{
  const DdimTensor *first = find(inference, "conv_in.weight", 4);
  const DdimTensor *last = first ? find(inference, "conv_out.weight", 4) : NULL;

  if (!last ||
      !ddim_inference_set_channels(inference->result, first, last, FALSE, inference->error))
    return FALSE;
  if (inference->result->super_res) {
    g_autofree char *text = ddim_inference_describe(first);
    g_set_error(inference->error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
                _("%s: %s has no super-resolution models"), text, ddim_family_ermon.name);
    return FALSE;
  }
  inference->unet->in_channels = first->shape[1];
  inference->unet->first_channels = inference->unet->time_channels;
  inference->unet->out_channels = last->shape[0];
  return TRUE;
}

static void
set_constants(DdimInference *result, DdimBlockUNet *unet)
{
  unet->names = &names;
  unet->frequency_shift = 1;
  unet->sine_first = TRUE;
  unet->groups = unet->middle_groups = GROUPS;
  unet->eps = EPS;
  unet->has_middle = unet->middle_attention = TRUE;
  unet->padding = DDIM_PADDING_RIGHT_BOTTOM;
  ddim_inference_set_number(result, DDIM_KEY_NUM_HEADS, 1,
                            g_strdup(_("the attention of this family has one head")));
}

static DdimInference *
infer(DdimCheckpoint *checkpoint, const char *const *stated, GError **error)
{
  g_autoptr(DdimInference) result = ddim_inference_new();
  DdimBlockUNet *unet = g_new0(DdimBlockUNet, 1);
  Inference inference = {.checkpoint = checkpoint, .result = result, .unet = unet, .error = error};

  result->data = unet;
  set_constants(result, unet);
  if (!infer_embedding(&inference) || !infer_structure(&inference) || !infer_levels(&inference) ||
      !infer_channels(&inference))
    return NULL;
  return g_steal_pointer(&result);
}

/* The models of configs/: the size shows in channel_mult, as every level halves it. */
static const struct {
  const char *name, *channel_mult, *image_size, *sigma_small;
} presets[] = {
    {"cifar10", "1,2,2,2", "32", "False"},
    {"celeba", "1,2,2,2,4", "64", "False"},
    {"bedroom, church", "1,1,2,2,4,4", "256", "True"},
};

/* All of them have 128 channels, two blocks, and attention at 16x16. */
static gboolean
is_published(const DdimInference *inference, const char *image_size)
{
  const DdimBlockUNet *unet = inference->data;

  return unet->time_channels == 128 && unet->num_res_blocks == 2 &&
         !ddim_inference_contradicts(inference, DDIM_KEY_ATTENTION_RESOLUTIONS, "16",
                                     (guint)g_ascii_strtoull(image_size, NULL, 10));
}

static DdimSettings *
find_preset(const char *checkpoint_path, const DdimInference *inference)
{
  DdimSettings *settings = ddim_settings_new(NULL);

  for (gsize i = 0; i < G_N_ELEMENTS(presets); i++) {
    if (!g_str_equal(presets[i].channel_mult, inference->values[DDIM_KEY_CHANNEL_MULT]))
      continue;
    settings->values[DDIM_KEY_IMAGE_SIZE] = g_strdup(presets[i].image_size);
    settings->values[DDIM_KEY_SIGMA_SMALL] = g_strdup(presets[i].sigma_small);
    if (!is_published(inference, presets[i].image_size))
      continue;
    settings->origin = g_strdup(presets[i].name);
    settings->reason = g_strdup(_("the weights have its shapes"));
  }
  return settings;
}

static gboolean
applies(DdimKey key)
{
  return key != DDIM_KEY_NUM_HEADS_UPSAMPLE && key != DDIM_KEY_NUM_HEAD_CHANNELS &&
         key != DDIM_KEY_USE_SCALE_SHIFT_NORM && key != DDIM_KEY_RESBLOCK_UPDOWN &&
         key != DDIM_KEY_USE_NEW_ATTENTION_ORDER;
}

static DdimArchitecture *
architecture_new(const DdimInference *inference, const DdimValues *values)
{
  return ddim_block_unet_architecture_new(inference->data);
}

/* configs/: the model receives the timestep as it is. */
static const DdimDefault defaults[] = {{DDIM_KEY_RESCALE_TIMESTEPS, "False"}, {0}};

const DdimFamily ddim_family_ermon = {
    .name = "ermongroup/ddim",
    .bytes = DDIM_BYTES_ROUNDED,
    .prefixes = prefixes,
    .defaults = defaults,
    .recognise = recognise,
    .applies = applies,
    .infer = infer,
    .find_preset = find_preset,
    .architecture_new = architecture_new,
};
