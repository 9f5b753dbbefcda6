/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/attention.h"

#include <math.h>

/* As in kernels/attention-gpu.cl. */
#define EDGE 8
#define BLOCK 32
/* Channels that a work-group sums up: 16 vectors of 4 in an item's registers. */
#define MAX_SLICE 128

void
ddim_cl_attention_gpu(DdimClPlan *plan, const DdimClTensor *qkv, const DdimClAttention *attention,
                      const DdimClTensor *out)
{
  const guint T = qkv->h * qkv->w, C = out->c, ch = C / attention->heads;
  const guint head_ld = attention->interleaved ? 3 * ch : ch;
  const guint k_at = attention->interleaved ? ch : C;
  const guint slices = (ch + MAX_SLICE - 1) / MAX_SLICE;
  const guint slice = ((ch + slices - 1) / slices + 3) / 4 * 4;
  g_autofree char *options = g_strdup_printf("-DCH=%u -DSLICE=%u", ch, slice);
  ddim_cl_plan_kernel(plan, "attention-gpu", options, "attention_gpu", "attention",
                      4.0 * qkv->n * (double)T * T * C);
  ddim_cl_plan_arg_mem(plan, qkv->mem);
  ddim_cl_plan_arg_u32(plan, qkv->ld);
  ddim_cl_plan_arg_mem(plan, out->mem);
  ddim_cl_plan_arg_u32(plan, out->ld);
  ddim_cl_plan_arg_u32(plan, T);
  ddim_cl_plan_arg_u32(plan, attention->heads);
  ddim_cl_plan_arg_u32(plan, head_ld);
  ddim_cl_plan_arg_u32(plan, k_at);
  ddim_cl_plan_arg_u32(plan, 2 * k_at);
  ddim_cl_plan_arg_f32(plan, 1.0f / sqrtf((float)ch));
  ddim_cl_plan_range(plan, (T + BLOCK - 1) / BLOCK * EDGE, EDGE,
                     (gsize)qkv->n * attention->heads * ((ch + slice - 1) / slice));
  ddim_cl_plan_local(plan, EDGE, EDGE, 1);
}
