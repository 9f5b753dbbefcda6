/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the names and shapes of the tensors tell: the arguments of UNetModel.__init__
 * (improved_diffusion/unet.py), from what it made of them. */

#include "core/model/unetmodel.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include "core/checkpoint/checkpoint-tensors.h"
#include "core/data/error.h"

#define MAX_BLOCKS 1000

/* Which modules a block of input_blocks or output_blocks has. */
typedef struct {
  unsigned any : 1;       /* any at all */
  unsigned down_conv : 1; /* N.0.op */
  unsigned attention : 1; /* N.1.qkv, N.1.norm or N.1.proj_out */
  unsigned up_conv : 1;   /* N.1.conv or N.2.conv */
  unsigned up_block : 1;  /* N.1.in_layers or N.2.in_layers */
} Block;

typedef struct {
  DdimCheckpoint *checkpoint;
  DdimInference *result;
  DdimUNetConfig *unet; /* result->data */
  Block *inputs, *outputs;
  guint n_blocks; /* input blocks, as many as output blocks */
  guint period;   /* blocks per level: num_res_blocks + 1 */
  GError **error;
} Inference;

/* Read "N." at *@at, as Python writes the number N < @limit, and go on behind it. */
static gboolean
read_index(const char **at, guint limit, guint *index)
{
  const char *text = *at;
  guint value = 0;

  if (!g_ascii_isdigit(*text) || (*text == '0' && text[1] != '.'))
    return FALSE;
  for (; g_ascii_isdigit(*text); text++) {
    value = 10 * value + (guint)g_ascii_digit_value(*text);
    if (value >= limit)
      return FALSE;
  }
  if (*text != '.')
    return FALSE;
  *at = text + 1;
  *index = value;
  return TRUE;
}

/* Note in @blocks the module that the tensor @name belongs to, if it lies in the list @list. */
static void
note_module(Block *blocks, guint n, const char *list, const char *name)
{
  guint index, place;

  if (!g_str_has_prefix(name, list))
    return;
  name += strlen(list);
  if (!read_index(&name, n, &index))
    return;
  Block *block = &blocks[index];
  block->any = TRUE;
  if (!read_index(&name, 3, &place))
    return;
  if (place == 0)
    block->down_conv |= g_str_has_prefix(name, "op.");
  if (place == 1)
    block->attention |= g_str_has_prefix(name, "qkv.") || g_str_has_prefix(name, "norm.") ||
                        g_str_has_prefix(name, "proj_out.");
  if (place > 0) {
    block->up_conv |= g_str_has_prefix(name, "conv.");
    block->up_block |= g_str_has_prefix(name, "in_layers.");
  }
}

/* A block has several tensors, so there cannot be more blocks than tensors. Both lists have the
 * same length. */
static void
find_blocks(Inference *inference)
{
  const guint n_tensors = ddim_checkpoint_get_n_tensors(inference->checkpoint);
  const guint limit = MIN(MAX_BLOCKS, n_tensors);

  inference->inputs = g_new0(Block, limit);
  inference->outputs = g_new0(Block, limit);
  for (guint i = 0; i < n_tensors; i++) {
    const char *name = ddim_checkpoint_get_tensor(inference->checkpoint, i)->name;
    note_module(inference->inputs, limit, "input_blocks.", name);
    note_module(inference->outputs, limit, "output_blocks.", name);
  }
  for (guint i = 0; i < limit; i++)
    if (inference->inputs[i].any || inference->outputs[i].any)
      inference->n_blocks = i + 1;
}

static const DdimTensor *
find(const Inference *inference, const char *name, guint n_dims)
{
  return ddim_inference_find(inference->checkpoint, name, n_dims, inference->error);
}

static gboolean
check_channels(Inference *inference, const DdimTensor *tensor, gsize channels)
{
  if (channels <= DDIM_MAX_CHANNELS && channels % DDIM_UNETMODEL_NORM_GROUPS == 0)
    return TRUE;
  g_autofree char *text = ddim_inference_describe(tensor);
  g_set_error(inference->error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
              _("%s: the channels of a level must be a multiple of %d, at most %d (GroupNorm)"),
              text, DDIM_UNETMODEL_NORM_GROUPS, DDIM_MAX_CHANNELS);
  return FALSE;
}

/* A level ends at the first input block that is a downsampling convolution or that, having no
 * weights, is missing. As many output blocks end with the first upsampler. A residual block that
 * downsamples looks like any other, so there only the output side tells. */
static void
find_period(Inference *inference)
{
  DdimUNetConfig *unet = inference->unet;
  guint down = G_MAXUINT, gap = G_MAXUINT, up = G_MAXUINT, block_up = G_MAXUINT;

  for (guint i = inference->n_blocks; i-- > 0;) {
    if (i > 0 && inference->inputs[i].down_conv)
      down = i;
    if (i > 0 && !inference->inputs[i].any)
      gap = i;
    if (inference->outputs[i].up_conv)
      up = i + 1;
    if (inference->outputs[i].up_block)
      block_up = i + 1;
  }
  unet->resblock_updown = block_up != G_MAXUINT && down == G_MAXUINT;
  unet->conv_resample = MIN(down, up) != G_MAXUINT || unet->resblock_updown || gap == G_MAXUINT;
  if (unet->resblock_updown)
    inference->period = block_up;
  else if (MIN(down, up) != G_MAXUINT)
    inference->period = MIN(down, up);
  else
    inference->period = MIN(gap, inference->n_blocks);
}

static void
set_resampling(Inference *inference)
{
  const DdimUNetConfig *unet = inference->unet;
  const guint down = inference->period, up = inference->period - 1;
  g_autofree char *evidence = NULL;

  if (unet->n_levels == 1)
    return; /* nothing is resampled */
  if (unet->resblock_updown && inference->outputs[up].any)
    evidence = g_strdup_printf(_("the last layer of output_blocks.%u is a residual block"), up);
  else if (unet->resblock_updown)
    evidence = g_strdup_printf(_("input_blocks.%u is a residual block"), down);
  else if (unet->conv_resample)
    evidence = g_strdup_printf(_("input_blocks.%u is a convolution"), down);
  else
    evidence = g_strdup_printf(_("there is no input_blocks.%u"), down);
  ddim_inference_set_bool(inference->result, DDIM_KEY_RESBLOCK_UPDOWN, unet->resblock_updown,
                          g_strdup(evidence));
  if (!unet->resblock_updown)
    ddim_inference_set_bool(inference->result, DDIM_KEY_CONV_RESAMPLE, unet->conv_resample,
                            g_steal_pointer(&evidence));
}

/* The residual block at the beginning of input block @index. */
static const DdimTensor *
find_res(const Inference *inference, guint index)
{
  g_autofree char *name = g_strdup_printf("input_blocks.%u.0.in_layers.2.weight", index);
  const DdimTensor *tensor = ddim_checkpoint_lookup(inference->checkpoint, name);

  return tensor && tensor->n_dims == 4 ? tensor : NULL;
}

/* Whether the encoder's blocks can be levels of @period blocks, of which the last one downsamples:
 * only a level's first block changes the channels, and either all blocks but the last one have
 * attention, or none. */
static gboolean
fits_period(const Inference *inference, guint period)
{
  if (period < 2 || inference->n_blocks % period)
    return FALSE;
  for (guint i = 1; i < inference->n_blocks; i++) {
    const DdimTensor *res = find_res(inference, i);
    const guint place = (i - 1) % period;
    const gboolean last = place + 1 == period;
    if (!res || (place > 0 && res->shape[0] != res->shape[1]) ||
        (last && inference->inputs[i].attention) ||
        (!last && inference->inputs[i].attention != inference->inputs[i - place].attention))
      return FALSE;
  }
  return TRUE;
}

/* The levels that an attention pool and a stated size tell; 0: they do not. */
static guint
get_stated_levels(const Inference *inference, const char *const *stated)
{
  const DdimTensor *table = ddim_checkpoint_lookup(inference->checkpoint, DDIM_ENCODER_TABLE);
  const char *size = stated[DDIM_KEY_IMAGE_SIZE];
  guint levels = 0;

  if (!table || table->n_dims != 2 || !size)
    return 0;
  for (guint64 side = g_ascii_strtoull(size, NULL, 10); side > 0; side /= 2, levels++)
    if (side * side + 1 == table->shape[1])
      return levels + 1;
  return 0;
}

/* An encoder whose residual blocks downsample has no output side to tell where. What is stated
 * counts if it fits, then classifier_depth's default, then the longest levels. */
static void
find_encoder_period(Inference *inference, const char *const *stated)
{
  const char *depth = stated[DDIM_KEY_NUM_RES_BLOCKS];
  const guint levels = get_stated_levels(inference, stated);
  const guint wanted[] = {depth ? (guint)g_ascii_strtoull(depth, NULL, 10) + 1 : 0,
                          levels ? inference->n_blocks / levels : 0, DDIM_ENCODER_USUAL_DEPTH + 1};

  find_period(inference);
  if (inference->period < inference->n_blocks ||
      find_res(inference, inference->n_blocks - 1) == NULL)
    return; /* a convolution or a gap has told */
  for (guint i = 0; i < G_N_ELEMENTS(wanted); i++)
    if (fits_period(inference, wanted[i])) {
      inference->period = wanted[i];
      inference->unet->resblock_updown = wanted[i] < inference->n_blocks;
      return;
    }
  for (guint period = inference->n_blocks / 2; period >= 2; period--)
    if (fits_period(inference, period)) {
      inference->period = period;
      inference->unet->resblock_updown = TRUE;
      return;
    }
}

/* @stated  of an encoder; NULL for a whole UNet */
static gboolean
infer_structure(Inference *inference, const char *const *stated)
{
  DdimUNetConfig *unet = inference->unet;

  find_blocks(inference);
  if (inference->n_blocks < 2) {
    find(inference, "input_blocks.1.0.in_layers.2.weight", 4);
    return FALSE;
  }
  if (stated)
    find_encoder_period(inference, stated);
  else
    find_period(inference);
  unet->num_res_blocks = inference->period - 1;
  unet->n_levels = (inference->n_blocks + inference->period - 1) / inference->period;
  if (unet->num_res_blocks == 0 || unet->n_levels > DDIM_MAX_LEVELS) {
    g_set_error(
        inference->error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
        _("%u blocks in %u levels: supported are up to %d levels of at least one residual block"),
        inference->n_blocks, unet->n_levels, DDIM_MAX_LEVELS);
    return FALSE;
  }
  ddim_inference_set_number(inference->result, DDIM_KEY_NUM_RES_BLOCKS, unet->num_res_blocks,
                            g_strdup_printf(_("there are %u input_blocks in %u levels"),
                                            inference->n_blocks, unet->n_levels));
  set_resampling(inference);
  return TRUE;
}

static gboolean
has_attention(const Inference *inference, const Block *blocks, guint index)
{
  return index < inference->n_blocks && blocks[index].attention;
}

static gboolean
level_has_attention(const Inference *inference, guint level)
{
  const guint n_levels = inference->unet->n_levels, period = inference->period;

  for (guint i = 0; i < period; i++) {
    const guint in = 1 + level * period + i;
    const guint out = (n_levels - 1 - level) * period + i;
    if ((i + 1 < period && has_attention(inference, inference->inputs, in)) ||
        has_attention(inference, inference->outputs, out))
      return TRUE;
  }
  return FALSE;
}

static gboolean
infer_levels(Inference *inference)
{
  DdimUNetConfig *unet = inference->unet;
  DdimInference *result = inference->result;

  for (guint level = 0; level < unet->n_levels; level++) {
    g_autofree char *name =
        g_strdup_printf("input_blocks.%u.0.in_layers.2.weight", 1 + level * inference->period);
    const DdimTensor *tensor = find(inference, name, 4);
    if (!tensor || !check_channels(inference, tensor, tensor->shape[0]))
      return FALSE;
    unet->level_channels[level] = tensor->shape[0];
    unet->level_attention[level] = level_has_attention(inference, level);
    result->levels[level] = (DdimLevel){.channels = unet->level_channels[level],
                                        .attention = unet->level_attention[level],
                                        .blocks = unet->num_res_blocks};
  }
  result->n_levels = unet->n_levels;
  ddim_inference_set_channel_mult(result);
  ddim_inference_set(result, DDIM_KEY_ATTENTION_RESOLUTIONS, NULL,
                     g_strdup("input_blocks.N.1.qkv.weight"));
  return TRUE;
}

static gboolean
infer_embeddings(Inference *inference)
{
  DdimUNetConfig *unet = inference->unet;
  DdimInference *result = inference->result;
  const DdimTensor *time = find(inference, "time_embed.0.weight", 2), *table = NULL;

  if (!time)
    return FALSE;
  if (time->shape[1] > DDIM_MAX_CHANNELS || time->shape[1] % 2) {
    g_autofree char *text = ddim_inference_describe(time);
    g_set_error(inference->error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
                _("%s: the channels of the time embedding must be even and at most %d"), text,
                DDIM_MAX_CHANNELS);
    return FALSE;
  }
  unet->model_channels = result->base_channels = time->shape[1];
  ddim_inference_set_number(result, DDIM_KEY_NUM_CHANNELS, unet->model_channels,
                            ddim_inference_describe(time));
  if (ddim_checkpoint_lookup(inference->checkpoint, "label_emb.weight")) {
    table = find(inference, "label_emb.weight", 2);
    if (!table)
      return FALSE;
  }
  ddim_inference_set_classes(result, table, "label_emb.weight");
  unet->num_classes = result->n_classes;
  return TRUE;
}

static gboolean
infer_scale_shift(Inference *inference)
{
  DdimUNetConfig *unet = inference->unet;
  const DdimTensor *emb = find(inference, "input_blocks.1.0.emb_layers.1.weight", 2);

  if (!emb)
    return FALSE;
  unet->use_scale_shift_norm = emb->shape[0] == 2 * (gsize)unet->level_channels[0];
  ddim_inference_set_bool(inference->result, DDIM_KEY_USE_SCALE_SHIFT_NORM,
                          unet->use_scale_shift_norm, ddim_inference_describe(emb));
  return TRUE;
}

/* Whether equal numbers of channels in and out are meant as a super-resolution model's. */
static gboolean
states_super_res(const char *const *stated)
{
  return stated[DDIM_KEY_LARGE_SIZE] || stated[DDIM_KEY_SMALL_SIZE] ||
         g_strcmp0(stated[DDIM_KEY_LEARN_SIGMA], "True") == 0;
}

static gboolean
infer_channels(Inference *inference, const char *const *stated)
{
  DdimUNetConfig *unet = inference->unet;
  const DdimTensor *first = find(inference, "input_blocks.0.0.weight", 4);
  const DdimTensor *last = first ? find(inference, "out.2.weight", 4) : NULL;

  if (!last || !ddim_inference_set_channels(inference->result, first, last,
                                            states_super_res(stated), inference->error))
    return FALSE;
  unet->in_channels = first->shape[1];
  unet->out_channels = last->shape[0];
  unet->super_res = inference->result->super_res;
  return TRUE;
}

DdimInference *
ddim_unetmodel_infer(DdimCheckpoint *checkpoint, const char *const *stated, GError **error)
{
  g_autoptr(DdimInference) result = ddim_inference_new();
  DdimUNetConfig *unet = g_new0(DdimUNetConfig, 1);
  Inference inference = {.checkpoint = checkpoint, .result = result, .unet = unet, .error = error};
  gboolean good;

  result->data = unet;
  good = infer_embeddings(&inference) && infer_structure(&inference, NULL) &&
         infer_levels(&inference) && infer_scale_shift(&inference) &&
         infer_channels(&inference, stated);
  g_free(inference.inputs);
  g_free(inference.outputs);
  return good ? g_steal_pointer(&result) : NULL;
}

/* Its images have no learned sigma and no low_res. */
static gboolean
infer_encoder_channels(Inference *inference)
{
  const DdimTensor *first = find(inference, "input_blocks.0.0.weight", 4);

  if (!first)
    return FALSE;
  if (first->shape[1] > DDIM_ENCODER_MOST_CHANNELS) {
    g_autofree char *text = ddim_inference_describe(first);
    g_set_error(inference->error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
                _("%s: no classifier of images with 1 to 4 channels"), text);
    return FALSE;
  }
  inference->unet->in_channels = first->shape[1];
  ddim_inference_set_number(inference->result, DDIM_KEY_IN_CHANNELS, first->shape[1],
                            ddim_inference_describe(first));
  return TRUE;
}

DdimInference *
ddim_encoder_infer(DdimCheckpoint *checkpoint, const char *const *stated, GError **error)
{
  g_autoptr(DdimInference) result = ddim_inference_new();
  DdimUNetConfig *unet = g_new0(DdimUNetConfig, 1);
  Inference inference = {.checkpoint = checkpoint, .result = result, .unet = unet, .error = error};
  gboolean good;

  result->data = unet;
  good = infer_embeddings(&inference) && infer_structure(&inference, stated) &&
         infer_levels(&inference) && infer_scale_shift(&inference) &&
         infer_encoder_channels(&inference);
  g_free(inference.inputs);
  g_free(inference.outputs);
  return good ? g_steal_pointer(&result) : NULL;
}

/* Which lists of blocks the file has. */
static void
find_lists(DdimCheckpoint *checkpoint, gboolean *inputs, gboolean *outputs)
{
  const guint n = ddim_checkpoint_get_n_tensors(checkpoint);

  *inputs = *outputs = FALSE;
  for (guint i = 0; i < n && !(*inputs && *outputs); i++) {
    const char *name = ddim_checkpoint_get_tensor(checkpoint, i)->name;
    *inputs |= g_str_has_prefix(name, "input_blocks.");
    *outputs |= g_str_has_prefix(name, "output_blocks.");
  }
}

/* A UNet without its second half has a convolution at out.2. */
gboolean
ddim_encoder_recognise(DdimCheckpoint *checkpoint)
{
  const DdimTensor *last = ddim_checkpoint_lookup(checkpoint, "out.2.weight");
  gboolean inputs, outputs;

  find_lists(checkpoint, &inputs, &outputs);
  return inputs && !outputs && !(last && last->n_dims == 4) &&
         ddim_checkpoint_lookup(checkpoint, "middle_block.0.in_layers.0.weight");
}

gboolean
ddim_unetmodel_recognise(DdimCheckpoint *checkpoint)
{
  gboolean inputs, outputs;

  find_lists(checkpoint, &inputs, &outputs);
  return (inputs || outputs) && !ddim_encoder_recognise(checkpoint) &&
         !ddim_checkpoint_lookup(checkpoint, "input_blocks.1.1.transformer_blocks.0.norm1.weight");
}

gboolean
ddim_unetmodel_has_resampling_block(DdimCheckpoint *checkpoint)
{
  const guint n = ddim_checkpoint_get_n_tensors(checkpoint);

  for (guint i = 0; i < n; i++) {
    const char *at = ddim_checkpoint_get_tensor(checkpoint, i)->name;
    guint index, place;
    if (!g_str_has_prefix(at, "output_blocks."))
      continue;
    at += strlen("output_blocks.");
    if (read_index(&at, MAX_BLOCKS, &index) && read_index(&at, 3, &place) && place > 0 &&
        g_str_has_prefix(at, "in_layers."))
      return TRUE;
  }
  return FALSE;
}

gboolean
ddim_unetmodel_has_flat_attention(DdimCheckpoint *checkpoint)
{
  const DdimTensor *qkv = ddim_checkpoint_lookup(checkpoint, "middle_block.1.qkv.weight");

  return qkv && qkv->n_dims == 4;
}
