/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/network/record-pool.h"

/** Record the gradient of log p(label | x) with respect to x, into ports->dx, of a classifier that
 * was recorded with a trace. Releases what the trace and the pool have kept. The gradient of each
 * module's result becomes that of what it reads, from the last module to the first. Weights have no
 * gradient, and x reaches neither the conditioning nor the table of positions. */
void ddim_record_gradient(DdimRecorder *recorder, DdimPoolRecord *pool);
