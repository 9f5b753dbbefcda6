/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/checkpoint/checkpoint-private.h"

G_BEGIN_DECLS

/* The readers of the file formats. Each fills @checkpoint, which ddim_checkpoint_new() made, with
 * the tensors and metadata of its bytes. */

/** PyTorch 1.6 and later: a zip archive. */
gboolean ddim_checkpoint_read_zip(DdimCheckpoint *checkpoint, GError **error);
/** PyTorch before 1.6: five pickles and the storages. */
gboolean ddim_checkpoint_read_legacy(DdimCheckpoint *checkpoint, GError **error);

/* The format: https://github.com/huggingface/safetensors. Writing is ddim_checkpoint_save(). */

/** Whether @start, at least 9 bytes, looks like the start of a safetensors file: the length of a
 * header, then a JSON object. */
gboolean ddim_safetensors_recognise(const guint8 *start);
gboolean ddim_safetensors_read(DdimCheckpoint *checkpoint, GError **error);

/** The same as ddim_checkpoint_open() for a folder (core/checkpoint/model-folder.h). */
DdimCheckpoint *ddim_checkpoint_open_folder(const char *path, GError **error);

/** Read the config.json beside the file of weights of such a folder, when the file alone was
 * opened. */
gboolean ddim_checkpoint_read_config_beside(DdimCheckpoint *checkpoint, GError **error);

/** The same as ddim_checkpoint_open() for a file's content. Messages call it @path. */
DdimCheckpoint *ddim_checkpoint_open_bytes(GBytes *bytes, const char *path, GError **error);

G_END_DECLS
