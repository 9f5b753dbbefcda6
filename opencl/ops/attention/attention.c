/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/attention/attention.h"

#include "opencl/ops/attention/attention-amx.h"
#include "opencl/ops/attention/attention-gpu.h"
#include "opencl/ops/attention/attention-rows.h"

void
ddim_cl_attention(DdimClPlan *plan, const DdimClTensor *qkv, const DdimClAttention *attention,
                  const DdimClTensor *out)
{
  const DdimClProfile *profile = &ddim_cl_plan_get_context(plan)->profile;
  if (ddim_cl_attention_amx_suits(plan, attention, out))
    ddim_cl_attention_amx(plan, qkv, attention, out);
  else if (!profile->row_loop && out->c / attention->heads % 4 == 0)
    ddim_cl_attention_gpu(plan, qkv, attention, out);
  else
    ddim_cl_attention_rows(plan, qkv, attention, out);
}
