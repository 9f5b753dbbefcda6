/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The published checkpoints. Values: the READMEs of openai/improved-diffusion and
 * openai/guided-diffusion, completed by the defaults of their script_util.py. */

#include "core/model/config-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define IMPROVED                                                                                   \
  "--num_heads 4 --num_heads_upsample -1 --sigma_small False --predict_xstart False "              \
  "--resblock_updown False "
#define IMPROVED_64                                                                                \
  IMPROVED                                                                                         \
  "--image_size 64 --channel_mult 1,2,3,4 --attention_resolutions 16,8 --learn_sigma True "        \
  "--use_scale_shift_norm True --diffusion_steps 4000 --noise_schedule cosine --in_channels "      \
  "3 "
#define IMAGENET64_UNCOND                                                                          \
  IMPROVED_64 "--num_channels 128 --num_res_blocks 3 --class_cond False --rescale_timesteps True"
#define CIFAR10_UNCOND                                                                             \
  IMPROVED                                                                                         \
  "--image_size 32 --channel_mult 1,2,2,2 --attention_resolutions 16,8 --learn_sigma True "        \
  "--use_scale_shift_norm True --diffusion_steps 4000 --noise_schedule cosine --in_channels "      \
  "3 "                                                                                             \
  "--num_channels 128 --num_res_blocks 3 --class_cond False --rescale_timesteps True"
#define LSUN_UNCOND                                                                                \
  IMPROVED "--num_heads 1 --image_size 256 --channel_mult 1,1,2,2,4,4 --attention_resolutions 16 " \
           "--learn_sigma True "                                                                   \
           "--use_scale_shift_norm False --diffusion_steps 1000 --noise_schedule linear "          \
           "--in_channels 3 "                                                                      \
           "--num_channels 128 --num_res_blocks 2 --class_cond False --rescale_timesteps False"
#define GUIDED                                                                                     \
  "--resblock_updown True --learn_sigma True --use_scale_shift_norm True --diffusion_steps 1000 "  \
  "--sigma_small False "                                                                           \
  "--predict_xstart False --rescale_timesteps False --num_heads_upsample -1 --in_channels 3 "
#define GUIDED_256                                                                                 \
  GUIDED "--image_size 256 --channel_mult 1,1,2,2,4,4 --attention_resolutions 32,16,8 "            \
         "--noise_schedule linear "                                                                \
         "--num_channels 256 --num_head_channels 64 --num_res_blocks 2 --use_new_attention_order " \
         "False "

static const struct {
  const char *name; /* of the published file, without suffix */
  const char *flags;
} presets[] = {
    {"imagenet64_uncond_100M_1500K", IMAGENET64_UNCOND},
    {"imagenet64_uncond_vlb_100M_1500K", IMAGENET64_UNCOND},
    {"cifar10_uncond_50M_500K", CIFAR10_UNCOND},
    {"cifar10_uncond_vlb_50M_500K", CIFAR10_UNCOND},
    {"imagenet64_cond_270M_250K", IMPROVED_64 "--num_channels 192 --num_res_blocks 3 --class_cond "
                                              "True --num_classes 1000 --rescale_timesteps False"},
    {"upsample_cond_500K", IMPROVED
     "--large_size 256 --small_size 64 --channel_mult 1,1,2,2,4,4 --attention_resolutions 16,8 "
     "--learn_sigma True "
     "--use_scale_shift_norm True --diffusion_steps 4000 --noise_schedule linear --in_channels 3 "
     "--num_channels 192 --num_res_blocks 2 --class_cond True --num_classes 1000 "
     "--rescale_timesteps False"},
    {"lsun_uncond_100M_1200K_bs128", LSUN_UNCOND},
    {"lsun_uncond_100M_2400K_bs64", LSUN_UNCOND},
    {"64x64_diffusion", GUIDED
     "--image_size 64 --channel_mult 1,2,3,4 --attention_resolutions 32,16,8 --noise_schedule "
     "cosine "
     "--num_channels 192 --num_head_channels 64 --num_res_blocks 3 --use_new_attention_order True "
     "--class_cond True --num_classes 1000"},
    {"128x128_diffusion",
     GUIDED "--image_size 128 --channel_mult 1,1,2,3,4 --attention_resolutions 32,16,8 "
            "--noise_schedule linear "
            "--num_channels 256 --num_heads 4 --num_res_blocks 2 --use_new_attention_order False "
            "--class_cond True --num_classes 1000"},
    {"256x256_diffusion", GUIDED_256 "--class_cond True --num_classes 1000"},
    {"256x256_diffusion_uncond", GUIDED_256 "--class_cond False"},
    {"512x512_diffusion", GUIDED
     "--image_size 512 --channel_mult 0.5,1,1,2,2,4,4 --attention_resolutions 32,16,8 "
     "--noise_schedule linear "
     "--num_channels 256 --num_head_channels 64 --num_res_blocks 2 --use_new_attention_order False "
     "--class_cond True --num_classes 1000"},
    {"64_256_upsampler", GUIDED
     "--large_size 256 --small_size 64 --channel_mult 1,1,2,2,4,4 --attention_resolutions 32,16,8 "
     "--noise_schedule linear --num_channels 192 --num_heads 4 --num_res_blocks 2 "
     "--use_new_attention_order False --class_cond True --num_classes 1000"},
    {"128_512_upsampler", GUIDED
     "--large_size 512 --small_size 128 --channel_mult 1,1,2,2,4,4 --attention_resolutions 32,16 "
     "--noise_schedule linear --num_channels 192 --num_head_channels 64 --num_res_blocks 2 "
     "--use_new_attention_order False --class_cond True --num_classes 1000"},
    {"lsun_bedroom", GUIDED_256 "--class_cond False"},
    {"lsun_cat", GUIDED_256 "--class_cond False"},
    {"lsun_horse", GUIDED_256 "--class_cond False"},
    {"lsun_horse_nodropout", GUIDED_256 "--class_cond False"},
};

/* script_util.create_model(): the image size decides channel_mult, so the other way round a model
 * made by the original's scripts gives its size away. */
static const struct {
  const char *channel_mult, *image_size;
} sizes[] = {{"1,2,2,2", "32"}, {"1,2,3,4", "64"}, {"1,1,2,3,4", "128"}, {"1,1,2,2,4,4", "256"}};

static DdimSettings *
preset_new(guint index)
{
  g_autoptr(GError) error = NULL;
  DdimSettings *settings = ddim_settings_from_flags(presets[index].flags, &error);

  g_assert_no_error(error); /* the table is part of the program, and tests walk all of it */
  g_free(settings->origin);
  settings->origin = g_strdup(presets[index].name);
  return settings;
}

static guint
preset_size(const DdimSettings *preset)
{
  const char *size = preset->values[DDIM_KEY_LARGE_SIZE];

  if (!size)
    size = preset->values[DDIM_KEY_IMAGE_SIZE];
  return size ? g_ascii_strtoull(size, NULL, 10) : 0;
}

/* The first value of @preset that the weights contradict, or DDIM_N_KEYS. */
static DdimKey
first_difference(const DdimSettings *preset, const DdimShapes *shapes)
{
  guint key = 0;

  if (!preset->values[DDIM_KEY_LARGE_SIZE] && shapes->unet.super_res)
    return DDIM_KEY_IN_CHANNELS;
  for (; key < DDIM_N_KEYS; key++)
    if (preset->values[key] &&
        ddim_shapes_contradict(shapes, key, preset->values[key], preset_size(preset)))
      break;
  return key;
}

/* A file that bears a published name but holds a changed model (fine-tuned for other classes, say)
 * keeps the values that no shape tells, unless it is of another kind altogether. */
static DdimSettings *
match_name(const char *checkpoint_path, const DdimShapes *shapes)
{
  g_autofree char *base = g_path_get_basename(checkpoint_path);
  char *dot = strrchr(base, '.');

  if (dot && dot != base)
    *dot = '\0';
  for (guint i = 0; i < G_N_ELEMENTS(presets); i++) {
    if (!g_str_equal(presets[i].name, base))
      continue;
    g_autoptr(DdimSettings) preset = preset_new(i);
    DdimKey key = first_difference(preset, shapes);
    if (key == DDIM_N_KEYS)
      return g_steal_pointer(&preset);

    gboolean updown = g_str_equal(preset->values[DDIM_KEY_RESBLOCK_UPDOWN], "True");
    gboolean super_res = preset->values[DDIM_KEY_LARGE_SIZE] != NULL;
    g_autofree char *reason = ddim_shapes_explain(shapes, key, preset_size(preset));
    if (updown != shapes->unet.resblock_updown || super_res != shapes->unet.super_res) {
      g_autoptr(DdimSettings) none = ddim_settings_new(NULL);
      ddim_settings_note(
          none, _("the file is named like the published %s but holds another kind of model: %s"),
          base, reason);
      return g_steal_pointer(&none);
    }
    ddim_settings_note(preset, _("the file is named like the published %s but differs from it: %s"),
                       base, reason);
    return g_steal_pointer(&preset);
  }
  return NULL;
}

/* Keep in @all what @other says as well; note what they disagree on. */
static void
intersect(DdimSettings *all, const DdimSettings *other)
{
  for (guint key = 0; key < DDIM_N_KEYS; key++) {
    if (g_strcmp0(all->values[key], other->values[key]) == 0)
      continue;
    ddim_settings_note(all,
                       _("%s and %s share this architecture but not %s: say which with a flag"),
                       all->origin, other->origin, ddim_key_name(key));
    g_clear_pointer(&all->values[key], g_free);
  }
}

static DdimSettings *
match_fingerprint(const DdimShapes *shapes)
{
  g_autoptr(DdimSettings) found = NULL;

  for (guint i = 0; i < G_N_ELEMENTS(presets); i++) {
    g_autoptr(DdimSettings) preset = preset_new(i);
    if (first_difference(preset, shapes) != DDIM_N_KEYS)
      continue;
    if (found)
      intersect(found, preset);
    else
      found = g_steal_pointer(&preset);
  }
  return g_steal_pointer(&found);
}

static DdimSettings *
match_size(const DdimShapes *shapes)
{
  DdimSettings *settings = ddim_settings_new(NULL);
  DdimKey key = shapes->unet.super_res ? DDIM_KEY_LARGE_SIZE : DDIM_KEY_IMAGE_SIZE;

  for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++)
    if (g_str_equal(sizes[i].channel_mult, shapes->told[DDIM_KEY_CHANNEL_MULT]))
      settings->values[key] = g_strdup(sizes[i].image_size);
  return settings;
}

DdimSettings *
ddim_settings_from_preset(const char *checkpoint_path, const DdimShapes *shapes)
{
  g_autoptr(DdimSettings) named = match_name(checkpoint_path, shapes);
  g_autoptr(DdimSettings) settings = NULL;

  if (named && named->origin)
    return g_steal_pointer(&named);
  settings = match_fingerprint(shapes);
  if (!settings)
    settings = match_size(shapes);
  if (named)
    g_ptr_array_extend_and_steal(settings->notes, g_steal_pointer(&named->notes));
  return g_steal_pointer(&settings);
}
