/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/ops/attention/attention-params.h"

/** Record what ddim_cl_attention() does by kernels/attention.cl, where a work-item does a few rows
 * of queries. It is for CPUs, and for heads that the kernel for GPUs does not take. */
void ddim_cl_attention_rows(DdimClPlan *plan, const DdimClTensor *qkv,
                            const DdimClAttention *attention, const DdimClTensor *out);
