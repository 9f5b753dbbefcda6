/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/network/network-private.h"
#include "opencl/tune/choice.h"

/** The convolutions of a network at one size: their shapes, and how each is computed. */

/** Whether inputs of this size can be evaluated. Errors: DDIM_ERROR_ARGUMENT when height or width
 * is no multiple of the stride (the message names the nearest sizes that are), or when the size is
 * too large. */
gboolean ddim_network_check_size(const DdimNetwork *network, guint batch, guint height, guint width,
                                 GError **error);
/** The shapes of DdimNetwork.convs for @batch inputs of @height x @width. (transfer full) */
DdimConvShape *ddim_network_get_shapes(const DdimNetwork *network, guint batch, guint height,
                                       guint width, DdimWrap wrap);
/** How each of the first @n of @shapes is computed, within the memory that weights may take.
 * (transfer full)
 * @tuning  (nullable) NULL: as it would be without measurements */
DdimClChoice *ddim_network_choose(const DdimNetwork *network, const struct _DdimClTuning *tuning,
                                  const DdimConvShape *shapes, guint n);
