/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/ops/matrix/gemm-params.h"

/** Record a product by the provider that @b is laid out for. Batches take no epilogue. */
void ddim_cl_gemm(DdimClPlan *plan, const DdimClMatrix *b, const DdimClGemm *gemm);
