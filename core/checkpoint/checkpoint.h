/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/data/tensor.h"

G_BEGIN_DECLS

/** A state dict read from a file: PyTorch .pt/.pth (zip or legacy) or .safetensors, told apart by
 * content. The weights stay in a read-only mapping of the file and are paged in when read. Nothing
 * in the file is ever executed. Reference counted; immutable, may be read from any thread. */
typedef struct _DdimCheckpoint DdimCheckpoint;

/** Errors: G_FILE_ERROR (cannot open), DDIM_ERROR_FORMAT (truncated, corrupt, sizes that overflow),
 * DDIM_ERROR_UNSUPPORTED (a pickle with other globals than tensors need: it is named; an optimizer
 * state). */
DdimCheckpoint *ddim_checkpoint_open(const char *path, GError **error);
DdimCheckpoint *ddim_checkpoint_ref(DdimCheckpoint *checkpoint);
void ddim_checkpoint_unref(DdimCheckpoint *checkpoint);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimCheckpoint, ddim_checkpoint_unref)

const char *ddim_checkpoint_get_path(DdimCheckpoint *checkpoint);
/** "pytorch zip", "pytorch legacy" or "safetensors". */
const char *ddim_checkpoint_get_format(DdimCheckpoint *checkpoint);
guint64 ddim_checkpoint_get_file_size(DdimCheckpoint *checkpoint);

guint ddim_checkpoint_get_n_tensors(DdimCheckpoint *checkpoint);
/** In the file's order. (transfer none) */
const DdimTensor *ddim_checkpoint_get_tensor(DdimCheckpoint *checkpoint, guint index);
/** (transfer none) (nullable) */
const DdimTensor *ddim_checkpoint_lookup(DdimCheckpoint *checkpoint, const char *name);
/** As lookup, but a missing tensor or another shape is an error that names it and both shapes. A
 * 1-sized trailing dimension counts as absent ([3C, C, 1] matches [3C, C]). */
const DdimTensor *ddim_checkpoint_require(DdimCheckpoint *checkpoint, const char *name,
                                          guint n_dims, const gsize *shape, GError **error);
/** safetensors' __metadata__, (transfer none) (nullable) value of @key. */
const char *ddim_checkpoint_get_metadata(DdimCheckpoint *checkpoint, const char *key);
/** Tell the kernel that the pages of @tensor are not needed any more (they stay valid, and are read
 * again from the file on the next touch). Keeps the resident size small while weights are moved to
 * a device. */
void ddim_checkpoint_release(DdimCheckpoint *checkpoint, const DdimTensor *tensor);

typedef struct {
  gboolean half;        /**< store float tensors as F16 instead of F32 */
  GHashTable *metadata; /**< (nullable) char* -> char*, written as __metadata__ */
} DdimCheckpointSaveParams;

/** Write all tensors as safetensors, to a temporary file renamed to @path at the end. */
gboolean ddim_checkpoint_save(DdimCheckpoint *checkpoint, const char *path,
                              const DdimCheckpointSaveParams *params, GError **error);

G_END_DECLS
