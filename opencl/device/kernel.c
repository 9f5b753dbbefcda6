/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/device/kernel.h"

#include "opencl/device/status.h"

gboolean
ddim_cl_kernel_set_arg(cl_kernel kernel, guint index, gsize size, const void *value, GError **error)
{
  if (ddim_cl_check(clSetKernelArg(kernel, index, size, value), "clSetKernelArg", error))
    return TRUE;
  g_prefix_error(error, "%u: ", index);
  return FALSE;
}

gboolean
ddim_cl_kernel_set_mem(cl_kernel kernel, guint index, cl_mem mem, GError **error)
{
  return ddim_cl_kernel_set_arg(kernel, index, sizeof mem, &mem, error);
}
