/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/attention/attention-params.h"

DdimClHeads
ddim_cl_attention_heads(const DdimClTensor *qkv, const DdimClAttention *attention,
                        const DdimClTensor *out)
{
  const guint T = qkv->h * qkv->w, C = out->c, ch = C / attention->heads;
  const guint k_at = attention->interleaved ? ch : C;
  return (DdimClHeads){.T = T,
                       .C = C,
                       .ch = ch,
                       .head_ld = attention->interleaved ? 3 * ch : ch,
                       .k_at = k_at,
                       .v_at = 2 * k_at,
                       .flops = 4.0 * qkv->n * (double)T * T * C};
}
