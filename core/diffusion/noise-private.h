/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/diffusion/noise.h"

/** A generator in the same state. (transfer full) */
DdimRng *ddim_rng_copy(const DdimRng *rng);
/** Put @rng into the state of @other, from which it was copied or the other way round. */
void ddim_rng_assign(DdimRng *rng, const DdimRng *other);
