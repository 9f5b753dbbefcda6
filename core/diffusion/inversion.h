/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/diffusion/step-table.h"

G_BEGIN_DECLS

/** Append the steps from an image to the noise that DDIM without noise (eta 0) makes it from: what
 * `ddim_step_table_new_loop()` with eta 0 and the same @clip takes back to the image. The x that
 * they end with has the level of the last respaced index.
 *
 * Each step solves for the x_t that DDIM turns into the x_{t-1} that is there. With e(x_t) the eps
 * that belongs to the predicted, clipped x0,
 *
 *   x_t = sqrt(abar_t / abar_{t-1}) (x_{t-1} - sqrt(1 - abar_{t-1}) e(x_t)) + sqrt(1 - abar_t)
 * e(x_t)
 *
 * is iterated from x_t = x_{t-1} on, with @evaluations of the model, at least 1 (as Pan et al.
 * 2023, arXiv 2309.04907, do). The original's ddim_reverse_sample, which is DDIM_SAMPLER_REVERSE,
 * takes e(x_{t-1}) at t-1 in its place, once, and does not come closer than some hundredths however
 * many steps there are. Errors: as ddim_step_table_append_step(). */
gboolean ddim_step_table_append_inversion(DdimStepTable *table, const DdimDiffusion *diffusion,
                                          gboolean clip, guint evaluations, GError **error);

G_END_DECLS
