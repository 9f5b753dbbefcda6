/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/device/cl.h"

#include <glib.h>

/** Half-precision matrix units that kernels/gemm-mma.cl can reach. */
typedef enum {
  DDIM_CL_NO_MATRIX_UNIT,
  DDIM_CL_MATRIX_UNIT_PTX,    /**< NVIDIA's, kernels/mma-ptx.cl */
  DDIM_CL_MATRIX_UNIT_INTEL8, /**< Intel's, kernels/mma-intel.cl, with sub-groups of 8 or 16 */
  DDIM_CL_MATRIX_UNIT_INTEL16,
  DDIM_CL_N_MATRIX_UNITS
} DdimClMatrixUnit;

/** The matrix unit that @device of @vendor says it has. */
DdimClMatrixUnit ddim_cl_matrix_unit_find(cl_device_id device, const char *vendor);
/** Intel's unit on a device with these @extensions, separated by spaces, and @n sizes of
 * sub-groups. */
DdimClMatrixUnit ddim_cl_matrix_unit_of_intel(const char *extensions, const gsize *sub_groups,
                                              gsize n);
