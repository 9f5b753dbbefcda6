/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/ops/matrix/epilogue.h"
#include "opencl/ops/matrix/matrix.h"

/** The tile of a result that one work-group computes. Small tiles make many work-groups of
 * small products; large tiles do much arithmetic per byte. */
typedef struct {
  guint tm, tn; /**< rows and columns of a work-group */
  guint gx, gy; /**< its work-items */
  const char *source, *options;
  const char *native; /**< (nullable) options that only the device's own compiler knows */
} DdimClTile;

/** What @provider multiplies with. Fails the plan, and returns another tile, where the device has
 * no matrix units. */
const DdimClTile *ddim_cl_tile_find(DdimClPlan *plan, DdimGemmProvider provider,
                                    const DdimClMatrix *weights);
/** Options to build its kernels with. The depth of its blocks divides @depth. (transfer full) */
char *ddim_cl_tile_options(DdimClPlan *plan, const DdimClTile *tile, const DdimClMatrix *weights,
                           guint depth, const DdimClEpilogue *epilogue);
/** Set the range of the current kernel for @rows. Fails the plan where the device has no such
 * work-groups. */
void ddim_cl_tile_range(DdimClPlan *plan, const DdimClTile *tile, const DdimClMatrix *weights,
                        guint64 rows);
