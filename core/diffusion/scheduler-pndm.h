/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/diffusion/scheduler-plan.h"
#include "core/diffusion/step-table.h"

G_BEGIN_DECLS

/** How many steps of a table a PNDMScheduler takes. */
guint ddim_scheduler_pndm_count(const DdimSchedulerPlan *plan);
/** Append them. Errors: as ddim_scheduler_new_steps(). */
gboolean ddim_scheduler_append_pndm(const DdimSchedulerPlan *plan, DdimStepTable *table,
                                    GError **error);

G_END_DECLS
