/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/diffusion/noise.h"

/** Whether each image has numbers of its own ("torch-per-image"). */
gboolean ddim_rng_is_per_image(const DdimRng *rng);
/** The coming draws are for @n images together, of which @first is the first: a tensor is drawn as
 * @n parts of the same size, and part i comes from the generator that torch.manual_seed(seed +
 * first + i) starts, which each call starts anew. Does nothing to other kinds. A new generator
 * draws for image 0 alone. */
void ddim_rng_begin_images(DdimRng *rng, guint64 first, guint n);
/** A generator in the same state. (transfer full) */
DdimRng *ddim_rng_copy(const DdimRng *rng);
/** Put @rng into the state of @other, from which it was copied or the other way round. */
void ddim_rng_assign(DdimRng *rng, const DdimRng *other);
