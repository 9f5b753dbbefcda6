/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/diffusion/step.h"

G_BEGIN_DECLS

/** The evaluations of one sampler from one respaced index to another, with the history that grows
 * on the way. */
typedef struct _DdimSamplerRun DdimSamplerRun;

/** @params is copied; @diffusion outlives the run. @first >= @last, but for DDIM_SAMPLER_REVERSE
 * @first <= @last. DDIM_ERROR_ARGUMENT: an unknown sampler, no memory. (transfer full) */
DdimSamplerRun *ddim_sampler_run_new(const DdimDiffusion *diffusion, const DdimSampleParams *params,
                                     guint first, guint last, GError **error);
void ddim_sampler_run_free(DdimSamplerRun *run);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimSamplerRun, ddim_sampler_run_free)

/** How many evaluations it has. */
guint ddim_sampler_run_get_count(const DdimSamplerRun *run);
/** Evaluation number @index: the respaced index @t at which the model is evaluated, and the step.
 * DDIM_ERROR_ARGUMENT for an eta out of range.
 *
 * With alpha, sigma and lambda as at ddim_diffusion_dpmpp_step(), a prime for those of t - 1:
 *
 * SDE-DPM-Solver++(2M): ddim_solver_dpm_step(); UniPC of order 2: ddim_solver_unipc_step(). Both
 * are of order 1 where DPM-Solver++(2M) is, in the steps at t = 1 and t = 0. PLMS: DDIM's step with
 * eta 0 and a mean of the last four eps in the place of eps (equation 12), in the first three steps
 * of fewer (Adams-Bashforth's formulas of order 1 to 3). Heun's method, in x / alpha over sigma /
 * alpha: DDIM's step with eta 0 to x', an evaluation there, then x' + alpha' (sigma alpha' /
 * (sigma' alpha) - 1) / 2 * (x0(x') - x0(x)). The step to the image, at t = 0, has no second part.
 */
gboolean ddim_sampler_run_get_step(const DdimSamplerRun *run, guint index, guint *t, DdimStep *step,
                                   GError **error);

/** The step of @params' sampler at @t, with its eta and clip, when no step was taken before it.
 * DDIM_ERROR_ARGUMENT for an eta out of range and for an unknown sampler. */
gboolean ddim_diffusion_get_step(const DdimDiffusion *diffusion, const DdimSampleParams *params,
                                 guint t, DdimStep *step, GError **error);

G_END_DECLS
