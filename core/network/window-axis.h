/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/ops/windows.h"

G_BEGIN_DECLS

/** How windows are to lie along one axis of a picture. */
typedef struct {
  guint length;     /**< pixels of the picture, a multiple of `unit` */
  guint window;     /**< pixels of a window at most, a multiple of `unit` */
  guint overlap;    /**< pixels that neighbors share, at least, unless a window is no longer than
                       `unit`; at most half a window */
  guint unit;       /**< places are multiples of this */
  gboolean wrap;    /**< the picture's end is followed by its beginning */
  gboolean shifted; /**< by half the distance of two windows, see below */
} DdimWindowAxisParams;

/** Windows along one axis: as few as are needed, at distances as even as `unit` allows. Where the
 * picture is no longer than a window there is one, of the picture's length. Between two neighbors
 * weights go over from one to the other in a straight line, in the middle of what they share, over
 * `overlap` pixels, or fewer where windows lie so near to each other that three would meet.
 *
 * Shifted windows begin halfway between those that are not shifted, rounded down to `unit`. Where
 * the picture has ends, its first and its last window stay, so there is one window more. Nothing is
 * shifted where two windows are less than two units apart. */
typedef struct {
  DdimClWindowAxis view; /**< what all members are read from */
  guint *places;
  float *weights;
} DdimWindowAxis;

DdimWindowAxis *ddim_window_axis_new(const DdimWindowAxisParams *params);
void ddim_window_axis_free(DdimWindowAxis *axis);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimWindowAxis, ddim_window_axis_free)

G_END_DECLS
