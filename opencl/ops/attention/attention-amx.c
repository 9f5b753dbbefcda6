/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/attention/attention-amx.h"

#include <math.h>

#include "opencl/ops/amx/amx-tasks.h"
#include "opencl/ops/units/units.h"

gboolean
ddim_cl_attention_amx_suits(DdimClPlan *plan, const DdimClAttention *attention,
                            const DdimClTensor *out)
{
  return out->c / attention->heads <= AMX_MAX_HEAD &&
         ddim_cl_has_amx(ddim_cl_plan_get_context(plan));
}

void
ddim_cl_attention_amx(DdimClPlan *plan, const DdimClTensor *qkv, const DdimClAttention *attention,
                      const DdimClTensor *out)
{
  const DdimClHeads heads = ddim_cl_attention_heads(qkv, attention, out);
  const guint T = heads.T, ch = heads.ch, blocks = (T + AMX_BLOCK - 1) / AMX_BLOCK;
  const guint64 matrix =
      (guint64)blocks * AMX_BLOCK * ((ch + AMX_BLOCK - 1) / AMX_BLOCK * AMX_BLOCK);

  /* Two bfloat16 for each number. */
  DdimClMem packed =
      ddim_cl_plan_alloc_bytes(plan, 3 * matrix * attention->heads * qkv->n * 2 * sizeof(guint16));
  ddim_cl_amx_task(plan, AMX_ATTENTION_PACK, "attention pack", 0);
  ddim_cl_plan_arg_tensor(plan, qkv, qkv->type);
  ddim_cl_plan_arg_address(plan, &packed);
  ddim_cl_plan_arg_u32(plan, T);
  ddim_cl_plan_arg_u32(plan, blocks);
  ddim_cl_plan_arg_u32(plan, ch);
  ddim_cl_plan_arg_u32(plan, attention->heads);
  ddim_cl_plan_arg_u32(plan, heads.head_ld);
  ddim_cl_plan_arg_u32(plan, heads.k_at);
  ddim_cl_plan_arg_u32(plan, heads.v_at);
  /* The kernel's exponentials are powers of two. */
  ddim_cl_plan_arg_f32(plan, (float)(1 / (G_LN2 * sqrt(ch))));
  ddim_cl_plan_range(plan, blocks, attention->heads, qkv->n);

  ddim_cl_amx_task(plan, AMX_ATTENTION, "attention", heads.flops);
  ddim_cl_plan_arg_address(plan, &packed);
  ddim_cl_plan_arg_tensor(plan, out, out->type);
  ddim_cl_plan_arg_u32(plan, T);
  ddim_cl_plan_arg_u32(plan, blocks);
  ddim_cl_plan_arg_u32(plan, ch);
  ddim_cl_plan_arg_u32(plan, attention->heads);
  ddim_cl_plan_range(plan, blocks, attention->heads, qkv->n);
  ddim_cl_plan_release(plan, packed);
}
