/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/ops/matrix/gemm-params.h"

/** Record a product by the packed micro-kernel for CPUs, kernels/gemm.cl. */
void ddim_cl_gemm_packed(DdimClPlan *plan, const DdimClMatrix *b, const DdimClGemm *gemm);

/** Rows of A, @depth long, that one work-item of the packed kernels takes, so that @panels * pieces
 * keep every compute unit busy and the rows stay in its cache. */
guint ddim_cl_rows_per_item(DdimContext *context, guint64 rows, guint depth, guint64 panels);
