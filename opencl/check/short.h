/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/plan/plan.h"

/** The short form of a check: what a plan uses, with small numbers, by kernels that are built for
 * the plan already. Each kind of use is checked once for a device, its driver, its kernels' shape
 * and these kernels' sources. What was found is remembered in $XDG_CACHE_HOME/ddim. */

/** Know what was found before, so that ways that are wrong are not chosen. Before anything is
 * chosen for @context; does nothing the second time. */
void ddim_check_begin(DdimContext *context);
/** Check what sealed @plan uses and was not checked yet. FALSE when a way is wrong that was
 * trusted: it is not trusted any more, and the plan should be recorded again, with others chosen.
 */
gboolean ddim_check_plan(DdimClPlan *plan);
/** One line that says which ways are wrong on this device, to be shown to the user; NULL when there
 * are none, and when the line was taken before. (transfer full) (nullable) */
char *ddim_check_take_problem(DdimContext *context);
