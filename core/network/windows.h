/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/network/evaluator-cache.h"

G_BEGIN_DECLS

/** A class that has a part of the picture. */
typedef struct {
  const DdimClassMix *mix;
  const guint8 *map; /**< [height][width]: how much of each pixel it has, 255 for all of it; of all
                          regions together 255 */
} DdimWindowRegion;

typedef struct {
  guint batch, height, width; /**< of the pictures, any size that is a multiple of the stride */
  guint window;               /**< no side of a window is longer; a multiple of the stride */
  guint overlap;              /**< pixels that neighbors share, at least; at most window / 2 */
  DdimWrap wrap; /**< axes along which the picture's end is followed by its beginning */
  const DdimWindowRegion *regions; /**< (nullable) in place of labels; maps are copied */
  guint n_regions;
  /** (nullable) Called between batches of windows, when what was begun is done. @fraction  of the
   * evaluation. FALSE with @error set stops it. */
  gboolean (*progress)(double fraction, gpointer data, GError **error);
  gpointer progress_data;
  gboolean one_by_one; /**< one window at a time, which takes less memory */
  gboolean backwards;  /**< for tests: compute the windows in the opposite order */
} DdimWindowsParams;

/** An evaluator of pictures that are larger than what is computed at once. Its output at a pixel is
 * the weighted mean of the outputs in the windows that the pixel lies in; weights are those of
 * core/network/window-axis.h, one axis times the other. A step that is linear in the output then
 * does what MultiDiffusion does, where each window takes the step by itself and the results are
 * averaged (Bar-Tal et al. 2023, arXiv 2302.08113, eq. 5).
 *
 * Averaging softens what it averages, and windows that never change keep their own colors. So
 * windows lie in one of two ways, in turn: of the different timesteps that conditions are set for,
 * counted from the least, the first, third, fifth … have windows as they come, the others have them
 * shifted by half of their distance (as SpotDiffusion does, Frolov et al. 2024, arXiv 2407.15507,
 * by random distances and without averaging). A timestep always has the same windows, so that steps
 * can be taken back. With regions, the network is evaluated for each class that a window has a part
 * of, and the outputs are weighted by the maps.
 *
 * To the last bit the output does not depend on the order of the windows. On the device it takes
 * one array of the picture's size, the maps, one row of windows, and what evaluators of windows
 * take, which come from @cache and are several windows of a row at a time.
 * Errors: as ddim_evaluator_new(). */
DdimEvaluator *ddim_windows_new(DdimNetwork *network, DdimEvaluatorCache *cache,
                                const DdimWindowsParams *params,
                                const DdimNetworkParams *network_params, GError **error);

G_END_DECLS
