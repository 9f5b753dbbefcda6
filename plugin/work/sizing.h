/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/job/request.h"
#include "plugin/image/size.h"

G_BEGIN_DECLS

/** What a request for a picture says about sizes. Its width and height are given. */

/** How many times smaller than asked for it is sampled; 1 for a seamless picture, since the model
 * would not enlarge it seamlessly. */
guint sizing_get_scale(DdimRequest *request);
/** How it is sampled. @stride, @least  as for size_plan() */
SizePlan sizing_plan(DdimRequest *request, guint stride, guint least);

G_END_DECLS
