/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/device/context-private.h"

/** A compile worker as seen by the process that starts it: a child process, started when it is
 * first asked for something or before. See compile-worker.h. One thread at a time, except for
 * ddim_cl_compile_client_stop(). */
typedef struct _DdimClCompileClient DdimClCompileClient;

/** How many of them make @context's programs sooner: one for each processor that this process may
 * use. 0 where the driver's compiler is not known to hold threads up, where there is one processor,
 * and where no program can be started as a worker. */
guint ddim_cl_compile_client_count(DdimContext *context);
/** For @context, which outlives it. Starts nothing. */
DdimClCompileClient *ddim_cl_compile_client_new(DdimContext *context);
/** Ends the worker, whatever it does. */
void ddim_cl_compile_client_free(DdimClCompileClient *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimClCompileClient, ddim_cl_compile_client_free)

/** Have the program compiled that ddim_cl_program_build() would compile, and wait for it. TRUE when
 * the cache now has it. FALSE when the worker could not do it, for whatever reason: it can't be
 * started, was killed, does not answer; then the caller compiles by itself. */
gboolean ddim_cl_compile_client_build(DdimClCompileClient *client, const char *source,
                                      const char *options);
/** Any thread: start the worker, which takes a while to be ready, unless it runs. */
void ddim_cl_compile_client_start(DdimClCompileClient *client);
/** End the worker while there is nothing to do, and free its memory. It may be started again. */
void ddim_cl_compile_client_rest(DdimClCompileClient *client);
/** Any thread: have ddim_cl_compile_client_build() return soon, now and from now on. */
void ddim_cl_compile_client_stop(DdimClCompileClient *client);
