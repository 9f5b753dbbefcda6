/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/device/cl.h"
#include "opencl/device/device.h"

/** The properties of a device, by which kernels are shaped. Plain data; strings owned. */
struct _DdimDeviceInfo {
  guint index; /**< position in the list, what --device N means */
  DdimDeviceKind kind;
  char *name, *vendor, *platform, *device_version, *driver_version;
  guint compute_units;
  guint64 global_memory, max_allocation, local_memory; /**< bytes */
  gsize max_work_group_size;
  gboolean has_own_memory; /**< apart from the host's */
  gboolean local_is_real;  /**< local memory is dedicated, not emulated in global memory */
  gboolean has_fp16;
};

/** The same as ddim_device_list(), and adds the cl_device_id of each to @ids (nullable), in the
 * same order. */
GPtrArray *ddim_cl_device_list(GArray *ids, GError **error);
/** The same as ddim_device_choose(), but returns OpenCL's handle as well. @info (out) (transfer
 * full). NULL on error. */
cl_device_id ddim_cl_device_choose(const char *spec, DdimDeviceInfo **info, GError **error);
/** What clGetDeviceInfo() tells as text, or "". (transfer full) */
char *ddim_cl_device_string(cl_device_id device, cl_device_info what);
