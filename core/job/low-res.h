/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/data/samples.h"
#include "core/job/session.h"

G_BEGIN_DECLS

/** Open the small pictures that a super-resolution model enlarges: the file that @request names as
 * low-res, for @count pictures of @width x @height. It must hold one picture or @count pictures,
 * none of them larger than the result.
 * @low_res  (out) (nullable) (transfer full): NULL for any other model, whose request must name
 *           none
 * Errors: those of ddim_samples_open_images() and ddim_samples_load(); DDIM_ERROR_ARGUMENT. */
gboolean ddim_low_res_open(DdimSession *session, DdimRequest *request, gsize count, gsize height,
                           gsize width, DdimSamples **low_res, GError **error);
/** Give @evaluator the pictures @first … @first + @n - 1 of @low_res; do nothing when @low_res is
 * NULL. @n is its batch. */
gboolean ddim_low_res_set(DdimEvaluator *evaluator, DdimSamples *low_res, gsize first, gsize n,
                          GError **error);

G_END_DECLS
