/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/device/device.h"

G_BEGIN_DECLS

/** One device in use: its OpenCL context, its one in-order queue and its built programs. Reference
 * counted. A context and everything made from it is used by one thread at a time. */
typedef struct _DdimContext DdimContext;

/** @spec  see ddim_device_choose() */
DdimContext *ddim_context_new(const char *spec, GError **error);
DdimContext *ddim_context_ref(DdimContext *context);
void ddim_context_unref(DdimContext *context);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimContext, ddim_context_unref)

/** (transfer none) */
const DdimDeviceInfo *ddim_context_get_device(DdimContext *context);
/** Programs that have to be compiled, because no cached binary fits. */
typedef struct {
  const char *program; /**< the program that is waited for: the name of its source without ".cl" */
  guint done, total;   /**< those compiled so far, and all that have to be as far as is known */
} DdimBuildProgress;
/** Tell the user that compiling takes a while. This is called in the thread that uses the context,
 * when that thread needs a program that has to be compiled. It is called at least once for each
 * such program, even if a thread in the background has begun or finished compiling it by then.
 * While the thread waits, it is called again whenever one more program is done. */
typedef void (*DdimContextBuildFunc)(const DdimBuildProgress *progress, gpointer user_data);
/** @func  (nullable) */
void ddim_context_set_build_func(DdimContext *context, DdimContextBuildFunc func,
                                 gpointer user_data);
/** Wait for all programs that are being built in advance or are queued for that. If one fails, its
 * error is kept for whoever needs the program. */
void ddim_context_wait_builds(DdimContext *context);
/** Why the measurements that `ddim tune` stored for this device are not used, as one line to show
 * to the user; NULL when they are, or when there are none. (transfer none) (nullable) */
const char *ddim_context_get_tuning_problem(DdimContext *context);
/** Whether the device refuses even the smallest work, as it does when its driver has given up.
 * Drivers say CL_OUT_OF_RESOURCES of that, too, not only of memory. */
gboolean ddim_context_is_lost(DdimContext *context);
/** Bytes of device memory now held through this context, and the most ever held. */
guint64 ddim_context_get_device_bytes(DdimContext *context, guint64 *peak);

G_END_DECLS
