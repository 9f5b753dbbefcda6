/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/matrix/tile.h"

#include <glib/gi18n-lib.h>

#include "opencl/device/status.h"

static const DdimClTile tiles[] = {
    {32, 32, 8, 8, "gemm-tile", "-DRM=4 -DRN=4", NULL},
    {64, 64, 16, 16, "gemm-tile", "-DRM=4 -DRN=4", NULL},
    {128, 128, 16, 16, "gemm-tile", "-DRM=8 -DRN=8", NULL},
};

#define PTX "mma-loads+mma-ptx+mma-emulated+gemm-mma+gemm-tile"
#define INTEL "mma-loads+mma-intel+mma-emulated+gemm-mma+gemm-tile"
/* Only half as many sub-groups run at a time, but each has twice the registers. Sums of 32 x 32
 * need them. */
#define MANY_REGISTERS "-cl-intel-256-GRF-per-thread"

/* Those of matrix units. */
static const DdimClTile unit_tiles[DDIM_CL_N_MATRIX_UNITS][2] = {
    [DDIM_CL_MATRIX_UNIT_PTX] = {{64, 64, 32, 4, PTX, "-DWARPS_M=2 -DWARPS_N=2", NULL},
                                 {128, 128, 32, 8, PTX, "-DWARPS_M=4 -DWARPS_N=2", NULL}},
    [DDIM_CL_MATRIX_UNIT_INTEL8] = {{64, 64, 8, 16, INTEL, "-DLANES=8 -DWARPS_M=4 -DWARPS_N=4",
                                     NULL},
                                    {128, 128, 8, 16, INTEL, "-DLANES=8 -DWARPS_M=4 -DWARPS_N=4",
                                     MANY_REGISTERS}},
    [DDIM_CL_MATRIX_UNIT_INTEL16] = {
        {64, 64, 16, 8, INTEL, "-DLANES=16 -DWARPS_M=4 -DWARPS_N=2", NULL},
        {128, 128, 16, 16, INTEL, "-DLANES=16 -DWARPS_M=4 -DWARPS_N=4", MANY_REGISTERS}}};

const DdimClTile *
ddim_cl_tile_find(DdimClPlan *plan, DdimGemmProvider provider, const DdimClMatrix *weights)
{
  G_STATIC_ASSERT(G_N_ELEMENTS(tiles) == DDIM_GEMM_MMA64 - DDIM_GEMM_TILE32);
  if (provider < DDIM_GEMM_MMA64)
    return &tiles[provider - DDIM_GEMM_TILE32];
  const DdimContext *context = ddim_cl_plan_get_context(plan);
  const DdimClMatrixUnit unit = context->profile.matrix_unit;
  if (unit != DDIM_CL_NO_MATRIX_UNIT && weights->half)
    return &unit_tiles[unit][provider - DDIM_GEMM_MMA64];
  ddim_cl_plan_fail(plan, g_error_new(DDIM_CL_ERROR, DDIM_CL_ERROR_FAILED,
                                      _("%s has no matrix units for these weights"),
                                      context->info->name));
  return &tiles[0];
}

/* The options of a matrix unit. The depth of its blocks divides @depth. (transfer full) */
static char *
unit_options(const DdimClProfile *profile, const DdimClTile *tile, guint depth)
{
  if (!g_str_has_prefix(tile->source, "mma-"))
    return g_strdup("");
  const guint block = profile->matrix_unit == DDIM_CL_MATRIX_UNIT_PTX && depth % 32 == 0 ? 32 : 16;
  return g_strdup_printf(" -DKB=%u %s", block,
                         profile->emulated ? "-DEMULATED"
                         : tile->native    ? tile->native
                                           : "");
}

char *
ddim_cl_tile_options(DdimClPlan *plan, const DdimClTile *tile, const DdimClMatrix *weights,
                     guint depth, const DdimClEpilogue *epilogue)
{
  g_autofree char *epilogue_options = ddim_cl_epilogue_options(epilogue);
  g_autofree char *unit = unit_options(&ddim_cl_plan_get_context(plan)->profile, tile, depth);
  return g_strdup_printf("-DTM=%u -DTN=%u %s %s%s%s", tile->tm, tile->tn, tile->options,
                         epilogue_options, weights->half ? " -DHALF_WEIGHTS" : "", unit);
}

void
ddim_cl_tile_range(DdimClPlan *plan, const DdimClTile *tile, const DdimClMatrix *weights,
                   guint64 rows)
{
  const DdimDeviceInfo *device = ddim_cl_plan_get_context(plan)->info;
  const gsize gx = tile->gx, gy = tile->gy;
  const guint64 local = (guint64)16 * (tile->tm + tile->tn + 40) * sizeof(float);
  if (gx * gy > device->max_work_group_size || local > device->local_memory)
    ddim_cl_plan_fail(plan, g_error_new(DDIM_CL_ERROR, DDIM_CL_ERROR_FAILED,
                                        _("%s has no work-groups of %u or no %u bytes of local "
                                          "memory"),
                                        device->name, (guint)(gx * gy), (guint)local));
  ddim_cl_plan_range(plan, (weights->columns + tile->tn - 1) / tile->tn * gx,
                     (rows + tile->tm - 1) / tile->tm * gy, weights->batch);
  ddim_cl_plan_local(plan, gx, gy, 1);
}
