/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/ops/matrix/matrix.h"

/** Whether the device has the matrix units of x86 processors and they compute rightly. Tried once
 * per context, see ddim_cl_try_amx(). */
gboolean ddim_cl_has_amx(DdimContext *context);
/** Whether @provider, DDIM_GEMM_MMA64 or DDIM_GEMM_MMA128, computes rightly on the device's matrix
 * units, with half-precision weights. Tried once per context. */
gboolean ddim_cl_has_mma(DdimContext *context, DdimGemmProvider provider);
