/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/matrix/gemm-tile.h"

#include "opencl/ops/matrix/tile.h"

void
ddim_cl_gemm_tile(DdimClPlan *plan, const DdimClMatrix *b, const DdimClGemm *gemm)
{
  const DdimClTile *tile = ddim_cl_tile_find(plan, b->provider, b);
  g_autofree char *product = ddim_cl_tile_options(plan, tile, b, b->depth, gemm->epilogue);
  g_autofree char *options =
      g_strconcat(product, ddim_cl_type_options(gemm->a_type, gemm->c_type), NULL);
  ddim_cl_plan_kernel(plan, tile->source, options, "gemm", gemm->label,
                      2.0 * b->batch * gemm->rows * b->depth * b->columns);
  ddim_cl_plan_arg_elements(plan, gemm->a, gemm->a_type);
  ddim_cl_plan_arg_u32(plan, gemm->lda);
  ddim_cl_plan_arg_u64(plan, gemm->a_batch);
  ddim_cl_plan_arg_buffer(plan, b->buffer);
  ddim_cl_plan_arg_u64(plan, (guint64)b->depth * b->columns);
  ddim_cl_plan_arg_elements(plan, gemm->c, gemm->c_type);
  ddim_cl_plan_arg_u32(plan, gemm->ldc);
  ddim_cl_plan_arg_u64(plan, gemm->c_batch);
  ddim_cl_plan_arg_u32(plan, gemm->rows);
  ddim_cl_plan_arg_u32(plan, b->columns);
  ddim_cl_plan_arg_u32(plan, b->depth);
  if (gemm->epilogue) {
    ddim_cl_epilogue_args(plan, gemm->epilogue, gemm->c_type);
    ddim_cl_plan_arg_u32(plan, MAX(gemm->rows_per_image, 1));
  }
  ddim_cl_tile_range(plan, tile, b, gemm->rows);
}
