/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/diffusion/scheduler-plan.h"
#include "core/diffusion/step-table.h"

G_BEGIN_DECLS

/** The steps that diffusers' scheduler takes, with its scalars in float32, in the order in which it
 * takes them, and with a draw of noise where it draws.
 * Source: diffusers 0.42, schedulers/scheduling_{ddim,ddpm,pndm,dpmsolver_multistep,
 * unipc_multistep}.py, each set_timesteps() and step().
 * Errors: DDIM_ERROR_ARGUMENT for a number of steps that the scheduler cannot take, an eta out of
 * range, no memory. */
DdimStepTable *ddim_scheduler_new_steps(const DdimScheduler *scheduler, const DdimSchedulerRun *run,
                                        GError **error);

G_END_DECLS
