/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/edit/canvas.h"

G_BEGIN_DECLS

/** What the pixels around a hole tell of the colors in it: for each cell of a window an estimate of
 * its mean color, and how far from the truth such an estimate is.
 *
 * Where at least half of a cell is known, its mean is that of its known pixels. The means of the
 * other cells are interpolated: each is the mean of its four neighbors (Laplace's equation). How
 * far off that is, the picture itself tells: with d the mean squared difference of known cells that
 * lie side by side, and v the variance of all known cells, an estimate that is k cells away from a
 * known one has the variance min(k d, 2 v). So a smooth picture, such as one of clouds, says much
 * about a hole in it, and one of large stones little. */
typedef struct {
  guint columns, rows;
  double *mean;   /**< [n][C][rows][columns], in [-1, 1] */
  double *spread; /**< likewise: the standard deviation of the estimate; INFINITY for none */
} DdimSurroundings;

/** @cell   side of a cell
 * @wrap   axes along which @window is a whole ring
 * Errors: DDIM_ERROR_ARGUMENT when there is no memory. */
DdimSurroundings *ddim_surroundings_new(const DdimCanvas *canvas, const DdimRect *window,
                                        guint cell, DdimWrap wrap, GError **error);
void ddim_surroundings_free(DdimSurroundings *surroundings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimSurroundings, ddim_surroundings_free)

G_END_DECLS
