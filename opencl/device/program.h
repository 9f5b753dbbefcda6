/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/device/context-private.h"

/** A new kernel object of the program that kernels/@source.cl is with the context's profile (VEC
 * unless @options has it, NR, MR, ROW_LOOP) and @options. It is built at most once per context, see
 * ddim_cl_program_build(); if another thread is building it, this one waits. */
cl_kernel ddim_cl_kernel_new(DdimContext *context, const char *source, const char *options,
                             const char *name, GError **error);
/** Say that a kernel of this program will be needed soon, and begin to build the program in the
 * background. If that fails, ddim_cl_kernel_new() for this program gives the error. */
void ddim_cl_program_announce(DdimContext *context, const char *source, const char *options);
/** Say that no more programs are expected for now, and free what is needed only for building
 * programs. */
void ddim_cl_program_rest(DdimContext *context);
