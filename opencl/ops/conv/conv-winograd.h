/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/ops/conv/conv-params.h"
#include "opencl/ops/matrix/epilogue.h"
#include "opencl/ops/matrix/matrix.h"

/** Record a 3x3 convolution of stride 1 by Winograd's F(2x2,3x3) or F(4x4,3x3): input transform, a
 * batch of products, output transform (kernels/winograd.cl).
 * @tile      2 or 4
 * @prologue  (nullable) ab[n][2][C]: the input is x * ab[0] + ab[1], then SiLU */
void ddim_cl_conv_winograd(DdimClPlan *plan, guint tile, gboolean lean, const DdimConvShape *shape,
                           const DdimClMatrix *weights, const DdimClTensor *x,
                           const DdimClMem *prologue, const DdimClTensor *y,
                           const DdimClEpilogue *epilogue);
