/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** The keys of a configuration, in the order in which they are shown. Their names are those of
 * improved-diffusion's and guided-diffusion's flags, whatever family a model belongs to. */
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
  DDIM_KEY_POOL,
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
  DDIM_KEY_RECOMMENDED_SAMPLER,
  DDIM_KEY_RECOMMENDED_STEPS,
  DDIM_N_KEYS
} DdimKey;

/** Values of noise_schedule for the models of consistency_models, whose noise has no betas: the
 * models that are distilled, and the EDM models that they come from. */
#define DDIM_SCHEDULE_CONSISTENCY "consistency"
#define DDIM_SCHEDULE_EDM "edm"

const char *ddim_key_name(DdimKey key);
/** The default of improved_diffusion.script_util as text; (nullable) NULL when there is none. */
const char *ddim_key_default(DdimKey key);
gboolean ddim_key_find(const char *name, DdimKey *key);
/** The same for a classifier, of which guided-diffusion's scripts call some keys otherwise:
 * "classifier_width" is num_channels. Both names are found. */
const char *ddim_key_classifier_name(DdimKey key);
gboolean ddim_key_find_classifier(const char *name, DdimKey *key);
/** Why the flag @name of the original's scripts has no part in a model's configuration: a
 * translated phrase. NULL when it has a part, or is unknown. */
const char *ddim_key_ignored(const char *name);
/** Names close to @name as " (did you mean …?)", else "". (transfer full) */
char *ddim_key_proposal(const char *name);
/** @text as the one spelling in which values are kept and compared: "True", "64", "16,8". NULL when
 * it is no value of @key; then @expected says what is. (transfer full) */
char *ddim_key_parse(DdimKey key, const char *text, char **expected);

G_END_DECLS
