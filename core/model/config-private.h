/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/model/architecture.h"
#include "core/model/config.h"

G_BEGIN_DECLS

/** Every setting a configuration has, in the order in which they are shown. */
typedef enum {
  DDIM_KEY_IMAGE_SIZE,
  DDIM_KEY_LARGE_SIZE,
  DDIM_KEY_SMALL_SIZE,
  DDIM_KEY_IN_CHANNELS,
  DDIM_KEY_OUT_CHANNELS,
  DDIM_KEY_NUM_CHANNELS,
  DDIM_KEY_CHANNEL_MULT,
  DDIM_KEY_NUM_RES_BLOCKS,
  DDIM_KEY_ATTENTION_RESOLUTIONS,
  DDIM_KEY_NUM_HEADS,
  DDIM_KEY_NUM_HEADS_UPSAMPLE,
  DDIM_KEY_NUM_HEAD_CHANNELS,
  DDIM_KEY_USE_SCALE_SHIFT_NORM,
  DDIM_KEY_CONV_RESAMPLE,
  DDIM_KEY_RESBLOCK_UPDOWN,
  DDIM_KEY_USE_NEW_ATTENTION_ORDER,
  DDIM_KEY_CLASS_COND,
  DDIM_KEY_NUM_CLASSES,
  DDIM_KEY_LEARN_SIGMA,
  DDIM_KEY_SIGMA_SMALL,
  DDIM_KEY_DIFFUSION_STEPS,
  DDIM_KEY_NOISE_SCHEDULE,
  DDIM_KEY_TIMESTEP_RESPACING,
  DDIM_KEY_PREDICT_XSTART,
  DDIM_KEY_RESCALE_TIMESTEPS,
  DDIM_KEY_ETA,
  DDIM_N_KEYS
} DdimKey;

/* config-keys.c: names, types and defaults */

const char *ddim_key_name(DdimKey key);
/** improved_diffusion's default as text. */
const char *ddim_key_default(DdimKey key);
gboolean ddim_key_find(const char *name, DdimKey *key);
/** Why the original's flag @name has no part in a model's configuration; NULL when it has, or is
 * unknown. */
const char *ddim_key_ignored(const char *name);
/** Names close to @name as " (did you mean …?)", else "". (transfer full) */
char *ddim_key_proposal(const char *name);
/** The value in one spelling ("True", "64", "16,8"). NULL with @expected telling what it should
 * have been. (transfer full) */
char *ddim_key_parse(DdimKey key, const char *text, char **expected);

/** What one source says. Texts are as ddim_key_parse() returns them; NULL: it does not say. */
typedef struct {
  char *values[DDIM_N_KEYS];
  char *origin; /**< what messages call the source: "--flags", "textures.json" */
  char *name, *description, *license;
  GStrv class_names;
  GPtrArray *notes; /**< char*: what a user should know, such as ignored flags */
} DdimSettings;

DdimSettings *ddim_settings_new(const char *origin);
void ddim_settings_free(DdimSettings *settings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimSettings, ddim_settings_free)
void ddim_settings_note(DdimSettings *settings, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* config-flags.c, config-sidecar.c */

DdimSettings *ddim_settings_from_flags(const char *flags, GError **error);
/** The file beside @checkpoint_path; empty settings when there is none. */
DdimSettings *ddim_settings_from_sidecar(const char *checkpoint_path, GError **error);
DdimSettings *ddim_settings_from_json(const char *text, gsize length, const char *origin,
                                      GError **error);
DdimSettings *ddim_settings_from_metadata(DdimCheckpoint *checkpoint, GError **error);

/* config-shapes.c, config-verify.c: what the weights say */

typedef struct {
  DdimUNetConfig unet;  /**< all but the fields that no shape tells: heads and attention order */
  guint image_channels; /**< channels of x */
  gboolean learn_sigma;
  char *told[DDIM_N_KEYS];     /**< the value, NULL where shapes do not tell */
  char *evidence[DDIM_N_KEYS]; /**< the weight that tells: "time_embed.0.weight is [512, 128]" */
  GPtrArray *extra;            /**< char*: tensors that the model does not use */
} DdimShapes;

/** Infer the architecture of a state dict that passed ddim_layout_check(), and check that every
 * tensor it needs is there with the right shape.
 * @prefer_super_res  what 2 or 4 channels in and out mean: a super-resolution model with learned
 * sigma */
DdimShapes *ddim_shapes_new(DdimCheckpoint *checkpoint, gboolean prefer_super_res, GError **error);
void ddim_shapes_free(DdimShapes *shapes);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimShapes, ddim_shapes_free)

/** Refuse state dicts that are known to be of another kind, by their tensors' names. */
gboolean ddim_layout_check(DdimCheckpoint *checkpoint, GError **error);
/** Whether @name lies in a module of UNetModel. */
gboolean ddim_layout_is_ours(const char *name);
/** Check every tensor of the architecture @unet; the names of all others go to @extra. */
gboolean ddim_shapes_verify(DdimCheckpoint *checkpoint, const DdimUNetConfig *unet,
                            GPtrArray *extra, GError **error);

/** Whether the weights and @value of @key exclude each other. @image_size: what
 * attention_resolutions refers to, 0 when unknown. */
gboolean ddim_shapes_contradict(const DdimShapes *shapes, DdimKey key, const char *value,
                                guint image_size);
/** "time_embed.0.weight is [512, 128], so num_channels is 128". (transfer full) */
char *ddim_shapes_explain(const DdimShapes *shapes, DdimKey key, guint image_size);
/** The levels that have attention as pixels of an image of @image_size: "16,8"; NULL when that
 * cannot be written. (transfer full) */
char *ddim_shapes_attention_text(const DdimUNetConfig *unet, guint image_size);

/* config-presets.c: published checkpoints */

/** The preset of the published file that @checkpoint_path is named like, or whose architecture
 * @shapes has; empty settings when none. Where several published models match and disagree, the
 * value is left out. */
DdimSettings *ddim_settings_from_preset(const char *checkpoint_path, const DdimShapes *shapes);

/* config.c, config-load.c */

struct _DdimConfig {
  gatomicrefcount refs;
  DdimUNetConfig unet;
  DdimArchitecture *architecture;
  char *values[DDIM_N_KEYS]; /* NULL: has no meaning for this model */
  DdimSource sources[DDIM_N_KEYS];
  char *name, *description, *license, *preset;
  GStrv class_names; /* (nullable) num_classes of them */
  GPtrArray *notes, *extra;
};

gboolean ddim_config_get_bool(DdimConfig *config, DdimKey key);
/** 0 for "-1", which means "not set", and for a missing value. */
guint ddim_config_get_uint(DdimConfig *config, DdimKey key);

G_END_DECLS
