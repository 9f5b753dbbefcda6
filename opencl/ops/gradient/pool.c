/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/gradient/pool.h"

#include "opencl/ops/norm/norm-parts.h"

/* Pixels whose mean a work-item computes. */
#define CHUNK 64

static guint
get_vec(DdimClPlan *plan)
{
  return ddim_cl_plan_get_context(plan)->profile.vec;
}

void
ddim_cl_mean(DdimClPlan *plan, const DdimClTensor *x, const DdimClTensor *y)
{
  const guint pixels = x->h * x->w;
  DdimClMem part = ddim_cl_norm_moments(plan, x, CHUNK);
  ddim_cl_plan_kernel(plan, "pool", NULL, "mean_of_parts", "mean", 0);
  ddim_cl_plan_arg_floats(plan, part);
  ddim_cl_plan_arg_tensor(plan, y, DDIM_CL_F32);
  ddim_cl_plan_arg_u32(plan, pixels);
  ddim_cl_plan_arg_u32(plan, CHUNK);
  ddim_cl_plan_arg_u32(plan, x->c);
  ddim_cl_plan_range(plan, x->c / get_vec(plan), x->n, 1);
  ddim_cl_plan_release(plan, part);
}

void
ddim_cl_tokens(DdimClPlan *plan, const DdimClTensor *x, DdimClMem table, const DdimClTensor *y)
{
  ddim_cl_plan_kernel(plan, "pool", NULL, "tokens", "tokens", 0);
  ddim_cl_plan_arg_tensor(plan, x, DDIM_CL_F32);
  ddim_cl_plan_arg_floats(plan, table);
  ddim_cl_plan_arg_tensor(plan, y, DDIM_CL_F32);
  ddim_cl_plan_arg_u32(plan, x->h * x->w);
  ddim_cl_plan_range(plan, x->c, (gsize)x->h * x->w + 1, x->n);
}

void
ddim_cl_relu(DdimClPlan *plan, const DdimClTensor *x, const DdimClTensor *y)
{
  ddim_cl_plan_kernel(plan, "pool", NULL, "relu", "relu", 0);
  ddim_cl_plan_arg_tensor(plan, x, DDIM_CL_F32);
  ddim_cl_plan_arg_tensor(plan, y, DDIM_CL_F32);
  ddim_cl_plan_range(plan, x->c / get_vec(plan), (gsize)x->n * x->h * x->w, 1);
}

DdimClTensor
ddim_cl_tensor_first(DdimClTensor tensor)
{
  tensor.ld *= tensor.h * tensor.w;
  tensor.h = tensor.w = 1;
  return tensor;
}
