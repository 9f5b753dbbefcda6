/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/ops/norm/norm-parts.h"

/** Record what ddim_cl_norm_scale_shift() does by the kernels for GPUs. */
DdimClMem ddim_cl_norm_scale_shift_gpu(DdimClPlan *plan, const DdimClTensor *x,
                                       const DdimClNorm *norm);
