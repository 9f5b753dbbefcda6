/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/attention.h"

#include <math.h>

#include "opencl/ops/attention-amx.h"

/* Query rows of a work-item: with two vectors of keys or values they fill a CPU's vector registers.
 */
#define CPU_ROWS 8
#define GPU_ROWS 2

void
ddim_cl_attention(DdimClPlan *plan, const DdimClTensor *qkv, const DdimClAttention *attention,
                  const DdimClTensor *out)
{
  if (ddim_cl_attention_amx_suits(plan, attention, out)) {
    ddim_cl_attention_amx(plan, qkv, attention, out);
    return;
  }
  const DdimClProfile *profile = &ddim_cl_plan_get_context(plan)->profile;
  const guint T = qkv->h * qkv->w, keys = 2 * profile->vec;
  const guint padded = (T + keys - 1) / keys * keys;
  const guint C = out->c, ch = C / attention->heads;
  const guint head_ld = attention->interleaved ? 3 * ch : ch;
  const guint k_at = attention->interleaved ? ch : C, v_at = 2 * k_at;
  if (!profile->row_loop && ch % 4 == 0) {
    ddim_cl_attention_gpu(plan, qkv, attention, out);
    return;
  }
  const guint rows = profile->row_loop ? CPU_ROWS : GPU_ROWS;
  g_autofree char *options = g_strdup_printf("-DROWS=%u -DCH=%u", rows, ch);

  DdimClMem kt = ddim_cl_plan_alloc(plan, (guint64)qkv->n * C * padded);
  ddim_cl_plan_kernel(plan, "attention", options, "attention_keys", "attention keys", 0);
  ddim_cl_plan_arg_mem(plan, qkv->mem);
  ddim_cl_plan_arg_u32(plan, qkv->ld);
  ddim_cl_plan_arg_mem(plan, kt);
  ddim_cl_plan_arg_u32(plan, T);
  ddim_cl_plan_arg_u32(plan, padded);
  ddim_cl_plan_arg_u32(plan, head_ld);
  ddim_cl_plan_arg_u32(plan, k_at);
  ddim_cl_plan_range(plan, padded / profile->vec, attention->heads, qkv->n);

  ddim_cl_plan_kernel(plan, "attention", options, "attention", "attention",
                      4.0 * qkv->n * (double)T * T * C);
  ddim_cl_plan_arg_mem(plan, qkv->mem);
  ddim_cl_plan_arg_u32(plan, qkv->ld);
  ddim_cl_plan_arg_mem(plan, kt);
  ddim_cl_plan_arg_mem(plan, out->mem);
  ddim_cl_plan_arg_u32(plan, out->ld);
  ddim_cl_plan_arg_u32(plan, T);
  ddim_cl_plan_arg_u32(plan, padded);
  ddim_cl_plan_arg_u32(plan, head_ld);
  ddim_cl_plan_arg_u32(plan, v_at);
  ddim_cl_plan_arg_f32(plan, 1.0f / sqrtf((float)ch));
  ddim_cl_plan_range(plan, (T + rows - 1) / rows, attention->heads, qkv->n);
  ddim_cl_plan_release(plan, kt);
}
