/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* improved-diffusion and guided-diffusion: the same network, but for a few values. */

#include "core/model/unetmodel.h"

#include <glib/gi18n-lib.h>

static const char *const prefixes[] = {
    "time_embed.", "label_emb.", "input_blocks.", "middle_block.", "output_blocks.", "out.", NULL};

static gboolean
recognise_improved(DdimCheckpoint *checkpoint, const char *const *stated)
{
  return ddim_unetmodel_recognise(checkpoint);
}

/* Without residual blocks that resample, both programs make the same tensors. Then a model is
 * guided-diffusion's if it is stated to have what only that has. */
static gboolean
recognise_guided(DdimCheckpoint *checkpoint, const char *const *stated)
{
  const char *head_channels = stated[DDIM_KEY_NUM_HEAD_CHANNELS];
  const gboolean states_guided = (head_channels && !g_str_equal(head_channels, "-1")) ||
                                 g_strcmp0(stated[DDIM_KEY_USE_NEW_ATTENTION_ORDER], "True") == 0;

  return ddim_unetmodel_recognise(checkpoint) &&
         (states_guided || ddim_unetmodel_has_resampling_block(checkpoint));
}

static gboolean
states_sigmas(const char *const *stated)
{
  const char *schedule = stated[DDIM_KEY_NOISE_SCHEDULE];

  return g_strcmp0(schedule, DDIM_SCHEDULE_CONSISTENCY) == 0 ||
         g_strcmp0(schedule, DDIM_SCHEDULE_EDM) == 0;
}

static gboolean
recognise_consistency(DdimCheckpoint *checkpoint, const char *const *stated)
{
  return ddim_unetmodel_recognise(checkpoint) &&
         (states_sigmas(stated) || ddim_unetmodel_has_flat_attention(checkpoint));
}

/* num_head_channels decides over num_heads (guided_diffusion/unet.py), but not over one from a more
 * binding source. */
void
ddim_unetmodel_settle_heads(DdimValues *values)
{
  const DdimSource heads = values->source[DDIM_KEY_NUM_HEADS];

  if (heads < values->source[DDIM_KEY_NUM_HEAD_CHANNELS])
    ddim_values_set(values, DDIM_KEY_NUM_HEAD_CHANNELS, g_strdup("-1"), heads);
}

/* What the shapes tell, and the heads. */
static DdimUNetConfig
complete(const DdimInference *inference, const DdimValues *values)
{
  DdimUNetConfig unet = *(const DdimUNetConfig *)inference->data;

  unet.num_heads = ddim_values_get_uint(values, DDIM_KEY_NUM_HEADS);
  unet.num_heads_upsample = ddim_values_get_uint(values, DDIM_KEY_NUM_HEADS_UPSAMPLE);
  if (unet.num_heads_upsample == 0)
    unet.num_heads_upsample = unet.num_heads;
  unet.num_head_channels = ddim_values_get_uint(values, DDIM_KEY_NUM_HEAD_CHANNELS);
  unet.use_new_attention_order = ddim_values_get_bool(values, DDIM_KEY_USE_NEW_ATTENTION_ORDER);
  return unet;
}

static gboolean
check_heads_at(const DdimUNetConfig *unet, guint channels, const char *where, DdimKey *key,
               char **reason)
{
  const guint head_channels = unet->num_head_channels;

  if (channels % (head_channels ? head_channels : unet->num_heads))
    *key = head_channels ? DDIM_KEY_NUM_HEAD_CHANNELS : DDIM_KEY_NUM_HEADS;
  else if (!head_channels && unet->num_heads_upsample && channels % unet->num_heads_upsample)
    *key = DDIM_KEY_NUM_HEADS_UPSAMPLE;
  else
    return TRUE;
  *reason = g_strdup_printf(_("it does not divide the %u channels of the attention in %s"),
                            channels, where);
  return FALSE;
}

gboolean
ddim_unetmodel_check_heads(const DdimUNetConfig *unet, DdimKey *key, char **reason)
{
  for (guint level = 0; level < unet->n_levels; level++) {
    g_autofree char *where =
        g_strdup_printf("input_blocks.%u", 1 + level * (unet->num_res_blocks + 1));
    if (unet->level_attention[level] &&
        !check_heads_at(unet, unet->level_channels[level], where, key, reason))
      return FALSE;
  }
  return check_heads_at(unet, unet->level_channels[unet->n_levels - 1], "middle_block", key,
                        reason);
}

static gboolean
check(const DdimInference *inference, const DdimValues *values, DdimKey *key, char **reason)
{
  const DdimUNetConfig unet = complete(inference, values);

  return ddim_unetmodel_check_heads(&unet, key, reason);
}

/* What has no betas has two names. */
static gboolean
check_consistency(const DdimInference *inference, const DdimValues *values, DdimKey *key,
                  char **reason)
{
  const char *schedule = values->text[DDIM_KEY_NOISE_SCHEDULE];

  if (g_str_equal(schedule, DDIM_SCHEDULE_CONSISTENCY) || g_str_equal(schedule, DDIM_SCHEDULE_EDM))
    return check(inference, values, key, reason);
  *key = DDIM_KEY_NOISE_SCHEDULE;
  *reason = g_strdup_printf(_("the models of this program have %s or %s"),
                            DDIM_SCHEDULE_CONSISTENCY, DDIM_SCHEDULE_EDM);
  return FALSE;
}

static DdimArchitecture *
architecture_new(const DdimInference *inference, const DdimValues *values)
{
  const DdimUNetConfig unet = complete(inference, values);

  return ddim_unetmodel_architecture_new(&unet);
}

const DdimFamily ddim_family_improved_diffusion = {
    .name = "improved-diffusion",
    .prefixes = prefixes,
    .recognise = recognise_improved,
    .infer = ddim_unetmodel_infer,
    .find_preset = ddim_unetmodel_find_preset,
    .settle = ddim_unetmodel_settle_heads,
    .check = check,
    .architecture_new = architecture_new,
};

/* guided_diffusion.script_util.diffusion_defaults() */
static const DdimDefault guided_defaults[] = {{DDIM_KEY_RESCALE_TIMESTEPS, "False"}, {0}};

const DdimFamily ddim_family_guided_diffusion = {
    .name = "guided-diffusion",
    .prefixes = prefixes,
    .defaults = guided_defaults,
    .recognise = recognise_guided,
    .infer = ddim_unetmodel_infer,
    .find_preset = ddim_unetmodel_find_preset,
    .settle = ddim_unetmodel_settle_heads,
    .check = check,
    .architecture_new = architecture_new,
};

/* cm.unet.UNetModel's attention is "flash" unless its code is changed; the published models have
 * heads of 64 channels. */
static const DdimDefault consistency_defaults[] = {
    {DDIM_KEY_RESCALE_TIMESTEPS, "False"},
    {DDIM_KEY_NUM_HEAD_CHANNELS, "64"},
    {DDIM_KEY_USE_NEW_ATTENTION_ORDER, "True"},
    {DDIM_KEY_NOISE_SCHEDULE, DDIM_SCHEDULE_CONSISTENCY},
    {0}};

const DdimFamily ddim_family_consistency_models = {
    .name = "consistency_models",
    .prefixes = prefixes,
    .defaults = consistency_defaults,
    .recognise = recognise_consistency,
    .infer = ddim_unetmodel_infer,
    .find_preset = ddim_unetmodel_find_consistency_preset,
    .settle = ddim_unetmodel_settle_heads,
    .check = check_consistency,
    .architecture_new = architecture_new,
};
