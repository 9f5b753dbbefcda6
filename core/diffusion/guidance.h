/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/diffusion/diffusion.h"

G_BEGIN_DECLS

/** Guidance by the gradient of log p(y | x_t) with respect to x_t, as guided-diffusion's
 * GaussianDiffusion has it (Dhariwal and Nichol 2021, arXiv 2105.05233, algorithms 1 and 2). */

/** condition_score, for DDIM and every step that follows x0: eps' = eps - sqrt(1 - abar) *
 * gradient. In terms of x0 that is x0' = x0 + factor * gradient with factor = (1 - abar) /
 * sqrt(abar), which is returned. x0' is not clipped again. */
double ddim_guidance_get_x0_factor(const DdimDiffusion *diffusion, guint t);

/** condition_mean, for DDPM: mean' = mean + variance * gradient, with the variance of
 * p_mean_variance, also at t = 0 where no noise is added. Turns @gradient into that addend.
 * @output    the model's output, [n][2][plane] where it has variances; else it is not read and may
 *            be NULL
 * @gradient  [n][plane] */
void ddim_guidance_make_shift(const DdimDiffusion *diffusion, guint t, gsize n, gsize plane,
                              const double *output, double *gradient);
/** Whether ddim_guidance_make_shift() reads the output. */
gboolean ddim_guidance_reads_output(const DdimDiffusion *diffusion);

G_END_DECLS
