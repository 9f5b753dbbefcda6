/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/choice.h"

/** Seconds that @shape takes on @context's device when computed as @choice, the best of several
 * runs, every run with weights that no cache holds any more, as in a network; negative with @error
 * set when it cannot be run. */
double ddim_cl_measure_conv(DdimContext *context, const DdimConvShape *shape, gboolean half,
                            DdimClChoice choice, GError **error);
