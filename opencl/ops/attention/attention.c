/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/attention/attention.h"

#include "opencl/ops/attention/attention-amx.h"
#include "opencl/ops/attention/attention-gpu.h"
#include "opencl/ops/attention/attention-rows.h"
#include "opencl/device/ways.h"
#include "opencl/plan/spoil.h"

const char *
ddim_cl_attention_way(DdimClPlan *plan, const DdimClAttention *attention, const DdimClTensor *out)
{
  DdimContext *context = ddim_cl_plan_get_context(plan);
  if (ddim_cl_attention_amx_suits(plan, attention, out) &&
      ddim_cl_way_is_trusted(context, "attention-amx"))
    return "attention-amx";
  if (!context->profile.row_loop && out->c / attention->heads % 4 == 0 &&
      ddim_cl_way_is_trusted(context, "attention-gpu"))
    return "attention-gpu";
  return "attention-rows";
}

void
ddim_cl_attention(DdimClPlan *plan, const DdimClTensor *qkv, const DdimClAttention *attention,
                  const DdimClTensor *out)
{
  const char *way = ddim_cl_attention_way(plan, attention, out);
  const DdimClAttentionNote note = {.positions = out->h * out->w,
                                    .heads = attention->heads,
                                    .channels = out->c / attention->heads,
                                    .interleaved = attention->interleaved,
                                    .type = out->type};
  ddim_cl_plan_note(plan, DDIM_CL_NOTE_ATTENTION, way, &note, sizeof note);
  if (g_str_equal(way, "attention-amx"))
    ddim_cl_attention_amx(plan, qkv, attention, out);
  else if (g_str_equal(way, "attention-gpu"))
    ddim_cl_attention_gpu(plan, qkv, attention, out);
  else
    ddim_cl_attention_rows(plan, qkv, attention, out);
  ddim_cl_plan_spoil(plan, way, out);
}
