/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/device/cl-error.h"
#include "opencl/device/cl.h"

/** Set argument @index of @kernel. Errors: DDIM_CL_ERROR_* that say which argument it is. */
gboolean ddim_cl_kernel_set_arg(cl_kernel kernel, guint index, gsize size, const void *value,
                                GError **error);
/** The same for a buffer. */
gboolean ddim_cl_kernel_set_mem(cl_kernel kernel, guint index, cl_mem mem, GError **error);
