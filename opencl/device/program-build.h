/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/device/context-private.h"

/** Called when no cached binary fits, so that a program is about to be compiled. */
typedef void (*DdimClCompilingFunc)(gpointer data);

/** The path of the cache file for the program that ddim_cl_program_build() makes. (transfer
 * full) */
char *ddim_cl_program_path(DdimContext *context, const char *source, const char *options);

/** The program from the cache, or NULL when the cache has none that the driver accepts. */
cl_program ddim_cl_program_load(DdimContext *context, const char *source, const char *options);

/** A new program made of kernels/common.cl and kernels/@source.cl ("one+another": of both in turn),
 * built with @options. It comes from the cache of binaries under $XDG_CACHE_HOME/ddim/programs if
 * that holds it for this device, driver and version of this program. Otherwise it is compiled and
 * kept there. May be called by several threads at once. Errors: DDIM_CL_ERROR_BUILD with the
 * compiler's log. */
cl_program ddim_cl_program_build(DdimContext *context, const char *source, const char *options,
                                 DdimClCompilingFunc compiling, gpointer data, GError **error);
/** The same, but if another process is compiling the same program by this function, wait for that
 * process and take what it made. */
cl_program ddim_cl_program_build_alone(DdimContext *context, const char *source,
                                       const char *options, DdimClCompilingFunc compiling,
                                       gpointer data, GError **error);
