/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/conv.h"

/** Record a convolution as ddim_cl_conv() does, with weights packed as DDIM_CL_PACK_AMX
 * (kernels/amx-conv.cl). Any taps, stride and upsampling. */
void ddim_cl_conv_amx(DdimClPlan *plan, const DdimConvShape *shape, const DdimClMatrix *weights,
                      const DdimClTensor *x, const DdimClPrologue *prologue, const DdimClTensor *y,
                      const DdimClEpilogue *epilogue);
