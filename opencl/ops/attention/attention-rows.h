/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/ops/attention/attention-params.h"

/** Record what ddim_cl_attention() does by the kernel in which a work-item does a few rows of
 * queries (kernels/attention.cl): for CPUs, and for GPUs with heads of any size. */
void ddim_cl_attention_rows(DdimClPlan *plan, const DdimClTensor *qkv,
                            const DdimClAttention *attention, const DdimClTensor *out);
