/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/diffusion/step-table.h"

/** Append a sampler's steps from @first to @last to a test's table, with clipped predictions. */
static inline void
append_steps(DdimStepTable *table, DdimSampler sampler, double eta, guint first, guint last)
{
  const DdimSampleParams params = {.sampler = sampler, .eta = eta, .clip = TRUE};
  g_autoptr(GError) error = NULL;

  ddim_step_table_append(table, &params, first, last, &error);
  g_assert_no_error(error);
}
