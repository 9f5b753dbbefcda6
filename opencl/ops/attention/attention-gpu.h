/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/ops/attention/attention-params.h"

/** Record what ddim_cl_attention() does by the kernel for GPUs; a head's channels must be a
 * multiple of 4. */
void ddim_cl_attention_gpu(DdimClPlan *plan, const DdimClTensor *qkv,
                           const DdimClAttention *attention, const DdimClTensor *out);
