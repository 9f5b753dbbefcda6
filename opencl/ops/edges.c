/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/edges.h"

void
ddim_cl_from_planar(DdimClPlan *plan, DdimClMem x, guint x_c, DdimClMem cond, guint cond_c,
                    const DdimClTensor *y)
{
  ddim_cl_plan_kernel(plan, "edges", NULL, "from_planar", "from planar", 0);
  ddim_cl_plan_arg_floats(plan, x);
  ddim_cl_plan_arg_u32(plan, x_c);
  ddim_cl_plan_arg_floats(plan, cond_c ? cond : x);
  ddim_cl_plan_arg_u32(plan, cond_c);
  ddim_cl_plan_arg_tensor(plan, y, DDIM_CL_F32);
  ddim_cl_plan_arg_u32(plan, y->c);
  ddim_cl_plan_range(plan, (gsize)y->h * y->w, y->n, 1);
}

void
ddim_cl_to_planar(DdimClPlan *plan, const DdimClTensor *x, guint channels, DdimClMem y)
{
  ddim_cl_plan_kernel(plan, "edges", NULL, "to_planar", "to planar", 0);
  ddim_cl_plan_arg_tensor(plan, x, DDIM_CL_F32);
  ddim_cl_plan_arg_floats(plan, y);
  ddim_cl_plan_arg_u32(plan, channels);
  ddim_cl_plan_range(plan, (gsize)x->h * x->w, x->n, 1);
}

void
ddim_cl_resize_bilinear(DdimClPlan *plan, DdimClMem x, guint in_h, guint in_w, DdimClMem y,
                        guint out_h, guint out_w, guint planes, DdimWrap wrap)
{
  ddim_cl_plan_kernel(plan, "resample", ddim_cl_wrap_option(wrap), "resize_bilinear", "resize", 0);
  ddim_cl_plan_arg_floats(plan, x);
  ddim_cl_plan_arg_floats(plan, y);
  ddim_cl_plan_arg_u32(plan, in_h);
  ddim_cl_plan_arg_u32(plan, in_w);
  ddim_cl_plan_range(plan, out_w, out_h, planes);
}

/* Both resamplers take the same arguments. */
static void
resample(DdimClPlan *plan, const char *kernel, const DdimClTensor *x, const DdimClTensor *y)
{
  ddim_cl_plan_kernel(plan, "resample", ddim_cl_type_options(x->type, y->type), kernel, "resample",
                      0);
  ddim_cl_plan_arg_tensor(plan, x, x->type);
  ddim_cl_plan_arg_tensor(plan, y, y->type);
  ddim_cl_plan_arg_u32(plan, y->w);
  ddim_cl_plan_arg_u32(plan, x->h);
  ddim_cl_plan_arg_u32(plan, x->w);
  ddim_cl_plan_range(plan, x->c / ddim_cl_plan_get_context(plan)->profile.vec, (gsize)y->h * y->w,
                     x->n);
}

void
ddim_cl_average_pool(DdimClPlan *plan, const DdimClTensor *x, const DdimClTensor *y)
{
  resample(plan, "average_pool", x, y);
}

void
ddim_cl_upsample(DdimClPlan *plan, const DdimClTensor *x, const DdimClTensor *y)
{
  resample(plan, "upsample_nearest", x, y);
}

void
ddim_cl_copy_tensor(DdimClPlan *plan, const DdimClTensor *x, const DdimClTensor *y)
{
  const DdimClProfile *profile = &ddim_cl_plan_get_context(plan)->profile;
  const guint channels = profile->row_loop ? x->c : profile->vec;
  const guint pixels = profile->row_loop ? x->w : 1;
  ddim_cl_plan_kernel(plan, "edges", ddim_cl_type_options(x->type, y->type), "copy_tensor", "copy",
                      0);
  ddim_cl_plan_arg_tensor(plan, x, x->type);
  ddim_cl_plan_arg_tensor(plan, y, y->type);
  ddim_cl_plan_arg_u32(plan, channels);
  ddim_cl_plan_arg_u32(plan, pixels);
  ddim_cl_plan_range(plan, x->c / channels, (gsize)x->h * x->w / pixels, x->n);
}

static void
in_place(DdimClPlan *plan, const char *kernel, const char *label, DdimClMem x, guint64 count)
{
  ddim_cl_plan_kernel(plan, "edges", NULL, kernel, label, 0);
  ddim_cl_plan_arg_floats(plan, x);
  ddim_cl_plan_range(plan, count / ddim_cl_plan_get_context(plan)->profile.vec, 1, 1);
}

void
ddim_cl_center(DdimClPlan *plan, DdimClMem x, guint64 count)
{
  in_place(plan, "center_in_place", "center", x, count);
}

void
ddim_cl_silu(DdimClPlan *plan, DdimClMem x, guint64 count)
{
  in_place(plan, "silu_in_place", "silu", x, count);
}
