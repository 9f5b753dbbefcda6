/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/matrix/gemm-packed.h"

#define ROWS_BYTES ((guint64)256 << 10)

guint
ddim_cl_rows_per_item(DdimContext *context, guint64 rows, guint depth, guint64 panels)
{
  const DdimClProfile *profile = &context->profile;
  if (!profile->row_loop)
    return profile->mr;
  const guint64 wanted = (guint64)context->info->compute_units * 4;
  guint64 pieces = panels >= wanted ? 1 : (wanted + panels - 1) / panels;
  guint64 each = (rows + pieces - 1) / pieces;
  /* All panels pass by these rows of A, which should stay in a core's cache meanwhile. */
  each = MIN(each, MAX(ROWS_BYTES / (depth * sizeof(float)), 64));
  return (guint)((each + profile->mr - 1) / profile->mr * profile->mr);
}

void
ddim_cl_gemm_packed(DdimClPlan *plan, const DdimClMatrix *b, const DdimClGemm *gemm)
{
  DdimContext *context = ddim_cl_plan_get_context(plan);
  const guint panels = b->columns / context->profile.nr;
  const guint rows =
      ddim_cl_rows_per_item(context, gemm->rows, b->depth, (guint64)panels * b->batch);
  /* No rows of an image tell the kernel that there is nothing to add, and pointers are not read. */
  const DdimClEpilogue none = {.bias = gemm->c};
  g_autofree char *options = g_strconcat(b->half ? "-DHALF_WEIGHTS" : "",
                                         ddim_cl_type_options(gemm->a_type, gemm->c_type), NULL);
  ddim_cl_plan_kernel(plan, "gemm", options, "gemm", gemm->label,
                      2.0 * b->batch * gemm->rows * b->depth * b->columns);
  ddim_cl_plan_arg_elements(plan, gemm->a, gemm->a_type);
  ddim_cl_plan_arg_u32(plan, gemm->lda);
  ddim_cl_plan_arg_u64(plan, gemm->a_batch);
  ddim_cl_plan_arg_buffer(plan, b->buffer);
  ddim_cl_plan_arg_u64(plan, 0);
  ddim_cl_plan_arg_u64(plan, (guint64)b->depth * b->columns);
  ddim_cl_plan_arg_elements(plan, gemm->c, gemm->c_type);
  ddim_cl_plan_arg_u32(plan, gemm->ldc);
  ddim_cl_plan_arg_u64(plan, gemm->c_batch);
  ddim_cl_plan_arg_u32(plan, gemm->rows);
  ddim_cl_plan_arg_u32(plan, b->depth);
  ddim_cl_plan_arg_u32(plan, rows);
  ddim_cl_epilogue_args(plan, gemm->epilogue ? gemm->epilogue : &none, gemm->c_type);
  ddim_cl_plan_arg_u32(plan, gemm->epilogue ? MAX(gemm->rows_per_image, 1) : 0);
  ddim_cl_plan_range(plan, panels, (gemm->rows + rows - 1) / rows, b->batch);
}
