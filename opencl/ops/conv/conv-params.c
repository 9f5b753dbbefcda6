/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/conv/conv-params.h"

guint
ddim_conv_pad(const DdimConvShape *shape)
{
  return shape->right_bottom ? 0 : shape->taps / 2;
}

double
ddim_conv_flops(const DdimConvShape *shape)
{
  return 2.0 * shape->n * shape->h * shape->w * shape->taps * shape->taps * shape->in * shape->out;
}
