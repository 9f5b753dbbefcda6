/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/checkpoint/checkpoint-private.h"
#include "core/checkpoint/pickle.h"

G_BEGIN_DECLS

/* Find the bytes of @storage: at least storage->count elements of its dtype. (transfer none) */
typedef DdimStorage *(*DdimStorageFinder)(gpointer source, const DdimPickleStorage *storage,
                                          GError **error);

/* Fill @checkpoint with the tensors of the state dict that @root is or holds: itself, a member
 * ("state_dict", "model", "ema" before others) or a member's, or the last of a list, as
 * ermongroup/ddim's trainer saves [model, optimizer, epoch, step, ema]. An optimizer's state is
 * DDIM_ERROR_UNSUPPORTED. */
gboolean ddim_state_dict_read(DdimCheckpoint *checkpoint, const DdimPickleValue *root,
                              DdimStorageFinder find, gpointer source, GError **error);

G_END_DECLS
