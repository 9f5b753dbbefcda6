/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/conv/conv-tile.h"

#include "opencl/ops/matrix/tile.h"

void
ddim_cl_conv_tile(DdimClPlan *plan, DdimGemmProvider provider, const DdimConvShape *shape,
                  const DdimClMatrix *weights, const DdimClTensor *x, const DdimClTensor *y,
                  const DdimClEpilogue *epilogue)
{
  const guint64 pixels = (guint64)shape->n * shape->h * shape->w;
  const DdimClTile *tile = ddim_cl_tile_find(plan, provider, weights);
  g_autofree char *product = ddim_cl_tile_options(plan, tile, weights, x->c, epilogue);
  g_autofree char *options = g_strdup_printf(
      "%s -DTAPS=%u -DSTRIDE=%u -DUP=%d%s%s%s", product, shape->taps, shape->stride, shape->up != 0,
      ddim_cl_wrap_option(shape->wrap), shape->right_bottom ? " -DPAD=0" : "",
      ddim_cl_type_options(x->type, y->type));
  ddim_cl_plan_kernel(plan, tile->source, options, "conv",
                      shape->taps == 1 ? "conv 1x1" : "conv 3x3 direct", ddim_conv_flops(shape));
  ddim_cl_plan_arg_tensor(plan, x, x->type);
  ddim_cl_plan_arg_buffer(plan, weights->buffer);
  ddim_cl_plan_arg_tensor(plan, y, y->type);
  ddim_cl_plan_arg_u32(plan, x->h << (shape->up ? 1 : 0));
  ddim_cl_plan_arg_u32(plan, x->w << (shape->up ? 1 : 0));
  ddim_cl_plan_arg_u32(plan, shape->h);
  ddim_cl_plan_arg_u32(plan, shape->w);
  ddim_cl_plan_arg_u64(plan, pixels);
  ddim_cl_plan_arg_u32(plan, weights->columns);
  ddim_cl_plan_arg_u32(plan, x->c);
  ddim_cl_epilogue_args(plan, epilogue, y->type);
  ddim_cl_plan_arg_u32(plan, shape->h * shape->w);
  ddim_cl_tile_range(plan, tile, weights, pixels);
}
