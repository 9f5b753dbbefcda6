/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

#include "opencl/since.h"

G_BEGIN_DECLS

/** Where a value of the configuration came from, the most binding first. Later versions may add
 * sources; compare names rather than places. */
typedef enum {
  DDIM_SOURCE_SHAPES,   /**< the shapes of the weights */
  DDIM_SOURCE_FLAGS,    /**< --flags */
  DDIM_SOURCE_SIDECAR,  /**< NAME.json beside the checkpoint */
  DDIM_SOURCE_METADATA, /**< safetensors __metadata__ */
  DDIM_SOURCE_CONFIG,   /**< the config.json and scheduler_config.json of a folder of diffusers */
  DDIM_SOURCE_PRESET,   /**< a published checkpoint, known by its file name or by its shapes */
  DDIM_SOURCE_DEFAULT   /**< the default of the program that the model was made with */
} DdimSource;

/** "shapes", "flags", "sidecar", "metadata", "config", "preset", "default". (transfer none) Any
 * thread. */
DDIM_AVAILABLE_IN_0_1
const char *ddim_source_get_name(DdimSource source);

G_END_DECLS
