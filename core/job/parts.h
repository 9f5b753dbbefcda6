/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/job/runner.h"

G_BEGIN_DECLS

/** Compute images runner->first to runner->first + runner->n - 1, from nothing, and hand them out
 * at the end. May be called again with fewer of them when it has failed for want of memory. */
typedef gboolean (*DdimPartFunc)(DdimRunner *runner, gpointer user_data, GError **error);

/** Compute all images of the runner's job that are wanted, batch after batch. Where the device has
 * not enough memory for a batch, it is computed in parts, each with the numbers that it would have
 * in the whole; where not even one image fits, the processor takes over; and where it does not fit
 * there, windows do, and smaller ones, if the request leaves that open. Each of these is told in
 * one line.
 * @pass  draws what a batch that is left out would have drawn; NULL: that cannot be told, and
 * leaving out batches is an error unless each image has its own numbers */
gboolean ddim_parts_run(DdimRunner *runner, DdimPartFunc func, DdimPartFunc pass,
                        gpointer user_data, GError **error);
/** The same for work that is not a part of a batch, and that uses one image's memory. */
gboolean ddim_parts_run_one(DdimRunner *runner, DdimPartFunc func, gpointer user_data,
                            GError **error);

G_END_DECLS
