/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/device/context-private.h"
#include "opencl/kernels/amx-steps.cl"

/** Steps of the persistent kernel of kernels/amx-run.cl, in the order in which they run. They hold
 * addresses of the host's memory, so the device must compute in it: ddim_cl_has_amx() says so. */
typedef struct _DdimClSteps DdimClSteps;

/** @count of them, to be set. */
DdimClSteps *ddim_cl_steps_new(DdimContext *context, guint count, GError **error);
void ddim_cl_steps_free(DdimClSteps *steps);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimClSteps, ddim_cl_steps_free)

/** Say what step @index does.
 * @args  (length n_args) as its argument structure in kernels/amx-*.cl has them */
void ddim_cl_steps_set(DdimClSteps *steps, guint index, enum AmxStep step, const gsize range[3],
                       const guint64 *args, guint n_args);

/** Enqueue steps [first, first + count), which begin when what was enqueued before has ended. */
gboolean ddim_cl_steps_enqueue(DdimClSteps *steps, guint first, guint count, GError **error);
/** How long step @index took, the last time it ran, in a unit of the processor's own. */
guint64 ddim_cl_steps_get_ticks(DdimClSteps *steps, guint index);
