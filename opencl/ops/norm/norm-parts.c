/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/norm/norm-parts.h"

DdimClMem
ddim_cl_norm_moments(DdimClPlan *plan, const DdimClTensor *x, guint chunk)
{
  const guint pixels = x->h * x->w, chunks = (pixels + chunk - 1) / chunk;
  DdimClMem part = ddim_cl_plan_alloc_floats(plan, (guint64)x->n * chunks * 2 * x->c);
  ddim_cl_plan_kernel(plan, "norm", ddim_cl_type_options(x->type, x->type), "norm_moments",
                      "norm moments", 0);
  ddim_cl_plan_arg_tensor(plan, x, x->type);
  ddim_cl_plan_arg_floats(plan, part);
  ddim_cl_plan_arg_u32(plan, pixels);
  ddim_cl_plan_arg_u32(plan, chunk);
  ddim_cl_plan_arg_u32(plan, x->c);
  ddim_cl_plan_range(plan, x->c / ddim_cl_plan_get_context(plan)->profile.vec, chunks, x->n);
  return part;
}

void
ddim_cl_norm_args(DdimClPlan *plan, const DdimClNorm *norm, DdimClMem out)
{
  /* Without an embedding its pointer still needs a valid buffer: gamma serves. */
  ddim_cl_plan_arg_floats(plan, norm->gamma);
  ddim_cl_plan_arg_floats(plan, norm->beta);
  ddim_cl_plan_arg_floats(plan, norm->has_emb ? norm->emb : norm->gamma);
  ddim_cl_plan_arg_u32(plan, norm->has_emb ? norm->emb_ld : 0);
  ddim_cl_plan_arg_floats(plan, out);
}

void
ddim_cl_norm_gaps_args(DdimClPlan *plan, const DdimClNorm *norm)
{
  if (!norm->gaps.width)
    return;
  ddim_cl_plan_arg_u32(plan, norm->gaps.width);
  ddim_cl_plan_arg_u32(plan, norm->gaps.split);
  ddim_cl_plan_arg_u32(plan, norm->gaps.shift);
}
