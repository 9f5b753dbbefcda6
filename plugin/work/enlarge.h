/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/job/callbacks.h"
#include "plugin/work/result.h"

G_BEGIN_DECLS

/** Larger features: a picture is sampled small, then the model enlarges it, as `ddim upscale` does:
 * the enlarged picture's means are the small one's pixels. */

/** The request that enlarges @image, given to the generator as its picture "input".
 * @request  with which @image was made
 * (transfer full) */
DdimRequest *enlarge_new_request(DdimRequest *request, const WorkerImage *image, guint scale);
/** The commands that do the same. @first  that makes the small picture. (transfer full) */
char *enlarge_get_command(const char *first, DdimRequest *larger);
/** @width x @height pixels of the enlarged picture, as samples, see sizing_plan_enlarged().
 * @request  that made it */
gboolean enlarge_fit(const DdimSample *sample, DdimRequest *request, guint width, guint height,
                     float **samples, GError **error);

G_END_DECLS
