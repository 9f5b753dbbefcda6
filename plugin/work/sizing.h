/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/job/request.h"
#include "plugin/image/size.h"

G_BEGIN_DECLS

/** What a request for a picture says about sizes. Its width and height are given. */

/** How many times smaller than asked for it is sampled, before the model enlarges it. */
guint sizing_get_scale(DdimRequest *request);
/** How it is sampled. @stride, @least  as for size_plan() */
SizePlan sizing_plan(DdimRequest *request, guint stride, guint least);
/** How the @width x @height pixels that were asked for come out of what the model has enlarged: they
 * are its left upper part, but of a seamless picture nothing may be cut. */
SizePlan sizing_plan_enlarged(DdimRequest *request, guint width, guint height, guint made_width,
                              guint made_height);

G_END_DECLS
