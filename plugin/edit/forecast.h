/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "plugin/edit/input.h"

G_BEGIN_DECLS

/** What a run will do. */
typedef struct {
  guint n_images;
  guint width, height;               /**< of what is made */
  guint n_windows;                   /**< of an image */
  guint window_width, window_height; /**< what the model computes at once */
  guint n_steps;                     /**< of a window; 0: not known */
} EditForecast;

/** @image_size, @stride  of the model */
EditForecast edit_forecast_new(const EditInput *input, guint image_size, guint stride);
/** One sentence.
 * @seconds  that it will take; 0 when that is not known
 * (transfer full) */
char *edit_forecast_describe(const EditForecast *forecast, double seconds);
/** Proportional to the time. */
double edit_forecast_get_work(const EditForecast *forecast);

G_END_DECLS
