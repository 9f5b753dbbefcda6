/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/plan/plan.h"

/** Where windows lie along one axis of a picture, and how much each counts. */
typedef struct {
  guint length;        /**< pixels of the picture */
  guint window;        /**< pixels of a window; one that reaches beyond the picture's end goes on at
                          its beginning */
  guint n;             /**< how many windows */
  const guint *places; /**< [n] where they begin */
  const float
      *weights; /**< [n][window]; a pixel's sum over all windows is 1, with two terms at most
                 */
} DdimClWindowAxis;

/** Windows of a picture on a device: cutting them out of it, and the weighted sum of what was
 * computed in them. Sums do not depend, to the last bit, on the order of the windows of a row, nor
 * on that of the rows. Functions enqueue and do not wait. */
typedef struct _DdimClWindows DdimClWindows;

/** Windows will be needed soon: begin to build their program. */
void ddim_cl_windows_announce(DdimContext *context);
/** @plan      sealed; for its context
 * @channels  of what is summed
 * Copies the axes. Errors: DDIM_CL_ERROR_*. */
DdimClWindows *ddim_cl_windows_new(DdimClPlan *plan, const DdimClWindowAxis *columns,
                                   const DdimClWindowAxis *rows, guint channels, GError **error);
void ddim_cl_windows_free(DdimClWindows *windows);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimClWindows, ddim_cl_windows_free)

/** Some windows side by side. */
typedef struct {
  guint row, first, n;
} DdimClWindowBatch;

/** @to [n][channels][window height][window width] = the batch's windows of @from
 * [channels][height][width]. */
gboolean ddim_cl_windows_gather(DdimClWindows *windows, const DdimClWindowBatch *batch,
                                DdimClMem from, guint channels, DdimClMem to, GError **error);
/** @sum += @map * @y. The first time, @sum counts as 0 before.
 * @map  bytes [height][width] of the picture, 255 for 1
 * @sum  a tensor of the windows' size, dense, with the channels that are summed */
gboolean ddim_cl_windows_mix(DdimClWindows *windows, const DdimClWindowBatch *batch,
                             const DdimClBuffer *map, const DdimClTensor *y, gboolean is_first,
                             const DdimClTensor *sum, GError **error);
/** Begin the sum of a row of windows. */
gboolean ddim_cl_windows_begin_row(DdimClWindows *windows, GError **error);
/** Add what was computed in windows of the row. @y  its first channels are summed */
gboolean ddim_cl_windows_add(DdimClWindows *windows, const DdimClWindowBatch *batch,
                             const DdimClTensor *y, GError **error);
/** Add the row to the picture. @output [height][width][channels] */
gboolean ddim_cl_windows_end_row(DdimClWindows *windows, guint row, DdimClMem output,
                                 GError **error);
/** Set @count floats to 0. */
gboolean ddim_cl_windows_clear(DdimClWindows *windows, DdimClMem mem, gsize count, GError **error);
