/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/attention.h"

/** Record attention as ddim_cl_attention() does, on the matrix units: ddim_cl_has_amx() must say
 * that there are any. */
void ddim_cl_attention_amx(DdimClPlan *plan, const DdimClTensor *qkv,
                           const DdimClAttention *attention, const DdimClTensor *out);
