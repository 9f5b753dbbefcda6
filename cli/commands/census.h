/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/checkpoint/checkpoint-tensors.h"

G_BEGIN_DECLS

/** Parameters of a state dict, and how many of them are stored in each format. */
typedef struct {
  guint64 parameters;
  guint64 by_dtype[DDIM_N_DTYPES];
} DdimCensus;

void ddim_census_take(DdimCheckpoint *checkpoint, DdimCensus *census);
/** Whether all weights are stored in half precision. */
gboolean ddim_census_is_half(const DdimCensus *census);
/** The most by which `--precision f16` changes an evaluation's output, where outputs are of the
 * order of 1. Measured with the test models, see tests/bench/RESULTS.md. */
double ddim_census_half_error(const DdimCensus *census);

G_END_DECLS
