/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/model/block-unet.h"
#include "core/model/family.h"

G_BEGIN_DECLS

/* UNet2DModel of huggingface/diffusers. Its configuration is the text of its config.json, the
 * metadata DDIM_METADATA_UNET of a checkpoint. */

extern const DdimFamily ddim_family_diffusers;

/** What a config.json says. */
typedef struct {
  DdimBlockUNet unet;                /**< all but the names of the layers */
  guint sample_height, sample_width; /**< 0: not stated */
  gboolean numbered_classes;         /**< class_embed_type is "timestep" */
} DdimUNet2DConfig;

/** How many numbers a model of class_embed_type "timestep" takes as classes when its
 * num_class_embeds does not tell. */
#define DDIM_NUMBERED_CLASSES 1000

/** Read the fields of @text, each with diffusers' default. A field that asks for something unknown
 * here is DDIM_ERROR_UNSUPPORTED, one of a wrong type or out of range DDIM_ERROR_FORMAT; the
 * message names it. Takes the memory of ddim_json_parse(). */
gboolean ddim_unet2d_config_parse(const char *text, gsize length, DdimUNet2DConfig *config,
                                  GError **error);

G_END_DECLS
