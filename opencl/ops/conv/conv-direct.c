/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/conv/conv-direct.h"

#include "opencl/ops/conv/conv-tile.h"
#include "opencl/ops/matrix/gemm-packed.h"
#include "opencl/ops/matrix/gemm.h"

/* The packed kernel reads the taps where they lie. */
static void
implicit(DdimClPlan *plan, const DdimConvShape *shape, const DdimClMatrix *weights,
         const DdimClTensor *x, const DdimClTensor *y, const DdimClEpilogue *epilogue,
         DdimClMem zeros)
{
  DdimContext *context = ddim_cl_plan_get_context(plan);
  const guint64 pixels = (guint64)shape->n * shape->h * shape->w;
  const guint panels = weights->columns / context->profile.nr;
  const guint rows = ddim_cl_rows_per_item(context, pixels, x->c, panels);
  g_autofree char *options =
      g_strconcat("-DCONV=1", weights->half ? " -DHALF_WEIGHTS" : "",
                  ddim_cl_wrap_option(shape->wrap), ddim_cl_type_options(x->type, y->type), NULL);
  ddim_cl_plan_kernel(plan, "gemm", options, "conv",
                      shape->taps == 1 ? "conv 1x1" : "conv 3x3 direct", ddim_conv_flops(shape));
  ddim_cl_plan_arg_tensor(plan, x, x->type);
  ddim_cl_plan_arg_buffer(plan, weights->buffer);
  ddim_cl_plan_arg_u64(plan, 0);
  ddim_cl_plan_arg_tensor(plan, y, y->type);
  ddim_cl_plan_arg_floats(plan, zeros);
  ddim_cl_plan_arg_u32(plan, shape->n);
  ddim_cl_plan_arg_u32(plan, x->h << (shape->up ? 1 : 0));
  ddim_cl_plan_arg_u32(plan, x->w << (shape->up ? 1 : 0));
  ddim_cl_plan_arg_u32(plan, shape->h);
  ddim_cl_plan_arg_u32(plan, shape->w);
  ddim_cl_plan_arg_u32(plan, x->c);
  ddim_cl_plan_arg_u32(plan, shape->taps);
  ddim_cl_plan_arg_u32(plan, shape->stride);
  ddim_cl_plan_arg_u32(plan, ddim_conv_pad(shape));
  ddim_cl_plan_arg_u32(plan, shape->up != 0);
  ddim_cl_plan_arg_u32(plan, rows);
  ddim_cl_epilogue_args(plan, epilogue, y->type);
  ddim_cl_plan_arg_u32(plan, shape->h * shape->w);
  ddim_cl_plan_range(plan, panels, (pixels + rows - 1) / rows, 1);
}

/* A library's product needs the taps copied together. */
static void
im2col(DdimClPlan *plan, const DdimConvShape *shape, const DdimClMatrix *weights,
       const DdimClTensor *x, const DdimClTensor *y, const DdimClEpilogue *epilogue)
{
  const guint64 pixels = (guint64)shape->n * shape->h * shape->w;
  DdimClMem col = ddim_cl_plan_alloc_floats(plan, pixels * weights->depth);
  g_autofree char *options = g_strconcat(ddim_cl_wrap_option(shape->wrap),
                                         ddim_cl_type_options(x->type, DDIM_CL_F32), NULL);
  ddim_cl_plan_kernel(plan, "epilogue", options, "im2col", "im2col", 0);
  ddim_cl_plan_arg_tensor(plan, x, x->type);
  ddim_cl_plan_arg_floats(plan, col);
  ddim_cl_plan_arg_u64(plan, 0);
  ddim_cl_plan_arg_u32(plan, x->h << (shape->up ? 1 : 0));
  ddim_cl_plan_arg_u32(plan, x->w << (shape->up ? 1 : 0));
  ddim_cl_plan_arg_u32(plan, shape->h);
  ddim_cl_plan_arg_u32(plan, shape->w);
  ddim_cl_plan_arg_u32(plan, x->c);
  ddim_cl_plan_arg_u32(plan, shape->stride);
  ddim_cl_plan_arg_u32(plan, ddim_conv_pad(shape));
  ddim_cl_plan_arg_u32(plan, shape->up != 0);
  ddim_cl_plan_range(plan, x->c / ddim_cl_plan_get_context(plan)->profile.vec, pixels,
                     (gsize)shape->taps * shape->taps);
  const DdimClGemm gemm = {.a = col,
                           .c = y->mem,
                           .c_type = y->type,
                           .lda = weights->depth,
                           .ldc = y->ld,
                           .rows = (guint)pixels,
                           .rows_per_image = shape->h * shape->w,
                           .epilogue = epilogue,
                           .label = "im2col product"};
  ddim_cl_gemm(plan, weights, &gemm);
  ddim_cl_plan_release(plan, col);
}

/* With more bytes of gathered taps a library's product is not worth the copy. */
#define IM2COL_BYTES ((guint64)256 << 20)

static gboolean
im2col_is_large(const DdimConvShape *shape, const DdimClMatrix *weights)
{
  return (guint64)shape->n * shape->h * shape->w > IM2COL_BYTES / sizeof(float) / weights->depth;
}

void
ddim_cl_conv_direct(DdimClPlan *plan, const DdimConvShape *shape, const DdimClMatrix *weights,
                    const DdimClTensor *x, const DdimClTensor *y, const DdimClEpilogue *epilogue,
                    DdimClMem zeros)
{
  if (shape->taps == 1 && shape->stride == 1 && !shape->up) {
    const DdimClGemm gemm = {.a = x->mem,
                             .c = y->mem,
                             .a_type = x->type,
                             .c_type = y->type,
                             .lda = x->ld,
                             .ldc = y->ld,
                             .rows = shape->n * shape->h * shape->w,
                             .rows_per_image = shape->h * shape->w,
                             .epilogue = epilogue,
                             .label = "conv 1x1"};
    ddim_cl_gemm(plan, weights, &gemm);
  } else if (weights->provider == DDIM_GEMM_PACKED) {
    implicit(plan, shape, weights, x, y, epilogue, zeros);
  } else if (weights->provider != DDIM_GEMM_CLBLAST || im2col_is_large(shape, weights)) {
    ddim_cl_conv_tile(plan,
                      weights->provider == DDIM_GEMM_CLBLAST ? DDIM_GEMM_TILE32 : weights->provider,
                      shape, weights, x, y, epilogue);
  } else {
    im2col(plan, shape, weights, x, y, epilogue);
  }
}
