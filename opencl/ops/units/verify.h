/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/ops/matrix/matrix.h"

/** Multiply a few matrices with @provider and compare with sums on the host. FALSE with
 * DDIM_CL_ERROR_FAILED when they differ, or with what the device or the library says. */
gboolean ddim_cl_verify_provider(DdimContext *context, DdimGemmProvider provider, gboolean half,
                                 GError **error);
