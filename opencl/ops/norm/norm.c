/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/norm/norm.h"

#include "opencl/device/ways.h"
#include "opencl/ops/norm/norm-gpu.h"
#include "opencl/plan/spoil.h"

/* Pixels of a piece whose moments one work-item computes. They are few enough to stay in the
 * first-level cache for the second pass, and many enough that combining the pieces is cheap. */
#define CHUNK 64

static DdimClMem
scale_shift_rows(DdimClPlan *plan, const DdimClTensor *x, const DdimClNorm *norm)
{
  const guint pixels = x->h * x->w;
  DdimClMem part = ddim_cl_norm_moments(plan, x, CHUNK);
  DdimClMem ab = ddim_cl_plan_alloc_floats(plan, (guint64)x->n * 2 * x->c);
  /* Without gaps these are the kernels of a program that is used anyway. */
  g_autofree char *options =
      g_strconcat(norm->gaps.width ? "-DGAPS" : "", ddim_cl_type_options(x->type, x->type), NULL);
  ddim_cl_plan_kernel(plan, "norm", options, "norm_finish", "norm finish", 0);
  ddim_cl_plan_arg_floats(plan, part);
  ddim_cl_norm_args(plan, norm, ab);
  ddim_cl_plan_arg_u32(plan, pixels);
  ddim_cl_plan_arg_u32(plan, CHUNK);
  ddim_cl_plan_arg_u32(plan, (pixels + CHUNK - 1) / CHUNK);
  ddim_cl_plan_arg_u32(plan, x->c);
  ddim_cl_plan_arg_f32(plan, norm->eps);
  ddim_cl_norm_gaps_args(plan, norm);
  ddim_cl_plan_range(plan, norm->groups, x->n, 1);
  ddim_cl_plan_release(plan, part);
  return ab;
}

DdimClMem
ddim_cl_norm_scale_shift(DdimClPlan *plan, const DdimClTensor *x, const DdimClNorm *norm)
{
  DdimContext *context = ddim_cl_plan_get_context(plan);
  const gboolean gpu = !context->profile.row_loop && ddim_cl_way_is_trusted(context, "norm-gpu");
  const char *way = gpu ? "norm-gpu" : "norm-rows";
  const DdimClNormNote note = {x->h * x->w, x->c, norm->groups, norm->has_emb, norm->gaps, x->type};
  ddim_cl_plan_note(plan, DDIM_CL_NOTE_NORM, way, &note, sizeof note);
  DdimClMem ab =
      gpu ? ddim_cl_norm_scale_shift_gpu(plan, x, norm) : scale_shift_rows(plan, x, norm);
  ddim_cl_plan_spoil(plan, way, &(DdimClTensor){.mem = ab});
  return ab;
}

void
ddim_cl_norm_apply(DdimClPlan *plan, const DdimClTensor *x, DdimClMem ab, gboolean silu,
                   const DdimClTensor *y)
{
  const DdimClProfile *profile = &ddim_cl_plan_get_context(plan)->profile;
  const guint pixels = x->h * x->w, chunk = profile->row_loop ? CHUNK : 1;
  ddim_cl_plan_kernel(plan, "norm", ddim_cl_type_options(x->type, y->type), "norm_apply",
                      "norm apply", 0);
  ddim_cl_plan_arg_tensor(plan, x, x->type);
  ddim_cl_plan_arg_floats(plan, ab);
  ddim_cl_plan_arg_tensor(plan, y, y->type);
  ddim_cl_plan_arg_u32(plan, pixels);
  ddim_cl_plan_arg_u32(plan, chunk);
  ddim_cl_plan_arg_u32(plan, x->c);
  ddim_cl_plan_arg_u32(plan, silu ? 1 : 0);
  ddim_cl_plan_range(plan, x->c / profile->vec, (pixels + chunk - 1) / chunk, x->n);
}
