/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

#include "opencl/since.h"

G_BEGIN_DECLS

/** The error domain of opencl/. */
#define DDIM_CL_ERROR (ddim_cl_error_quark())

/** Later versions may add codes at the end. */
typedef enum {
  DDIM_CL_ERROR_NO_DEVICE, /**< no platform or device; the message names the packages that provide
                              one */
  DDIM_CL_ERROR_NO_MATCH,  /**< --device matches none */
  DDIM_CL_ERROR_MEMORY,    /**< the device or the host has not enough memory */
  DDIM_CL_ERROR_BUILD,     /**< a kernel does not compile: the log is in the message */
  DDIM_CL_ERROR_FAILED,    /**< any other OpenCL or CLBlast status, by its name */
  DDIM_CL_ERROR_LOST       /**< the device does not answer any more */
} DdimClError;

DDIM_AVAILABLE_IN_0_1
GQuark ddim_cl_error_quark(void);

G_END_DECLS
