/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/tune/tuning.h"

/** Memory that is overwritten between runs, larger than any cache, so that no cache holds weights
 * any more, as in a network. */
DdimClBuffer *ddim_cl_cold_memory_new(DdimContext *context, GError **error);

/** Seconds that @shape takes on @context's device when computed as @choice, the best of several
 * runs; negative with @error set when it cannot be run.
 * @cold  ddim_cl_cold_memory_new()'s */
double ddim_cl_measure_conv(DdimContext *context, DdimClBuffer *cold, const DdimConvShape *shape,
                            gboolean half, DdimClChoice choice, GError **error);
