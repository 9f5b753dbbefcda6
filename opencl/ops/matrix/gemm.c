/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/matrix/gemm.h"

#include "opencl/ops/matrix/gemm-clblast.h"
#include "opencl/ops/matrix/gemm-packed.h"
#include "opencl/ops/matrix/gemm-tile.h"

void
ddim_cl_gemm(DdimClPlan *plan, const DdimClMatrix *b, const DdimClGemm *gemm)
{
  g_return_if_fail(b->batch == 1 || !gemm->epilogue);
  if (b->provider == DDIM_GEMM_PACKED)
    ddim_cl_gemm_packed(plan, b, gemm);
  else if (b->provider == DDIM_GEMM_CLBLAST)
    ddim_cl_gemm_clblast(plan, b, gemm);
  else
    ddim_cl_gemm_tile(plan, b, gemm);
}
