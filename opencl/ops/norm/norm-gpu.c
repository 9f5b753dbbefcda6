/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/norm/norm-gpu.h"

/* Pixels of a piece whose moments one work-item computes. They are fewer than on a CPU, because a
 * GPU needs thousands of work-items. */
#define CHUNK 16
/* In groups of up to so many numbers a work-group reads the image itself. */
#define SMALL 8192
#define MAX_ITEMS 256

/* Work-items for @count numbers: a power of two, so that each has some numbers. */
static guint
items_for(DdimContext *context, guint64 count)
{
  const guint64 most = MIN(context->info->max_work_group_size, MAX_ITEMS);
  guint items = 1;
  while (2 * items <= most && 4 * items < count)
    items *= 2;
  return items;
}

static void
kernel(DdimClPlan *plan, const DdimClNorm *norm, DdimClType type, guint items, const char *name,
       const char *label)
{
  g_autofree char *options =
      g_strdup_printf("-DITEMS=%u -DEMB=%d%s%s", items, norm->has_emb ? 1 : 0,
                      norm->gaps.width ? " -DGAPS" : "", ddim_cl_type_options(type, DDIM_CL_F32));
  ddim_cl_plan_kernel(plan, "norm-gpu", options, name, label, 0);
}

static void
range(DdimClPlan *plan, const DdimClTensor *x, const DdimClNorm *norm, guint items)
{
  ddim_cl_plan_range(plan, (gsize)norm->groups * items, x->n, 1);
  ddim_cl_plan_local(plan, items, 1, 1);
}

static void
small(DdimClPlan *plan, const DdimClTensor *x, const DdimClNorm *norm, DdimClMem ab)
{
  const guint pixels = x->h * x->w;
  const guint items =
      items_for(ddim_cl_plan_get_context(plan), (guint64)pixels * x->c / norm->groups);
  kernel(plan, norm, x->type, items, "norm_small_gpu", "norm");
  ddim_cl_plan_arg_tensor(plan, x, x->type);
  ddim_cl_norm_args(plan, norm, ab);
  ddim_cl_plan_arg_u32(plan, pixels);
  ddim_cl_plan_arg_u32(plan, x->c);
  ddim_cl_plan_arg_f32(plan, norm->eps);
  ddim_cl_norm_gaps_args(plan, norm);
  range(plan, x, norm, items);
}

static void
large(DdimClPlan *plan, const DdimClTensor *x, const DdimClNorm *norm, DdimClMem ab)
{
  const guint pixels = x->h * x->w, chunks = (pixels + CHUNK - 1) / CHUNK;
  const guint items =
      items_for(ddim_cl_plan_get_context(plan), (guint64)chunks * x->c / norm->groups);
  DdimClMem part = ddim_cl_norm_moments(plan, x, CHUNK);

  kernel(plan, norm, DDIM_CL_F32, items, "norm_finish_gpu", "norm finish");
  ddim_cl_plan_arg_floats(plan, part);
  ddim_cl_norm_args(plan, norm, ab);
  ddim_cl_plan_arg_u32(plan, pixels);
  ddim_cl_plan_arg_u32(plan, CHUNK);
  ddim_cl_plan_arg_u32(plan, chunks);
  ddim_cl_plan_arg_u32(plan, x->c);
  ddim_cl_plan_arg_f32(plan, norm->eps);
  ddim_cl_norm_gaps_args(plan, norm);
  range(plan, x, norm, items);
  ddim_cl_plan_release(plan, part);
}

DdimClMem
ddim_cl_norm_scale_shift_gpu(DdimClPlan *plan, const DdimClTensor *x, const DdimClNorm *norm)
{
  DdimClMem ab = ddim_cl_plan_alloc_floats(plan, (guint64)x->n * 2 * x->c);
  if ((guint64)x->h * x->w * x->c / norm->groups <= SMALL)
    small(plan, x, norm, ab);
  else
    large(plan, x, norm, ab);
  return ab;
}
