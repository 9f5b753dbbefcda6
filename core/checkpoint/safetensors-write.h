/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/checkpoint/checkpoint.h"

G_BEGIN_DECLS

typedef struct {
  gboolean half;        /**< store float tensors as F16 instead of F32 */
  GHashTable *metadata; /**< (nullable) char* -> char*, written as __metadata__ */
} DdimCheckpointSaveParams;

/** Write all tensors as safetensors, to a temporary file renamed to @path at the end. */
gboolean ddim_checkpoint_save(DdimCheckpoint *checkpoint, const char *path,
                              const DdimCheckpointSaveParams *params, GError **error);

G_END_DECLS
