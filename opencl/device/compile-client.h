/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/device/context-private.h"

/** A compile worker as seen by the process that starts it: a child process, which is started when
 * it is first asked for something, or by ddim_cl_compile_client_start() before that. See
 * compile-worker.h. One thread at a time, except for ddim_cl_compile_client_stop(). */
typedef struct _DdimClCompileClient DdimClCompileClient;

/** How many workers help to compile @context's programs: one for each processor that this process
 * may use. 0 where the driver's compiler is not known to make threads wait for each other, where
 * there is only one processor, and where no program can be started as a worker. */
guint ddim_cl_compile_client_count(DdimContext *context);
/** Make a client for @context, which must outlive it. The worker is not started yet. */
DdimClCompileClient *ddim_cl_compile_client_new(DdimContext *context);
/** Ends the worker, whatever it is doing. */
void ddim_cl_compile_client_free(DdimClCompileClient *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimClCompileClient, ddim_cl_compile_client_free)

/** Let the worker compile the program that ddim_cl_program_build() would compile, and wait for it.
 * TRUE when the cache now has it. FALSE when the worker could not do it, for whatever reason: it
 * cannot be started, was killed, or does not answer. The caller then compiles the program by
 * itself. */
gboolean ddim_cl_compile_client_build(DdimClCompileClient *client, const char *source,
                                      const char *options);
/** Start the worker unless it runs already, because it takes a while to be ready. Any thread may
 * call this. */
void ddim_cl_compile_client_start(DdimClCompileClient *client);
/** End the worker while there is nothing to do, and free its memory. It may be started again. */
void ddim_cl_compile_client_rest(DdimClCompileClient *client);
/** Make ddim_cl_compile_client_build() return soon, both a call in progress and all later ones. Any
 * thread may call this. */
void ddim_cl_compile_client_stop(DdimClCompileClient *client);
