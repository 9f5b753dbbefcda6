/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/diffusion/constraint.h"
#include "core/edit/canvas.h"

G_BEGIN_DECLS

/** What is made holds to what was there, in the pixels of @window in which both are blended in the
 * end: two pictures that know nothing of each other would lose contrast by it, and what is made
 * beside them would not fit what is seen of the old one. A pixel that the canvas covers by c has
 * its old color as an estimate, with a standard deviation of 0.15 c / (1 - c) in [-1, 1]. So coarse
 * features are the old ones, and the model decides the fine ones, the earlier the more of what is
 * made shows (as the masks of Differential Diffusion do, Levin and Fried 2023, arXiv 2306.00950, by
 * thresholds). Pixels that are known, transparent or beyond the picture have no part in it.
 * (transfer full) (nullable): NULL without an error where no pixel is blended.
 * Errors: DDIM_ERROR_ARGUMENT when there is no memory. */
DdimConstraint *ddim_fading_new(const DdimCanvas *canvas, const DdimRect *window, GError **error);

G_END_DECLS
