/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/plan/plan.h"

typedef struct {
  guint heads;
  gboolean interleaved; /**< TRUE: channels are [q, k, v] of head 0, then of head 1 …; FALSE: all q,
                           all k, all v */
} DdimClAttention;

/** Record out[t][head] = softmax(q k^T / sqrt(ch)) v over the h*w positions of each image; @qkv has
 * 3C channels, @out C. No T x T matrix is held. Source: QKVAttention of improved_diffusion.unet. */
void ddim_cl_attention(DdimClPlan *plan, const DdimClTensor *qkv, const DdimClAttention *attention,
                       const DdimClTensor *out);

/** The same by the kernel for GPUs; a head's channels must be a multiple of 4. */
void ddim_cl_attention_gpu(DdimClPlan *plan, const DdimClTensor *qkv,
                           const DdimClAttention *attention, const DdimClTensor *out);
