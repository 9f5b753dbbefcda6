/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

#include "opencl/since.h"

G_BEGIN_DECLS

/** A state dict read from a file: PyTorch .pt/.pth (zip or legacy) or .safetensors, told apart by
 * content. The file stays open, and weights are read from it when they are asked for. Nothing in
 * the file is ever executed. Reference counted; immutable, may be read from any thread. What
 * functions return stays valid as long as the checkpoint. */
typedef struct _DdimCheckpoint DdimCheckpoint;

/** Errors: G_FILE_ERROR (cannot open), DDIM_ERROR_FORMAT (truncated, corrupt, sizes that overflow),
 * DDIM_ERROR_UNSUPPORTED (a pickle with globals that tensors do not need, which the message names;
 * an optimizer state). Opening takes at most 64 MiB and four times the file's size: it reads the
 * directory, and of the weights only what a zip archive holds compressed. */
DDIM_AVAILABLE_IN_0_1
DdimCheckpoint *ddim_checkpoint_open(const char *path, GError **error);
DDIM_AVAILABLE_IN_0_1
DdimCheckpoint *ddim_checkpoint_ref(DdimCheckpoint *checkpoint);
/** @checkpoint  (nullable) */
DDIM_AVAILABLE_IN_0_1
void ddim_checkpoint_unref(DdimCheckpoint *checkpoint);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimCheckpoint, ddim_checkpoint_unref)

/** The path that was given to ddim_checkpoint_open(), in the encoding of file names. (transfer
 * none) */
DDIM_AVAILABLE_IN_0_1
const char *ddim_checkpoint_get_path(DdimCheckpoint *checkpoint);
/** "pytorch zip", "pytorch legacy" or "safetensors"; later versions may know more. (transfer none)
 */
DDIM_AVAILABLE_IN_0_1
const char *ddim_checkpoint_get_format(DdimCheckpoint *checkpoint);
/** The size of the file in bytes. */
DDIM_AVAILABLE_IN_0_1
guint64 ddim_checkpoint_get_file_size(DdimCheckpoint *checkpoint);
DDIM_AVAILABLE_IN_0_1
guint ddim_checkpoint_get_n_tensors(DdimCheckpoint *checkpoint);
/** The value of @key in the __metadata__ of a safetensors file, or NULL when there is none.
 * (transfer none) (nullable) */
DDIM_AVAILABLE_IN_0_1
const char *ddim_checkpoint_get_metadata(DdimCheckpoint *checkpoint, const char *key);

G_END_DECLS
