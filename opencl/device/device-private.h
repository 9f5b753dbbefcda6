/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/device/cl.h"
#include "opencl/device/device.h"

/** As ddim_device_choose(), giving OpenCL's handle as well. @info (out) (transfer full). NULL on
 * error. */
cl_device_id ddim_cl_device_choose(const char *spec, DdimDeviceInfo **info, GError **error);
/** What clGetDeviceInfo() tells as text, or "". (transfer full) */
char *ddim_cl_device_string(cl_device_id device, cl_device_info what);
