/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/data/image-private.h"
#include "core/diffusion/diffusion.h"
#include "core/diffusion/scheduler.h"
#include "core/model/architecture.h"
#include "core/model/config.h"

G_BEGIN_DECLS

/* What is needed to compute with a model, and to write one, from its configuration. Threads and
 * ownership are as in config.h. */

/** ddim_config_load() for a classifier of guided-diffusion, which ddim_config_load() refuses.
 * @flags  (nullable) its CLASSIFIER_FLAGS, and names of EncoderUNetModel's arguments */
DdimConfig *ddim_config_load_classifier(DdimCheckpoint *checkpoint, const char *flags,
                                        GError **error);
/** Either of the two. */
DdimConfig *ddim_config_load_any(DdimCheckpoint *checkpoint, const char *flags, GError **error);
/** How its values become numbers for classes; DDIM_POOL_NONE for a model that makes pictures. */
DdimPoolType ddim_config_get_pool(DdimConfig *config);
/** Width and height of the only images that a classifier can read; 0: any multiple of the stride.
 */
guint ddim_config_get_only_size(DdimConfig *config);

/** What the network is made of: what ddim_network_new() needs. (transfer none) lives as long as
 * @config */
const DdimArchitecture *ddim_config_get_architecture(DdimConfig *config);
/** Of the network's result: those of x, or twice as many with learned sigma. */
guint ddim_config_get_out_channels(DdimConfig *config);
/** Fill @params from noise_schedule, diffusion_steps, predict_xstart, learn_sigma, sigma_small and
 * rescale_timesteps, as create_gaussian_diffusion does. timestep_respacing is the configuration's
 * own, usually ""; the caller replaces it. Strings live as long as @config. */
void ddim_config_get_diffusion(DdimConfig *config, DdimDiffusionParams *params);

/** Width and height of the images that the model was made for; ddim_config_get_image_size() twice,
 * unless it is a model of diffusers whose sample_size is a list of two numbers. */
void ddim_config_get_shape(DdimConfig *config, guint *width, guint *height);
/** The scheduler of a model of diffusers, as its scheduler_config.json describes it. (transfer
 * none) (nullable) */
const DdimScheduler *ddim_config_get_scheduler(DdimConfig *config);

/** How the program that the model comes from makes bytes of samples. */
DdimBytes ddim_config_get_bytes(DdimConfig *config);

/** Names of tensors that the model does not use. NULL-terminated. */
const char *const *ddim_config_get_extra_tensors(DdimConfig *config);
/** The published checkpoint that values of DDIM_SOURCE_PRESET come from:
 * "imagenet64_uncond_100M_1500K". (nullable) */
const char *ddim_config_get_preset(DdimConfig *config);
/** Why that one: a translated phrase, "the file has its name". NULL without a preset. (nullable) */
const char *ddim_config_get_preset_reason(DdimConfig *config);
/** The whole configuration as char* -> char* for DdimCheckpointSaveParams.metadata, such that
 * loading the saved file without flags and without sidecar gives the same configuration. (transfer
 * full) */
GHashTable *ddim_config_to_metadata(DdimConfig *config);

G_END_DECLS
