/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/diffusion/step-table.h"

G_BEGIN_DECLS

/** Append the steps that go from an image to the noise from which DDIM with eta 0 makes this image:
 * `ddim_step_table_new_loop()` with eta 0 and the same @clip leads back to the image. The steps end
 * with an x that has the noise level of the last respaced index.
 *
 * Each step solves for the x_t that DDIM turns into the given x_{t-1}. With e(x_t) the eps that
 * belongs to the predicted, clipped x0,
 *
 *   x_t = sqrt(abar_t / abar_{t-1}) (x_{t-1} - sqrt(1 - abar_{t-1}) e(x_t)) + sqrt(1 - abar_t)
 * e(x_t)
 *
 * is iterated from x_t = x_{t-1} on, with @evaluations of the model, at least 1 (as Pan et al.
 * 2023, arXiv 2309.04907, do). The original's ddim_reverse_sample, which is DDIM_SAMPLER_REVERSE,
 * uses e(x_{t-1}) at t-1 instead, once, and its error stays at some hundredths however many steps
 * there are. Errors: as ddim_step_table_append_step(). */
gboolean ddim_step_table_append_inversion(DdimStepTable *table, const DdimDiffusion *diffusion,
                                          gboolean clip, guint evaluations, GError **error);

G_END_DECLS
