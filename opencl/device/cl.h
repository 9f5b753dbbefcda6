/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

/* The one place that chooses the OpenCL version: 1.2 is what every vendor has. */
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
