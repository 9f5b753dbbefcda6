/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/device/context-private.h"

/** A new kernel object of the program that kernels/@source.cl is with the context's profile (VEC
 * unless @options has it, NR, MR, ROW_LOOP) and @options. It is built at most once per context, see
 * ddim_cl_program_build(); where another thread is at it, this one waits. */
cl_kernel ddim_cl_kernel_new(DdimContext *context, const char *source, const char *options,
                             const char *name, GError **error);
/** A kernel of this program will be asked for soon: begin to build it in the background. If that
 * fails, whoever asks is told. */
void ddim_cl_program_announce(DdimContext *context, const char *source, const char *options);
/** No more programs are expected for now: free what only building them takes. */
void ddim_cl_program_rest(DdimContext *context);
