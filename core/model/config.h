/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/checkpoint/checkpoint.h"
#include "core/diffusion/diffusion.h"
#include "core/model/config-source.h"

G_BEGIN_DECLS

/** A model's whole configuration with the source of every value. Immutable after loading;
 * ref-counted. */
typedef struct _DdimConfig DdimConfig;

/** Find the configuration of @checkpoint. Values that shapes tell are read from the shapes. Each of
 * the others is taken from the first of these that has it: @flags, the sidecar (the checkpoint's
 * path with its suffix replaced by ".json"), the metadata, a preset, the default.
 * @flags  (nullable) improved-diffusion's MODEL_FLAGS and DIFFUSION_FLAGS verbatim, e.g.
 *         "--image_size 64 --num_channels 128 --noise_schedule cosine"
 * Errors: DDIM_ERROR_MISMATCH naming the flag and the shape that contradict each other,
 * DDIM_ERROR_ARGUMENT for an unknown or unreadable flag, DDIM_ERROR_FORMAT for a broken sidecar,
 * DDIM_ERROR_UNSUPPORTED for a state dict that is no UNet known here, DDIM_ERROR_NOT_FOUND for one
 * with tensors missing (the first is named). */
DdimConfig *ddim_config_load(DdimCheckpoint *checkpoint, const char *flags, GError **error);
DdimConfig *ddim_config_ref(DdimConfig *config);
void ddim_config_unref(DdimConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimConfig, ddim_config_unref)

/** What the network is made of: what ddim_network_new() needs. Its members are no part of the
 * public interface. (transfer none) lives as long as @config */
typedef struct _DdimArchitecture DdimArchitecture;
const DdimArchitecture *ddim_config_get_architecture(DdimConfig *config);

/** The program whose networks the model is one of: "improved-diffusion", "guided-diffusion". */
const char *ddim_config_get_family(DdimConfig *config);
/** Of x: 1 gray, 2 gray and alpha, 3 RGB, 4 RGBA. */
guint ddim_config_get_image_channels(DdimConfig *config);
/** Of the network's result: those of x, or twice as many with learned sigma. */
guint ddim_config_get_out_channels(DdimConfig *config);
/** Width and height of an image must be multiples of this, a power of 2. */
guint ddim_config_get_stride(DdimConfig *config);
/** Whether the model enlarges a small image, low_res. */
gboolean ddim_config_is_super_res(DdimConfig *config);

/** Fill @params from noise_schedule, diffusion_steps, predict_xstart, learn_sigma, sigma_small and
 * rescale_timesteps, as create_gaussian_diffusion does. timestep_respacing is the configuration's
 * own, usually ""; the caller replaces it. Strings live as long as @config. */
void ddim_config_get_diffusion(DdimConfig *config, DdimDiffusionParams *params);

/** The noise of DDIM steps that suits the model, 0 … DDIM_MAX_ETA: what its maker recommends with
 * the key "eta", else the original's 0. */
double ddim_config_get_eta(DdimConfig *config);

const char *ddim_config_get_name(DdimConfig *config);        /**< the model's name, never NULL */
const char *ddim_config_get_description(DdimConfig *config); /**< (nullable) */
const char *ddim_config_get_license(DdimConfig *config);     /**< (nullable) SPDX identifier */
/** Training size in pixels: large_size of a super-resolution model. When nothing tells it is a
 * guess: the size from which improved-diffusion makes this channel_mult, else its default. */
guint ddim_config_get_image_size(DdimConfig *config);
/** Width and height of a super-resolution model's low_res input; 0 otherwise. */
guint ddim_config_get_small_size(DdimConfig *config);
guint ddim_config_get_n_classes(DdimConfig *config);
/** (nullable) NULL when the classes have no names. */
const char *ddim_config_get_class_name(DdimConfig *config, guint label);
/** @text  a class's name (case-insensitive) or its number. DDIM_ERROR_ARGUMENT names close matches.
 */
gboolean ddim_config_parse_class(DdimConfig *config, const char *text, gint64 *label,
                                 GError **error);

/** What a user should know about how the values were found: ignored flags and keys, a published
 * name on another model, tensors without use. One line each. (transfer none), NULL-terminated. */
const char *const *ddim_config_get_notes(DdimConfig *config);
/** Names of tensors that the model does not use. (transfer none), NULL-terminated. */
const char *const *ddim_config_get_extra_tensors(DdimConfig *config);
/** The published checkpoint that values of DDIM_SOURCE_PRESET come from:
 * "imagenet64_uncond_100M_1500K". (nullable) */
const char *ddim_config_get_preset(DdimConfig *config);

/** Visit every value, in a stable order: key as improved-diffusion names it, value as text, and its
 * source. */
typedef void (*DdimConfigVisitor)(const char *key, const char *value, DdimSource source,
                                  gpointer user_data);
void ddim_config_foreach(DdimConfig *config, DdimConfigVisitor visitor, gpointer user_data);
/** The whole configuration as char* -> char* for DdimCheckpointSaveParams.metadata, such that
 * loading the saved file without flags and without sidecar gives the same configuration. (transfer
 * full) */
GHashTable *ddim_config_to_metadata(DdimConfig *config);

G_END_DECLS
