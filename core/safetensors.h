/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "checkpoint.h"

G_BEGIN_DECLS

/* The format: https://github.com/huggingface/safetensors. Writing is ddim_checkpoint_save(). */

/** Whether @data looks like a safetensors file: a header length, and an object after it. */
gboolean ddim_safetensors_recognise(const guint8 *data, gsize size);
/** Fill @checkpoint with the tensors and metadata of its bytes. */
gboolean ddim_safetensors_read(DdimCheckpoint *checkpoint, GError **error);

G_END_DECLS
