/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/norm/norm-amx.h"

#include "opencl/ops/amx/amx-tasks.h"
#include "opencl/ops/norm/norm.h"

/* Pixels of a piece. Those of one plane stay in the first-level cache for the second pass. */
#define CHUNK 256

guint
ddim_cl_norm_amx_unit(guint channels, const DdimClNorm *norm)
{
  const guint group = channels / norm->groups;
  guint unit = group;
  if (channels % AMX_PLANE || norm->gaps.width)
    return 0;
  while (unit % AMX_PLANE)
    unit += group;
  return unit <= AMX_MAX_UNIT ? unit : 0;
}

void
ddim_cl_norm_amx_args(DdimClPlan *plan, const DdimClNorm *norm, guint channels)
{
  ddim_cl_plan_arg_u32(plan, channels);
  ddim_cl_plan_arg_u32(plan, ddim_cl_norm_amx_unit(channels, norm));
  ddim_cl_plan_arg_u32(plan, channels / norm->groups);
  ddim_cl_plan_arg_f32(plan, norm->eps);
  ddim_cl_plan_arg_floats(plan, norm->gamma);
  ddim_cl_plan_arg_floats(plan, norm->beta);
  ddim_cl_plan_arg_address(plan, norm->has_emb ? &norm->emb : NULL);
  ddim_cl_plan_arg_u32(plan, norm->emb_ld);
}

DdimClMem
ddim_cl_norm_amx(DdimClPlan *plan, const DdimClTensor *x, const DdimClNorm *norm)
{
  const guint unit = ddim_cl_norm_amx_unit(x->c, norm);
  if (!unit)
    return ddim_cl_norm_scale_shift(plan, x, norm);
  const guint pixels = x->h * x->w, chunks = (pixels + CHUNK - 1) / CHUNK;
  DdimClMem part = ddim_cl_plan_alloc_floats(plan, (guint64)x->n * chunks * 2 * x->c);
  ddim_cl_amx_task(plan, AMX_NORM_MOMENTS, "norm moments", 0);
  ddim_cl_plan_arg_tensor(plan, x, x->type);
  ddim_cl_plan_arg_u32(plan, x->c);
  ddim_cl_plan_arg_u32(plan, pixels);
  ddim_cl_plan_arg_u32(plan, CHUNK);
  ddim_cl_plan_arg_u32(plan, chunks);
  ddim_cl_plan_arg_floats(plan, part);
  ddim_cl_plan_range(plan, x->c / AMX_PLANE, chunks, x->n);

  DdimClMem ab = ddim_cl_plan_alloc_floats(plan, (guint64)x->n * 2 * x->c);
  ddim_cl_amx_task(plan, AMX_NORM_FINISH, "norm finish", 0);
  ddim_cl_plan_arg_floats(plan, part);
  ddim_cl_plan_arg_u32(plan, pixels);
  ddim_cl_plan_arg_u32(plan, CHUNK);
  ddim_cl_plan_arg_u32(plan, chunks);
  ddim_cl_plan_arg_floats(plan, ab);
  ddim_cl_norm_amx_args(plan, norm, x->c);
  ddim_cl_plan_range(plan, x->c / unit, x->n, 1);
  ddim_cl_plan_release(plan, part);
  return ab;
}
