/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/diffusion/step.h"
#include "core/diffusion/sampling.h"
#include "core/network/evaluator.h"

G_BEGIN_DECLS

/** What a sampling loop carries from step to step, on the device: the noisy images x, and the last
 * prediction of the clean ones, x0. An evaluator reads x, and its output moves x one step on.
 * Planar, [batch][C][H][W]. Keeps references to the evaluator that moved it last and its network.
 * One thread at a time. */
typedef struct _DdimSamplerState DdimSamplerState;

/** Memory for the images of @evaluator's size, on its device. Errors: DDIM_CL_ERROR_MEMORY. */
DdimSamplerState *ddim_sampler_state_new(DdimEvaluator *evaluator, GError **error);
void ddim_sampler_state_free(DdimSamplerState *state);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimSamplerState, ddim_sampler_state_free)

/** Values of x: batch * C * H * W. */
gsize ddim_sampler_state_get_count(const DdimSamplerState *state);
/** Have memory for @n arrays of what steps keep, see DdimStep; at most DDIM_STEP_RING. What
 * steps have kept before is lost. Errors: DDIM_CL_ERROR_MEMORY. */
gboolean ddim_sampler_state_reserve_history(DdimSamplerState *state, guint n, GError **error);

/** @x, @x0 [batch][C][H][W] */
gboolean ddim_sampler_state_set_x(DdimSamplerState *state, const float *x, GError **error);
gboolean ddim_sampler_state_set_x0(DdimSamplerState *state, const float *x0, GError **error);

/* These enqueue and do not wait. @evaluator has the state's batch and size. @noise is
 * [batch][C][H][W], standard normal, copied before return, and may be NULL where the step uses
 * none. @slots are places among the arrays that were reserved. */

/** @evaluator's evaluation of x at @step of its conditions. */
gboolean ddim_sampler_state_evaluate(DdimSamplerState *state, DdimEvaluator *evaluator, guint step,
                                     GError **error);
/** x, x0 = step(x, @evaluator's output, noise), see DdimStep. */
gboolean ddim_sampler_state_update(DdimSamplerState *state, DdimEvaluator *evaluator,
                                   const DdimStep *step, const DdimHistorySlots *slots,
                                   const float *noise, GError **error);
/** The first part of an update: x0. */
gboolean ddim_sampler_state_predict(DdimSamplerState *state, DdimEvaluator *evaluator,
                                    const DdimStep *step, GError **error);
/** The rest of an update, with the x0 that is there: x and what is kept. */
gboolean ddim_sampler_state_advance(DdimSamplerState *state, DdimEvaluator *evaluator,
                                    const DdimStep *step, const DdimHistorySlots *slots,
                                    const float *noise, GError **error);
/** x = next_x * x + sigma * noise. */
gboolean ddim_sampler_state_renoise(DdimSamplerState *state, DdimEvaluator *evaluator,
                                    const DdimStep *step, const float *noise, GError **error);

/** Count steps, renoising included, anew from 0. A loop with one evaluator begins with this. */
gboolean ddim_sampler_state_watch(DdimSamplerState *state, GError **error);
/** Wait, then set @step to the first step that made x infinite or not a number. If none did, it is
 * how many steps were taken. */
gboolean ddim_sampler_state_find_broken(DdimSamplerState *state, guint *step, GError **error);

/** Wait, then read. @x, @x0 [batch][C][H][W] */
gboolean ddim_sampler_state_get_x(DdimSamplerState *state, float *x, GError **error);
gboolean ddim_sampler_state_get_x0(DdimSamplerState *state, float *x0, GError **error);

G_END_DECLS
