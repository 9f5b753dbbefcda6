/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/diffusion/step-table.h"

G_BEGIN_DECLS

/** Append the steps of RePaint (Lugmayr et al. 2022, arXiv 2201.09865, algorithm 1 with the jumps
 * of section 4.2; get_schedule_jump of its code): from the x of respaced index @first down to the
 * image, but every @length steps the loop jumps back by @length, @count - 1 times. That way, what
 * is corrected in x0 and what the model makes around it come to fit together. The jumps begin at
 * the indices 0, @length, 2 * @length … below @first + 1 - @length. A jump is one step that adds
 * noise, with one draw; the original takes @length steps instead, which gives the same
 * distribution.
 * @length at least 1; @count 1: none.
 * Errors: as ddim_step_table_append(). */
gboolean ddim_step_table_append_travel(DdimStepTable *table, const DdimSampleParams *params,
                                       guint first, guint length, guint count, GError **error);

G_END_DECLS
