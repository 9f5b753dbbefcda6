/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/model/architecture.h"

G_BEGIN_DECLS

/** The kernels take channels in multiples of 32. A network of others is computed with more
 * channels: zeros behind those that the state dict has, where weights, biases and conditioning are
 * zeros too, so that they stay zeros through every layer. In a tensor that is two of them joined,
 * each has its zeros behind it. Norms leave the zeros out of their groups; heads of attention get
 * zeros each, or there are more heads. */

/** @architecture with as many channels as multiples of @unit need, and with maps that say which of
 * them are stored (DdimChannelMap). NULL when all are such multiples. (transfer full) */
DdimArchitecture *ddim_architecture_pad(const DdimArchitecture *architecture, guint unit);

G_END_DECLS
