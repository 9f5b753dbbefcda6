/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/device/matrix-unit.h"

#include <string.h>

#include "opencl/device/device-private.h"

/* cl_nv_device_attribute_query and cl_intel_required_subgroup_size, which not all headers know. */
#define COMPUTE_CAPABILITY_MAJOR_NV 0x4000
#define SUB_GROUP_SIZES_INTEL 0x4108

/* Compute capability 8.0 has the instruction that the kernels use. */
static DdimClMatrixUnit
find_nvidia(cl_device_id device)
{
  cl_uint major = 0;
  const cl_int status =
      clGetDeviceInfo(device, COMPUTE_CAPABILITY_MAJOR_NV, sizeof major, &major, NULL);
  return status == CL_SUCCESS && major >= 8 ? DDIM_CL_MATRIX_UNIT_PTX : DDIM_CL_NO_MATRIX_UNIT;
}

DdimClMatrixUnit
ddim_cl_matrix_unit_of_intel(const char *extensions, const gsize *sub_groups, gsize n)
{
  g_auto(GStrv) names = g_strsplit(extensions, " ", -1);
  const char *const *all = (const char *const *)names;
  if (!g_strv_contains(all, "cl_intel_subgroup_matrix_multiply_accumulate") ||
      !g_strv_contains(all, "cl_intel_required_subgroup_size"))
    return DDIM_CL_NO_MATRIX_UNIT;
  gsize smallest = 0;
  for (gsize i = 0; i < n; i++)
    if (!smallest || sub_groups[i] < smallest)
      smallest = sub_groups[i];
  return smallest == 8    ? DDIM_CL_MATRIX_UNIT_INTEL8
         : smallest == 16 ? DDIM_CL_MATRIX_UNIT_INTEL16
                          : DDIM_CL_NO_MATRIX_UNIT;
}

DdimClMatrixUnit
ddim_cl_matrix_unit_find(cl_device_id device, const char *vendor)
{
  if (strstr(vendor, "NVIDIA"))
    return find_nvidia(device);
  g_autofree char *extensions = ddim_cl_device_string(device, CL_DEVICE_EXTENSIONS);
  gsize sub_groups[16], size = 0;
  if (clGetDeviceInfo(device, SUB_GROUP_SIZES_INTEL, sizeof sub_groups, sub_groups, &size) !=
      CL_SUCCESS)
    return DDIM_CL_NO_MATRIX_UNIT;
  return ddim_cl_matrix_unit_of_intel(extensions, sub_groups, size / sizeof *sub_groups);
}
