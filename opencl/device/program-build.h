/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/device/context-private.h"

/** No cached binary fits, so a program is about to be compiled. */
typedef void (*DdimClCompilingFunc)(gpointer data);

/** The file of the cache for the program of ddim_cl_program_build(). (transfer full) */
char *ddim_cl_program_path(DdimContext *context, const char *source, const char *options);

/** The program from the cache, or NULL when that has none that the driver takes. */
cl_program ddim_cl_program_load(DdimContext *context, const char *source, const char *options);

/** A new program made of kernels/common.cl and kernels/@source.cl ("one+another": of both in turn),
 * built with @options; from the cache of binaries under $XDG_CACHE_HOME/ddim/programs where that
 * holds it for this device, driver and version of this program, and kept there otherwise. May be
 * called by several threads at once. Errors: DDIM_CL_ERROR_BUILD with the compiler's log. */
cl_program ddim_cl_program_build(DdimContext *context, const char *source, const char *options,
                                 DdimClCompilingFunc compiling, gpointer data, GError **error);
/** Likewise; where another process is compiling the same program by this function, wait for that
 * and take what it made. */
cl_program ddim_cl_program_build_alone(DdimContext *context, const char *source,
                                       const char *options, DdimClCompilingFunc compiling,
                                       gpointer data, GError **error);
