/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <gio/gio.h>
#include "plugin/image/size.h"

G_BEGIN_DECLS

/** Samples of what the UNet made, [channels][sampled_height][sampled_width], to those of the image
 * asked for, [channels][height][width]: cut, or enlarged by GEGL with its LoHalo resampler, its
 * best for pictures. Touches no libgimp, so it may run in any thread. (transfer full) NULL when
 * memory is short. */
float *resample(const SizePlan *plan, const float *samples, guint channels, GError **error);

G_END_DECLS
