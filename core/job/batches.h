/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/job/runner.h"

G_BEGIN_DECLS

/** Makes the start of a batch's loop: fills @x [runner->n][C][H][W]. */
typedef gboolean (*DdimStartFunc)(DdimRunner *runner, float *x, gpointer user_data, GError **error);

/** Make all images of a job, batch after batch, one loop each: choose the classes, fill the start,
 * take job->steps, hand out the images.
 * @hooks  (nullable) of every loop */
gboolean ddim_batches_run(DdimRunner *runner, DdimStartFunc start, gpointer user_data,
                          const DdimSamplingHooks *hooks, GError **error);

G_END_DECLS
