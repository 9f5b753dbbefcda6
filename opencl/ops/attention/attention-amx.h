/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/ops/attention/attention-params.h"

/** Whether there are matrix units, and heads of a size for them. */
gboolean ddim_cl_attention_amx_suits(DdimClPlan *plan, const DdimClAttention *attention,
                                     const DdimClTensor *out);
/** Record attention as ddim_cl_attention() does, on them. */
void ddim_cl_attention_amx(DdimClPlan *plan, const DdimClTensor *qkv,
                           const DdimClAttention *attention, const DdimClTensor *out);
