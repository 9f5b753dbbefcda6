/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <gio/gio.h>
#include "plugin/image/size.h"

G_BEGIN_DECLS

/** Turns the samples that the UNet made, [channels][sampled_height][sampled_width], into those of
 * the requested image, [channels][height][width]. They are cut, or enlarged by GEGL's LoHalo
 * resampler, its best for pictures. Does not touch libgimp, so it may run in any thread. (transfer
 * full) NULL when memory is short. */
float *resample(const SizePlan *plan, const float *samples, guint channels, GError **error);

G_END_DECLS
