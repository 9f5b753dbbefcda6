/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/gemm-private.h"

#include <glib/gi18n-lib.h>

#include "opencl/status.h"

/* Small tiles for many work-groups from small products, large ones for much arithmetic per byte. */
typedef struct {
  guint tm, tn; /* rows and columns of a work-group */
  guint gx, gy; /* its work-items */
  const char *source, *options;
} Tile;

static const Tile tiles[] = {
    {32, 32, 8, 8, "gemm-tile", "-DRM=4 -DRN=4"},
    {64, 64, 16, 16, "gemm-tile", "-DRM=4 -DRN=4"},
    {128, 128, 16, 16, "gemm-tile", "-DRM=8 -DRN=8"},
    {64, 64, 32, 4, "gemm-mma+gemm-tile", "-DWARPS_M=2 -DWARPS_N=2"},
    {128, 128, 32, 8, "gemm-mma+gemm-tile", "-DWARPS_M=4 -DWARPS_N=2"},
};

static const Tile *
tile_of(DdimGemmProvider provider)
{
  G_STATIC_ASSERT(G_N_ELEMENTS(tiles) == DDIM_GEMM_MMA128 - DDIM_GEMM_TILE32 + 1);
  return &tiles[provider - DDIM_GEMM_TILE32];
}

static gboolean
uses_matrix_unit(const Tile *tile)
{
  return tile >= tile_of(DDIM_GEMM_MMA64);
}

/* @depth  what blocks of the operands' depth must divide. (transfer full) */
static char *
tile_options(DdimClPlan *plan, const Tile *tile, const DdimClMatrix *weights, guint depth,
             const DdimClEpilogue *epilogue)
{
  const DdimClMatrixUnit unit = ddim_cl_plan_get_context(plan)->profile.matrix_unit;
  g_autofree char *epilogue_options = ddim_cl_epilogue_options(epilogue);
  g_autofree char *mma =
      uses_matrix_unit(tile)
          ? g_strdup_printf(" -DMMA=%d -DKB=%d", unit == DDIM_CL_MATRIX_UNIT_PTX ? 1 : 2,
                            depth % 32 ? 16 : 32)
          : g_strdup("");
  if (uses_matrix_unit(tile) && (unit == DDIM_CL_NO_MATRIX_UNIT || !weights->half))
    ddim_cl_plan_fail(plan, g_error_new(DDIM_CL_ERROR, DDIM_CL_ERROR_FAILED,
                                        _("%s has no matrix units for these weights"),
                                        ddim_cl_plan_get_context(plan)->info->name));
  return g_strdup_printf("-DTM=%u -DTN=%u %s %s%s%s", tile->tm, tile->tn, tile->options,
                         epilogue_options, weights->half ? " -DHALF_WEIGHTS" : "", mma);
}

/* Work-groups for @rows; fails the plan where the device has no such groups.
 */
static void
tile_range(DdimClPlan *plan, const Tile *tile, const DdimClMatrix *weights, guint64 rows)
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

void
ddim_cl_gemm_tile(DdimClPlan *plan, const DdimClMatrix *b, const DdimClGemm *gemm)
{
  const Tile *tile = tile_of(b->provider);
  g_autofree char *options = tile_options(plan, tile, b, b->depth, gemm->epilogue);
  ddim_cl_plan_kernel(plan, tile->source, options, "gemm", gemm->label,
                      2.0 * b->batch * gemm->rows * b->depth * b->columns);
  ddim_cl_plan_arg_mem(plan, gemm->a);
  ddim_cl_plan_arg_u32(plan, gemm->lda);
  ddim_cl_plan_arg_u64(plan, gemm->a_batch);
  ddim_cl_plan_arg_buffer(plan, b->buffer);
  ddim_cl_plan_arg_u64(plan, (guint64)b->depth * b->columns);
  ddim_cl_plan_arg_mem(plan, gemm->c);
  ddim_cl_plan_arg_u32(plan, gemm->ldc);
  ddim_cl_plan_arg_u64(plan, gemm->c_batch);
  ddim_cl_plan_arg_u32(plan, gemm->rows);
  ddim_cl_plan_arg_u32(plan, b->columns);
  ddim_cl_plan_arg_u32(plan, b->depth);
  if (gemm->epilogue)
    ddim_cl_epilogue_args(plan, gemm->epilogue, MAX(gemm->rows_per_image, 1));
  tile_range(plan, tile, b, gemm->rows);
}

void
ddim_cl_conv_tile(DdimClPlan *plan, DdimGemmProvider provider, const DdimConvShape *shape,
                  const DdimClMatrix *weights, const DdimClTensor *x, const DdimClTensor *y,
                  const DdimClEpilogue *epilogue)
{
  const guint64 pixels = (guint64)shape->n * shape->h * shape->w;
  const Tile *tile = tile_of(provider);
  g_autofree char *product = tile_options(plan, tile, weights, x->c, epilogue);
  g_autofree char *options = g_strdup_printf("%s -DTAPS=%u -DSTRIDE=%u -DUP=%d", product,
                                             shape->taps, shape->stride, shape->up != 0);
  ddim_cl_plan_kernel(plan, tile->source, options, "conv",
                      shape->taps == 1 ? "conv 1x1" : "conv 3x3 direct", ddim_conv_flops(shape));
  ddim_cl_plan_arg_mem(plan, x->mem);
  ddim_cl_plan_arg_u32(plan, x->ld);
  ddim_cl_plan_arg_buffer(plan, weights->buffer);
  ddim_cl_plan_arg_mem(plan, y->mem);
  ddim_cl_plan_arg_u32(plan, y->ld);
  ddim_cl_plan_arg_u32(plan, x->h << (shape->up ? 1 : 0));
  ddim_cl_plan_arg_u32(plan, x->w << (shape->up ? 1 : 0));
  ddim_cl_plan_arg_u32(plan, shape->h);
  ddim_cl_plan_arg_u32(plan, shape->w);
  ddim_cl_plan_arg_u64(plan, pixels);
  ddim_cl_plan_arg_u32(plan, weights->columns);
  ddim_cl_plan_arg_u32(plan, x->c);
  ddim_cl_epilogue_args(plan, epilogue, shape->h * shape->w);
  tile_range(plan, tile, weights, pixels);
}
