/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/checkpoint/checkpoint-private.h"

G_BEGIN_DECLS

/** Leave out what programs put in front of the tensors' names, and note it as @checkpoint's prefix:
 * "module." (DataParallel) and "_orig_mod." (torch.compile) where all names begin so, and what the
 * network is called inside of a larger module, such as Lightning's "model.". Other tensors keep
 * their names. Of several networks it is the only one with "ema" in its name. Those of latent
 * diffusion stay wrapped. DDIM_ERROR_FORMAT when two tensors would have the same name. */
gboolean ddim_checkpoint_unwrap(DdimCheckpoint *checkpoint, GError **error);

G_END_DECLS
