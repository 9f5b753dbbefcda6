/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/attention/attention-gpu.h"

#include <math.h>

/* Work-items along an edge of a work-group, and positions that it takes together. */
#define EDGE 8
#define BLOCK (4 * EDGE)
/* Channels that a work-group sums up: 16 vectors of 4 in an item's registers. */
#define MAX_SLICE 128

void
ddim_cl_attention_gpu(DdimClPlan *plan, const DdimClTensor *qkv, const DdimClAttention *attention,
                      const DdimClTensor *out)
{
  const DdimClHeads heads = ddim_cl_attention_heads(qkv, attention, out);
  const guint T = heads.T, ch = heads.ch;
  const guint slices = (ch + MAX_SLICE - 1) / MAX_SLICE;
  const guint slice = ((ch + slices - 1) / slices + 3) / 4 * 4;
  g_autofree char *options = g_strdup_printf("-DEDGE=%u -DCH=%u -DSLICE=%u%s", EDGE, ch, slice,
                                             ddim_cl_type_options(qkv->type, out->type));
  ddim_cl_plan_kernel(plan, "attention-gpu", options, "attention_gpu", "attention", heads.flops);
  ddim_cl_plan_arg_tensor(plan, qkv, qkv->type);
  ddim_cl_plan_arg_tensor(plan, out, out->type);
  ddim_cl_plan_arg_u32(plan, T);
  ddim_cl_plan_arg_u32(plan, attention->heads);
  ddim_cl_plan_arg_u32(plan, heads.head_ld);
  ddim_cl_plan_arg_u32(plan, heads.k_at);
  ddim_cl_plan_arg_u32(plan, heads.v_at);
  ddim_cl_plan_arg_f32(plan, 1.0f / sqrtf((float)ch));
  ddim_cl_plan_range(plan, (T + BLOCK - 1) / BLOCK * EDGE, EDGE,
                     (gsize)qkv->n * attention->heads * ((ch + slice - 1) / slice));
  ddim_cl_plan_local(plan, EDGE, EDGE, 1);
}
