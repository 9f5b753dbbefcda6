/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/ops/conv/conv-params.h"
#include "opencl/ops/matrix/epilogue.h"
#include "opencl/ops/matrix/matrix.h"

/** Record a 3x3 convolution of stride 1 as ddim_cl_conv() does, with weights packed as
 * DDIM_CL_PACK_AMX_WINOGRAD (kernels/amx-winograd.cl). Any upsampling. */
void ddim_cl_conv_amx_winograd(DdimClPlan *plan, const DdimConvShape *shape,
                               const DdimClMatrix *weights, const DdimClTensor *x,
                               const DdimClPrologue *prologue, const DdimClTensor *y,
                               const DdimClEpilogue *epilogue);
/** How many blocks of 32 positions, of 4 pixels each, @shape has, and how many of them a work-item
 * multiplies. */
void ddim_cl_conv_amx_winograd_blocks(DdimContext *context, const DdimConvShape *shape,
                                      guint64 *blocks, guint64 *each);
