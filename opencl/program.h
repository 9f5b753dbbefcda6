/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/context-private.h"

/** A new kernel object of a program made of kernels/common.cl and kernels/@source.cl
 * ("one+another": of both in turn), built with
 * the context's profile (VEC unless @options has it, NR, MR, ROW_LOOP) and @options, at most once
 * per context and, through the cache of binaries under $XDG_CACHE_HOME/ddim/programs, once per
 * device, driver and version of this program. Errors: DDIM_CL_ERROR_BUILD with the compiler's log.
 */
cl_kernel ddim_cl_kernel_new(DdimContext *context, const char *source, const char *options,
                             const char *name, GError **error);
