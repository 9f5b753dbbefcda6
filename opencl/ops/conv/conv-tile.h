/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/ops/conv/conv-params.h"
#include "opencl/ops/matrix/epilogue.h"
#include "opencl/ops/matrix/matrix.h"

/** Record a convolution as an implicit product by the tiled kernel of @provider, whatever the
 * provider of @weights. Their layout must be that of a tiled kernel or of CLBlast. */
void ddim_cl_conv_tile(DdimClPlan *plan, DdimGemmProvider provider, const DdimConvShape *shape,
                       const DdimClMatrix *weights, const DdimClTensor *x, const DdimClTensor *y,
                       const DdimClEpilogue *epilogue);
