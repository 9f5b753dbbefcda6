/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The published checkpoints. Values: the READMEs of openai/improved-diffusion,
 * openai/guided-diffusion and jychoi118/P2-weighting and the configurations of andreas128/RePaint,
 * completed by the defaults of their script_util.py. */

#include "core/model/unetmodel.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* Values of the keys, as ddim_key_parse() returns them; NULL: left to the other sources. */
#define IMPROVED(heads)                                                                            \
  [DDIM_KEY_NUM_HEADS] = (heads), [DDIM_KEY_NUM_HEADS_UPSAMPLE] = "-1",                            \
  [DDIM_KEY_SIGMA_SMALL] = "False", [DDIM_KEY_PREDICT_XSTART] = "False",                           \
  [DDIM_KEY_RESBLOCK_UPDOWN] = "False", [DDIM_KEY_LEARN_SIGMA] = "True",                           \
  [DDIM_KEY_IN_CHANNELS] = "3"
#define GUIDED(channels, blocks, order)                                                            \
  [DDIM_KEY_RESBLOCK_UPDOWN] = "True", [DDIM_KEY_LEARN_SIGMA] = "True",                            \
  [DDIM_KEY_USE_SCALE_SHIFT_NORM] = "True", [DDIM_KEY_DIFFUSION_STEPS] = "1000",                   \
  [DDIM_KEY_SIGMA_SMALL] = "False", [DDIM_KEY_PREDICT_XSTART] = "False",                           \
  [DDIM_KEY_RESCALE_TIMESTEPS] = "False", [DDIM_KEY_NUM_HEADS_UPSAMPLE] = "-1",                    \
  [DDIM_KEY_IN_CHANNELS] = "3", [DDIM_KEY_NUM_CHANNELS] = (channels),                              \
  [DDIM_KEY_NUM_RES_BLOCKS] = (blocks), [DDIM_KEY_USE_NEW_ATTENTION_ORDER] = (order)
#define BLOCKS(channels, blocks, scale_shift)                                                      \
  [DDIM_KEY_NUM_CHANNELS] = (channels), [DDIM_KEY_NUM_RES_BLOCKS] = (blocks),                      \
  [DDIM_KEY_USE_SCALE_SHIFT_NORM] = (scale_shift)
#define IMAGES(size, mult, attention)                                                              \
  [DDIM_KEY_IMAGE_SIZE] = (size), [DDIM_KEY_CHANNEL_MULT] = (mult),                                \
  [DDIM_KEY_ATTENTION_RESOLUTIONS] = (attention)
#define UPSAMPLER(large, small, mult, attention)                                                   \
  [DDIM_KEY_LARGE_SIZE] = (large), [DDIM_KEY_SMALL_SIZE] = (small),                                \
  [DDIM_KEY_CHANNEL_MULT] = (mult), [DDIM_KEY_ATTENTION_RESOLUTIONS] = (attention)
#define DIFFUSION(steps, schedule, rescale)                                                        \
  [DDIM_KEY_DIFFUSION_STEPS] = (steps), [DDIM_KEY_NOISE_SCHEDULE] = (schedule),                    \
  [DDIM_KEY_RESCALE_TIMESTEPS] = (rescale)
#define SCHEDULE(name) [DDIM_KEY_NOISE_SCHEDULE] = (name)
#define HEADS(count) [DDIM_KEY_NUM_HEADS] = (count)
#define HEAD_CHANNELS(channels) [DDIM_KEY_NUM_HEAD_CHANNELS] = (channels)
#define IMAGENET_CLASSES [DDIM_KEY_CLASS_COND] = "True", [DDIM_KEY_NUM_CLASSES] = "1000"
#define NO_CLASSES [DDIM_KEY_CLASS_COND] = "False"

#define IMAGENET64(channels, rescale)                                                              \
  IMPROVED("4"), IMAGES("64", "1,2,3,4", "16,8"), BLOCKS(channels, "3", "True"),                   \
      DIFFUSION("4000", "cosine", rescale)
#define CIFAR10                                                                                    \
  IMPROVED("4"), IMAGES("32", "1,2,2,2", "16,8"), BLOCKS("128", "3", "True"),                      \
      DIFFUSION("4000", "cosine", "True"), NO_CLASSES
#define LSUN                                                                                       \
  IMPROVED("1"), IMAGES("256", "1,1,2,2,4,4", "16"), BLOCKS("128", "2", "False"),                  \
      DIFFUSION("1000", "linear", "False"), NO_CLASSES
#define GUIDED256                                                                                  \
  GUIDED("256", "2", "False"), IMAGES("256", "1,1,2,2,4,4", "32,16,8"), SCHEDULE("linear"),        \
      HEAD_CHANNELS("64")

#define CLASSIFIER(size, depth, mult, attention)                                                   \
  IMAGES(size, mult, attention), BLOCKS("128", depth, "True"), HEAD_CHANNELS("64"),                \
      [DDIM_KEY_RESBLOCK_UPDOWN] = "True", [DDIM_KEY_USE_NEW_ATTENTION_ORDER] = "False",           \
      [DDIM_KEY_POOL] = "attention", [DDIM_KEY_NUM_CLASSES] = "1000", [DDIM_KEY_IN_CHANNELS] = "3"

/* One row for each architecture. */
typedef struct {
  /* Of the published files, without suffix, with spaces between. One with a * only counts where the
   * weights fit. */
  const char *names;
  const char *values[DDIM_N_KEYS];
} Preset;

static const Preset presets[] = {
    {"imagenet64_uncond_100M_1500K imagenet64_uncond_vlb_100M_1500K",
     {IMAGENET64("128", "True"), NO_CLASSES}},
    {"cifar10_uncond_50M_500K cifar10_uncond_vlb_50M_500K", {CIFAR10}},
    {"imagenet64_cond_270M_250K", {IMAGENET64("192", "False"), IMAGENET_CLASSES}},
    {"upsample_cond_500K",
     {IMPROVED("4"), UPSAMPLER("256", "64", "1,1,2,2,4,4", "16,8"), BLOCKS("192", "2", "True"),
      DIFFUSION("4000", "linear", "False"), IMAGENET_CLASSES}},
    {"lsun_uncond_100M_1200K_bs128 lsun_uncond_100M_2400K_bs64", {LSUN}},
    {"64x64_diffusion",
     {GUIDED("192", "3", "True"), IMAGES("64", "1,2,3,4", "32,16,8"), SCHEDULE("cosine"),
      HEAD_CHANNELS("64"), IMAGENET_CLASSES}},
    {"128x128_diffusion",
     {GUIDED("256", "2", "False"), IMAGES("128", "1,1,2,3,4", "32,16,8"), SCHEDULE("linear"),
      HEADS("4"), IMAGENET_CLASSES}},
    {"256x256_diffusion", {GUIDED256, IMAGENET_CLASSES}},
    /* The last two are RePaint's. */
    {"256x256_diffusion_uncond lsun_bedroom lsun_cat lsun_horse lsun_horse_nodropout "
     "celeba256_250000 places256_300000",
     {GUIDED256, NO_CLASSES}},
    {"512x512_diffusion",
     {GUIDED("256", "2", "False"), IMAGES("512", "0.5,1,1,2,2,4,4", "32,16,8"), SCHEDULE("linear"),
      HEAD_CHANNELS("64"), IMAGENET_CLASSES}},
    {"64_256_upsampler",
     {GUIDED("192", "2", "False"), UPSAMPLER("256", "64", "1,1,2,2,4,4", "32,16,8"),
      SCHEDULE("linear"), HEADS("4"), IMAGENET_CLASSES}},
    {"128_512_upsampler",
     {GUIDED("192", "2", "False"), UPSAMPLER("512", "128", "1,1,2,2,4,4", "32,16"),
      SCHEDULE("linear"), HEAD_CHANNELS("64"), IMAGENET_CLASSES}},
    /* The light model of P2-weighting, which ILVR and DPS use: of faces, dogs, birds, … */
    {"ffhq_10m *_p2",
     {GUIDED("128", "1", "False"), IMAGES("256", "1,1,2,2,4,4", "16"), SCHEDULE("linear"),
      HEAD_CHANNELS("64"), NO_CLASSES}},
    {"64x64_classifier", {CLASSIFIER("64", "4", "1,2,3,4", "32,16,8")}},
    {"128x128_classifier", {CLASSIFIER("128", "2", "1,1,2,3,4", "32,16,8")}},
    {"256x256_classifier", {CLASSIFIER("256", "2", "1,1,2,2,4,4", "32,16,8")}},
    {"512x512_classifier", {CLASSIFIER("512", "2", "0.5,1,1,2,2,4,4", "32,16,8")}},
};

/* script_util.create_model(): the image size decides channel_mult, so the other way round a model
 * made by the original's scripts gives its size away. */
static const struct {
  const char *channel_mult, *image_size;
} sizes[] = {{"1,2,2,2", "32"}, {"1,2,3,4", "64"}, {"1,1,2,3,4", "128"}, {"1,1,2,2,4,4", "256"}};

/* @name  of the published file */
static DdimSettings *
settings_from_preset(const Preset *preset, const char *name)
{
  DdimSettings *settings = ddim_settings_new(name);

  for (guint key = 0; key < DDIM_N_KEYS; key++)
    settings->values[key] = g_strdup(preset->values[key]);
  return settings;
}

static guint
preset_size(const Preset *preset)
{
  const char *large = preset->values[DDIM_KEY_LARGE_SIZE];

  return g_ascii_strtoull(large ? large : preset->values[DDIM_KEY_IMAGE_SIZE], NULL, 10);
}

/* The first value of @preset that the weights contradict, or DDIM_N_KEYS. */
static DdimKey
first_difference(const Preset *preset, const DdimInference *inference)
{
  const guint size = preset_size(preset);

  if (!preset->values[DDIM_KEY_LARGE_SIZE] && inference->super_res)
    return DDIM_KEY_IN_CHANNELS;
  if (!preset->values[DDIM_KEY_POOL] != !inference->values[DDIM_KEY_POOL])
    return DDIM_KEY_IN_CHANNELS;
  for (guint key = 0; key < DDIM_N_KEYS; key++)
    if (preset->values[key] &&
        ddim_inference_contradicts(inference, key, preset->values[key], size))
      return key;
  return DDIM_N_KEYS;
}

/* Whether the weights are those of another network altogether, rather than of a variant. */
static gboolean
is_other_kind(const Preset *preset, const DdimInference *inference)
{
  const DdimUNetConfig *unet = inference->data;
  const gboolean updown = g_str_equal(preset->values[DDIM_KEY_RESBLOCK_UPDOWN], "True");
  const gboolean super_res = preset->values[DDIM_KEY_LARGE_SIZE] != NULL;

  return updown != unet->resblock_updown || super_res != unet->super_res ||
         !preset->values[DDIM_KEY_POOL] != !inference->values[DDIM_KEY_POOL];
}

/* The settings of @preset, one of whose names, @name, the file bears. A changed model (fine-tuned
 * for other classes, say) keeps the values that no shape tells, unless it is of another kind. */
static DdimSettings *
settings_from_name(const Preset *preset, const char *name, const DdimInference *inference)
{
  g_autoptr(DdimSettings) settings = settings_from_preset(preset, name);
  const DdimKey key = first_difference(preset, inference);

  settings->reason = g_strdup(_("the file has its name"));
  if (key == DDIM_N_KEYS)
    return g_steal_pointer(&settings);
  g_autofree char *reason = ddim_inference_explain(inference, key, preset_size(preset));
  if (is_other_kind(preset, inference)) {
    g_autoptr(DdimSettings) none = ddim_settings_new(NULL);
    ddim_settings_note(
        none, _("the file is named like the published %s but holds another kind of model: %s"),
        name, reason);
    return g_steal_pointer(&none);
  }
  ddim_settings_note(settings, _("the file is named like the published %s but differs from it: %s"),
                     name, reason);
  return g_steal_pointer(&settings);
}

static gboolean
has_name(const Preset *preset, const char *base, const DdimInference *inference)
{
  g_auto(GStrv) names = g_strsplit(preset->names, " ", -1);

  for (guint i = 0; names[i]; i++)
    if (g_str_equal(names[i], base) ||
        (strchr(names[i], '*') && g_pattern_match_simple(names[i], base) &&
         first_difference(preset, inference) == DDIM_N_KEYS))
      return TRUE;
  return FALSE;
}

static DdimSettings *
match_name(const char *checkpoint_path, const DdimInference *inference)
{
  g_autofree char *base = g_path_get_basename(checkpoint_path);
  char *dot = strrchr(base, '.');

  if (dot && dot != base)
    *dot = '\0';
  for (guint i = 0; i < G_N_ELEMENTS(presets); i++)
    if (has_name(&presets[i], base, inference))
      return settings_from_name(&presets[i], base, inference);
  return NULL;
}

/* Called by its first name; the others are named in the reason. */
static DdimSettings *
settings_from_shapes(const Preset *preset)
{
  g_auto(GStrv) names = g_strsplit(preset->names, " ", -1);
  DdimSettings *settings = settings_from_preset(preset, names[0]);
  g_autofree char *others = g_strjoinv(", ", names + 1);

  if (names[1])
    settings->reason =
        g_strdup_printf(_("the weights have its shapes, which are also those of %s"), others);
  else
    settings->reason = g_strdup(_("the weights have its shapes"));
  return settings;
}

/* No two rows of the table have the same shapes. */
static DdimSettings *
match_shapes(const DdimInference *inference)
{
  for (guint i = 0; i < G_N_ELEMENTS(presets); i++)
    if (first_difference(&presets[i], inference) == DDIM_N_KEYS)
      return settings_from_shapes(&presets[i]);
  return NULL;
}

static DdimSettings *
match_size(const DdimInference *inference)
{
  DdimSettings *settings = ddim_settings_new(NULL);
  const DdimKey key = inference->super_res ? DDIM_KEY_LARGE_SIZE : DDIM_KEY_IMAGE_SIZE;

  for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++)
    if (g_str_equal(sizes[i].channel_mult, inference->values[DDIM_KEY_CHANNEL_MULT]))
      settings->values[key] = g_strdup(sizes[i].image_size);
  return settings;
}

DdimSettings *
ddim_unetmodel_find_preset(const char *checkpoint_path, const DdimInference *inference)
{
  g_autoptr(DdimSettings) named = match_name(checkpoint_path, inference);
  g_autoptr(DdimSettings) settings = NULL;

  if (named && named->origin)
    return g_steal_pointer(&named);
  settings = match_shapes(inference);
  if (!settings)
    settings = match_size(inference);
  if (named)
    g_ptr_array_extend_and_steal(settings->notes, g_steal_pointer(&named->notes));
  return g_steal_pointer(&settings);
}

DdimSettings *
ddim_unetmodel_find_consistency_preset(const char *checkpoint_path, const DdimInference *inference)
{
  DdimSettings *settings = match_size(inference);
  g_autofree char *base = g_path_get_basename(checkpoint_path);

  if (g_str_has_prefix(base, "edm_")) {
    settings->values[DDIM_KEY_NOISE_SCHEDULE] = g_strdup(DDIM_SCHEDULE_EDM);
    ddim_settings_note(settings, _("the file is named like the published EDM models"));
  }
  return settings;
}
