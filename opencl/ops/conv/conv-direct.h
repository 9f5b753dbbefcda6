/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/ops/conv/conv-params.h"
#include "opencl/ops/matrix/epilogue.h"
#include "opencl/ops/matrix/matrix.h"

/** Record a convolution as one product over (tap, channel): a plain product for 1x1, else the taps
 * are read where they lie or, for a library's product, gathered first.
 * @zeros  at least as many zeros as x has channels */
void ddim_cl_conv_direct(DdimClPlan *plan, const DdimConvShape *shape, const DdimClMatrix *weights,
                         const DdimClTensor *x, const DdimClTensor *y,
                         const DdimClEpilogue *epilogue, DdimClMem zeros);
