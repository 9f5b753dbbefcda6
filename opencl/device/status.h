/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/device/cl.h"
#include "opencl/device/cl-error.h"

/** The name of a status code of OpenCL 1.2 ("CL_OUT_OF_RESOURCES"), or of one that CLBlast adds
 * ("CLBlastInvalidLeadDimA"). NULL for others. */
const char *ddim_cl_status_name(cl_int status);

/** TRUE for CL_SUCCESS; else sets @error: DDIM_CL_ERROR_MEMORY for the statuses that mean no
 * memory, DDIM_CL_ERROR_LOST for those that a lost device gives, otherwise DDIM_CL_ERROR_FAILED.
 * @what says what was tried, e.g. "clCreateBuffer". */
gboolean ddim_cl_check(cl_int status, const char *what, GError **error);
