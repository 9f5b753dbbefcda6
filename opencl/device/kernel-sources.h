/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <stddef.h>

/** The files of opencl/kernels/, embedded by the build; the last entry is {NULL, NULL}. */
typedef struct {
  const char *name; /**< without ".cl" */
  const char *text;
} DdimClKernelSource;

extern const DdimClKernelSource ddim_cl_kernel_sources[];
