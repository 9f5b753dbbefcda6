/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/ops/attention/attention-params.h"

/** How ddim_cl_attention() computes it: "attention-amx", "attention-gpu" or "attention-rows". */
const char *ddim_cl_attention_way(DdimClPlan *plan, const DdimClAttention *attention,
                                  const DdimClTensor *out);
/** Record out[t][head] = softmax(q k^T / sqrt(ch)) v over the h*w positions of each image; @qkv has
 * 3C channels, @out C. No T x T matrix is held. Source: QKVAttention of improved_diffusion.unet. */
void ddim_cl_attention(DdimClPlan *plan, const DdimClTensor *qkv, const DdimClAttention *attention,
                       const DdimClTensor *out);
