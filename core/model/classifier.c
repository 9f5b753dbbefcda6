/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* guided_diffusion.unet.EncoderUNetModel: the first half of a UNet, and one of four pools. */

#include "core/model/classifier.h"

#include <glib/gi18n-lib.h>

#include "core/data/error.h"
#include "core/model/unetmodel.h"

static const char *const prefixes[] = {"time_embed.", "input_blocks.", "middle_block.", "out.",
                                       NULL};

static gboolean
applies(DdimKey key)
{
  switch (key) {
  case DDIM_KEY_IMAGE_SIZE:
  case DDIM_KEY_IN_CHANNELS:
  case DDIM_KEY_NUM_CHANNELS:
  case DDIM_KEY_CHANNEL_MULT:
  case DDIM_KEY_NUM_RES_BLOCKS:
  case DDIM_KEY_ATTENTION_RESOLUTIONS:
  case DDIM_KEY_NUM_HEADS:
  case DDIM_KEY_NUM_HEAD_CHANNELS:
  case DDIM_KEY_USE_SCALE_SHIFT_NORM:
  case DDIM_KEY_CONV_RESAMPLE:
  case DDIM_KEY_RESBLOCK_UPDOWN:
  case DDIM_KEY_USE_NEW_ATTENTION_ORDER:
  case DDIM_KEY_POOL:
  case DDIM_KEY_NUM_CLASSES:
    return TRUE;
  default:
    return FALSE;
  }
}

static gboolean
recognise(DdimCheckpoint *checkpoint, const char *const *stated)
{
  return ddim_encoder_recognise(checkpoint);
}

static const DdimTensor *
lookup(DdimCheckpoint *checkpoint, const char *name, guint n_dims)
{
  const DdimTensor *tensor = ddim_checkpoint_lookup(checkpoint, name);

  return tensor && tensor->n_dims == n_dims ? tensor : NULL;
}

/* What lies at out. tells the pool. */
static DdimPoolType
find_pool(DdimCheckpoint *checkpoint)
{
  if (ddim_checkpoint_lookup(checkpoint, DDIM_ENCODER_TABLE))
    return DDIM_POOL_ATTENTION;
  if (!lookup(checkpoint, "out.0.weight", 2))
    return DDIM_POOL_ADAPTIVE;
  return ddim_checkpoint_lookup(checkpoint, "out.1.weight") ? DDIM_POOL_SPATIAL_V2
                                                            : DDIM_POOL_SPATIAL;
}

/* The layer that gives the classes; PyTorch keeps a 1x1 convolution with its two ones. */
static const DdimTensor *
find_last(DdimCheckpoint *checkpoint, DdimPoolType pool, GError **error)
{
  switch (pool) {
  case DDIM_POOL_ATTENTION:
    return ddim_inference_find(checkpoint, "out.2.c_proj.weight", 3, error);
  case DDIM_POOL_SPATIAL:
    return ddim_inference_find(checkpoint, "out.2.weight", 2, error);
  case DDIM_POOL_SPATIAL_V2:
    return ddim_inference_find(checkpoint, "out.3.weight", 2, error);
  default:
    return ddim_inference_find(checkpoint, "out.3.weight", 4, error);
  }
}

static gboolean
refuse(const DdimTensor *tensor, const char *what, GError **error)
{
  g_autofree char *text = ddim_inference_describe(tensor);

  /* Translators: a tensor and its shape, then what is the matter with it */
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED, _("%s: %s"), text, what);
  return FALSE;
}

/* The table of an attention pool has the pixels of one image size only. */
static gboolean
infer_table(DdimCheckpoint *checkpoint, DdimInference *result, GError **error)
{
  DdimUNetConfig *unet = result->data;
  const DdimTensor *table = ddim_inference_find(checkpoint, DDIM_ENCODER_TABLE, 2, error);
  guint side = 1;

  if (!table)
    return FALSE;
  while ((gsize)side * side + 1 < table->shape[1])
    side++;
  if ((gsize)side * side + 1 != table->shape[1] ||
      side > (guint)DDIM_MAX_CHANNELS >> result->n_levels)
    return refuse(table, _("its positions must be 1 and the pixels of a square"), error);
  unet->pool_positions = table->shape[1];
  ddim_inference_set_number(result, DDIM_KEY_IMAGE_SIZE, side << (result->n_levels - 1),
                            ddim_inference_describe(table));
  return TRUE;
}

static gboolean
infer_hidden(DdimCheckpoint *checkpoint, DdimInference *result, GError **error)
{
  DdimUNetConfig *unet = result->data;
  const DdimTensor *first = ddim_inference_find(checkpoint, "out.0.weight", 2, error);

  if (!first)
    return FALSE;
  if (first->shape[0] > DDIM_MAX_CHANNELS || first->shape[0] % DDIM_UNETMODEL_NORM_GROUPS)
    return refuse(first, _("its outputs must be a multiple of 32, at most 65535"), error);
  unet->pool_hidden = first->shape[0];
  return TRUE;
}

static gboolean
infer_pool(DdimCheckpoint *checkpoint, DdimInference *result, GError **error)
{
  DdimUNetConfig *unet = result->data;
  const DdimTensor *last;

  unet->pool = find_pool(checkpoint);
  if (!(last = find_last(checkpoint, unet->pool, error)))
    return FALSE;
  if (last->shape[0] > DDIM_MAX_CHANNELS)
    return refuse(last, _("there are at most 65535 classes"), error);
  unet->out_channels = result->n_classes = last->shape[0];
  ddim_inference_set_number(result, DDIM_KEY_NUM_CLASSES, last->shape[0],
                            ddim_inference_describe(last));
  ddim_inference_set(result, DDIM_KEY_POOL, g_strdup(ddim_pool_get_name(unet->pool)),
                     ddim_inference_describe(last));
  if (unet->pool == DDIM_POOL_ATTENTION)
    return infer_table(checkpoint, result, error);
  return unet->pool == DDIM_POOL_ADAPTIVE || infer_hidden(checkpoint, result, error);
}

static DdimInference *
infer(DdimCheckpoint *checkpoint, const char *const *stated, GError **error)
{
  g_autoptr(DdimInference) result = ddim_encoder_infer(checkpoint, stated, error);

  return result && infer_pool(checkpoint, result, error) ? g_steal_pointer(&result) : NULL;
}

/* What the shapes tell, and the heads. */
static DdimUNetConfig
complete(const DdimInference *inference, const DdimValues *values)
{
  DdimUNetConfig unet = *(const DdimUNetConfig *)inference->data;

  unet.num_heads = ddim_values_get_uint(values, DDIM_KEY_NUM_HEADS);
  unet.num_head_channels = ddim_values_get_uint(values, DDIM_KEY_NUM_HEAD_CHANNELS);
  unet.use_new_attention_order = ddim_values_get_bool(values, DDIM_KEY_USE_NEW_ATTENTION_ORDER);
  return unet;
}

static gboolean
check(const DdimInference *inference, const DdimValues *values, DdimKey *key, char **reason)
{
  DdimUNetConfig unet = complete(inference, values);

  if (unet.pool == DDIM_POOL_ATTENTION && !unet.num_head_channels) {
    *key = DDIM_KEY_NUM_HEAD_CHANNELS;
    *reason = g_strdup(_("an attention pool needs the channels of a head"));
    return FALSE;
  }
  return ddim_unetmodel_check_heads(&unet, key, reason);
}

static DdimArchitecture *
architecture_new(const DdimInference *inference, const DdimValues *values)
{
  const DdimUNetConfig unet = complete(inference, values);

  return ddim_encoder_architecture_new(&unet);
}

/* guided_diffusion.script_util.create_classifier() */
static const DdimDefault defaults[] = {
    {DDIM_KEY_NUM_HEAD_CHANNELS, "64"}, {DDIM_KEY_NUM_HEADS, "1"}, {0}};

const DdimFamily ddim_family_classifier = {
    .name = "guided-diffusion",
    .prefixes = prefixes,
    .classifies = TRUE,
    .defaults = defaults,
    .applies = applies,
    .recognise = recognise,
    .infer = infer,
    .find_preset = ddim_unetmodel_find_preset,
    .settle = ddim_unetmodel_settle_heads,
    .check = check,
    .architecture_new = architecture_new,
};
