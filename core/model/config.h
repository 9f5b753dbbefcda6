/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/since.h"
#include "core/checkpoint/checkpoint.h"
#include "core/model/config-source.h"

G_BEGIN_DECLS

/** A model's whole configuration with the source of every value. Reference counted; immutable after
 * loading, any thread may read it. Texts are UTF-8 and, like lists, (transfer none): they live as
 * long as the configuration. */
typedef struct _DdimConfig DdimConfig;

/** Find the configuration of @checkpoint. Values that shapes tell are read from the shapes. Each of
 * the others is taken from the first of these that has it: @flags, the sidecar (the checkpoint's
 * path with its suffix replaced by ".json"), the metadata, a preset, the default. No weights are
 * read. Takes at most 64 MiB and four times the length of what it reads: the sidecar, the metadata
 * and the tensors' names.
 * @flags  (nullable) improved-diffusion's MODEL_FLAGS and DIFFUSION_FLAGS verbatim, e.g.
 *         "--image_size 64 --num_channels 128 --noise_schedule cosine"
 * Errors: DDIM_ERROR_MISMATCH naming the flag and the shape that contradict each other,
 * DDIM_ERROR_ARGUMENT for an unknown or unreadable flag, DDIM_ERROR_FORMAT for a broken sidecar,
 * DDIM_ERROR_UNSUPPORTED for a state dict that is no UNet known here, DDIM_ERROR_NOT_FOUND for one
 * with tensors missing (the first is named). */
DDIM_AVAILABLE_IN_0_1
DdimConfig *ddim_config_load(DdimCheckpoint *checkpoint, const char *flags, GError **error);
DDIM_AVAILABLE_IN_0_1
DdimConfig *ddim_config_ref(DdimConfig *config);
/** @config  (nullable) */
DDIM_AVAILABLE_IN_0_1
void ddim_config_unref(DdimConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimConfig, ddim_config_unref)

/** The program whose networks the model is one of: "improved-diffusion", "guided-diffusion". */
DDIM_AVAILABLE_IN_0_1
const char *ddim_config_get_family(DdimConfig *config);
/** The model's name, never NULL. */
DDIM_AVAILABLE_IN_0_1
const char *ddim_config_get_name(DdimConfig *config);
/** (nullable) */
DDIM_AVAILABLE_IN_0_1
const char *ddim_config_get_description(DdimConfig *config);
/** (nullable) SPDX identifier */
DDIM_AVAILABLE_IN_0_1
const char *ddim_config_get_license(DdimConfig *config);

/** Of the images: 1 gray, 2 gray and alpha, 3 RGB, 4 RGBA. */
DDIM_AVAILABLE_IN_0_1
guint ddim_config_get_image_channels(DdimConfig *config);
/** Training size in pixels: large_size of a super-resolution model. When nothing tells it is a
 * guess: the size from which improved-diffusion makes this channel_mult, else its default. Of a
 * model of diffusers that was made for another width than height it is the height. */
DDIM_AVAILABLE_IN_0_1
guint ddim_config_get_image_size(DdimConfig *config);
/** Width and height of an image must be multiples of this, a power of 2. */
DDIM_AVAILABLE_IN_0_1
guint ddim_config_get_stride(DdimConfig *config);
/** Whether the model enlarges a small image, the request's property "low-res". */
DDIM_AVAILABLE_IN_0_1
gboolean ddim_config_is_super_res(DdimConfig *config);
/** Width and height of a super-resolution model's small image; 0 otherwise. */
DDIM_AVAILABLE_IN_0_1
guint ddim_config_get_small_size(DdimConfig *config);

/** 0 for a model that knows no classes. */
DDIM_AVAILABLE_IN_0_1
guint ddim_config_get_n_classes(DdimConfig *config);
/** (nullable) NULL when the classes have no names or @label is none. */
DDIM_AVAILABLE_IN_0_1
const char *ddim_config_get_class_name(DdimConfig *config, guint label);
/** @text   a class's name (case-insensitive) or its number
 * @label  (out) 0 … n_classes-1
 * Errors: DDIM_ERROR_ARGUMENT, which names close matches. */
DDIM_AVAILABLE_IN_0_1
gboolean ddim_config_parse_class(DdimConfig *config, const char *text, gint64 *label,
                                 GError **error);

/** The noise of DDIM steps that suits the model, 0 … 10: what its maker recommends with the key
 * "eta", else the original's 0. */
DDIM_AVAILABLE_IN_0_1
double ddim_config_get_eta(DdimConfig *config);
/** The sampler that its maker recommends with the key "recommended_sampler"; (nullable) NULL when
 * none is recommended. (transfer none) */
DDIM_AVAILABLE_IN_0_1
const char *ddim_config_get_sampler(DdimConfig *config);
/** The steps for that sampler, from the key "recommended_steps"; (nullable) NULL as above. */
DDIM_AVAILABLE_IN_0_1
const char *ddim_config_get_steps(DdimConfig *config);

/** What a user should know about how the values were found: ignored flags and keys, a published
 * name on another model, tensors without use. One line each, NULL-terminated. */
DDIM_AVAILABLE_IN_0_1
const char *const *ddim_config_get_notes(DdimConfig *config);

typedef void (*DdimConfigVisitor)(const char *key, const char *value, DdimSource source,
                                  gpointer user_data);
/** Visit every value, in a stable order: key as improved-diffusion names it ("noise_schedule"),
 * value as text ("cosine"), and its source. Which keys there are depends on the model's family. */
DDIM_AVAILABLE_IN_0_1
void ddim_config_foreach(DdimConfig *config, DdimConfigVisitor visitor, gpointer user_data);

G_END_DECLS
