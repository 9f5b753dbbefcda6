/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/job/session.h"

G_BEGIN_DECLS

/** In what windows pictures are computed. Private to the job's folder. */
typedef struct {
  guint window; /**< no side of a window is longer; 0: in one piece */
  guint overlap;
  gboolean one_by_one; /**< there is no memory for several at a time */
  gboolean open; /**< the request leaves it open: where the device has no memory for one piece,
                      windows are used */
} DdimWindowChoice;

/** Choose for pictures of @width x @height, whose request leaves it open or not: in one piece up to
 * 1024x1024 pixels in area, or up to the model's own size where that is more; else windows of the
 * model's own size, which overlap by a quarter. Fills in @request's choices.
 * Errors: DDIM_ERROR_ARGUMENT for sides that the model cannot compute. */
gboolean ddim_window_choice_make(DdimWindowChoice *choice, DdimConfig *config, DdimRequest *request,
                                 guint width, guint height, GError **error);
/** Whether the machine has memory for @batch pictures that are computed in windows: for what is
 * kept of the whole picture, which no window makes smaller. Errors: DDIM_ERROR_ARGUMENT */
gboolean ddim_window_choice_check_memory(const DdimWindowChoice *choice, guint channels,
                                         guint batch, guint height, guint width, GError **error);
/** Windows after all, where the device has no memory for one piece; smaller ones, down to a quarter
 * of the model's own size, where it has none for a window. FALSE where that is not open, or where a
 * window is no smaller than the picture. */
gboolean ddim_window_choice_give_way(DdimWindowChoice *choice, DdimConfig *config,
                                     DdimRequest *request, guint width, guint height);

G_END_DECLS
