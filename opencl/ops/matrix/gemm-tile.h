/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/ops/matrix/gemm-params.h"

/** Record a product by the kernels for GPUs, kernels/gemm-tile.cl and gemm-mma.cl. */
void ddim_cl_gemm_tile(DdimClPlan *plan, const DdimClMatrix *b, const DdimClGemm *gemm);
