/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/attention/attention-rows.h"

#include <math.h>

/* Query rows of a work-item: with two vectors of keys or values they fill a CPU's vector registers.
 */
#define CPU_ROWS 8
#define GPU_ROWS 2
#define PROGRAM "lanes+attention"

void
ddim_cl_attention_rows(DdimClPlan *plan, const DdimClTensor *qkv, const DdimClAttention *attention,
                       const DdimClTensor *out)
{
  const DdimClProfile *profile = &ddim_cl_plan_get_context(plan)->profile;
  const DdimClHeads heads = ddim_cl_attention_heads(qkv, attention, out);
  const guint T = heads.T, ch = heads.ch, keys = 2 * profile->vec;
  const guint padded = (T + keys - 1) / keys * keys;
  const guint rows = profile->row_loop ? CPU_ROWS : GPU_ROWS;
  g_autofree char *options =
      g_strdup_printf("-DROWS=%u -DCH=%u%s", rows, ch, ddim_cl_type_options(qkv->type, out->type));

  DdimClMem kt = ddim_cl_plan_alloc_floats(plan, (guint64)qkv->n * heads.C * padded);
  ddim_cl_plan_kernel(plan, PROGRAM, options, "attention_keys", "attention keys", 0);
  ddim_cl_plan_arg_tensor(plan, qkv, qkv->type);
  ddim_cl_plan_arg_floats(plan, kt);
  ddim_cl_plan_arg_u32(plan, T);
  ddim_cl_plan_arg_u32(plan, padded);
  ddim_cl_plan_arg_u32(plan, heads.head_ld);
  ddim_cl_plan_arg_u32(plan, heads.k_at);
  ddim_cl_plan_range(plan, padded / profile->vec, attention->heads, qkv->n);

  ddim_cl_plan_kernel(plan, PROGRAM, options, "attention", "attention", heads.flops);
  ddim_cl_plan_arg_tensor(plan, qkv, qkv->type);
  ddim_cl_plan_arg_floats(plan, kt);
  ddim_cl_plan_arg_tensor(plan, out, out->type);
  ddim_cl_plan_arg_u32(plan, T);
  ddim_cl_plan_arg_u32(plan, padded);
  ddim_cl_plan_arg_u32(plan, heads.head_ld);
  ddim_cl_plan_arg_u32(plan, heads.v_at);
  ddim_cl_plan_arg_f32(plan, 1.0f / sqrtf((float)ch));
  ddim_cl_plan_range(plan, (T + rows - 1) / rows, attention->heads, qkv->n);
  ddim_cl_plan_release(plan, kt);
}
