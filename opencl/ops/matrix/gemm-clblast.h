/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/ops/matrix/gemm-params.h"

/** Record a product by the library CLBlast. */
void ddim_cl_gemm_clblast(DdimClPlan *plan, const DdimClMatrix *b, const DdimClGemm *gemm);
