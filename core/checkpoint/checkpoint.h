/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/data/tensor.h"

G_BEGIN_DECLS

/** A state dict read from a file: PyTorch .pt/.pth (zip or legacy) or .safetensors, told apart by
 * content. The file stays open, and weights are read from it when they are asked for. Nothing in
 * the file is ever executed. Reference counted; immutable, may be read from any thread. */
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
/** In the file's order. (transfer none) It has no data: ddim_checkpoint_read() reads them. */
const DdimTensor *ddim_checkpoint_get_tensor(DdimCheckpoint *checkpoint, guint index);
/** (transfer none) (nullable) */
const DdimTensor *ddim_checkpoint_lookup(DdimCheckpoint *checkpoint, const char *name);
/** As lookup, but a missing tensor or another shape is an error that names it and both shapes. A
 * 1-sized trailing dimension counts as absent ([3C, C, 1] matches [3C, C]). */
const DdimTensor *ddim_checkpoint_require(DdimCheckpoint *checkpoint, const char *name,
                                          guint n_dims, const gsize *shape, GError **error);
/** safetensors' __metadata__, (transfer none) (nullable) value of @key. */
const char *ddim_checkpoint_get_metadata(DdimCheckpoint *checkpoint, const char *key);
/** Read elements @first … @first + @n - 1 of @tensor, counted in C order, as ddim_tensor_read()
 * does. The first time, the checksum of the storage that they lie in is compared: PyTorch's zip
 * files have one.
 * @as  the tensor's own dtype, F32 or F16
 * Errors: DDIM_ERROR_FORMAT for a wrong checksum, and for a number that is infinite or NaN, unless
 * @as is the dtype of a tensor other than F32 or F16; DDIM_ERROR_UNSUPPORTED for a number that F16
 * cannot hold; G_FILE_ERROR, also when the file has become shorter meanwhile. @out is then
 * undefined. */
gboolean ddim_checkpoint_read(DdimCheckpoint *checkpoint, const DdimTensor *tensor, gsize first,
                              gsize n, DdimDType as, gpointer out, GError **error);

typedef struct {
  gboolean half;        /**< store float tensors as F16 instead of F32 */
  GHashTable *metadata; /**< (nullable) char* -> char*, written as __metadata__ */
} DdimCheckpointSaveParams;

/** Write all tensors as safetensors, to a temporary file renamed to @path at the end. */
gboolean ddim_checkpoint_save(DdimCheckpoint *checkpoint, const char *path,
                              const DdimCheckpointSaveParams *params, GError **error);

G_END_DECLS
