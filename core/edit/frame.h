/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

#include "opencl/ops/wrap.h"

G_BEGIN_DECLS

/** Pixels from (x, y) to before (x + width, y + height). */
typedef struct {
  guint x, y, width, height;
} DdimRect;

/** Where in a picture a model works: a part of it, with sides that the model can compute, in one
 * window or in several that overlap. Where the picture ends too early the frame reaches beyond its
 * right and lower edges.
 *
 * Along an axis where the picture is a ring and the frame takes all of it, windows reach around the
 * edge. They divide the ring evenly, so that each of them has neighbors on both sides, the last one
 * too, which closes the ring. */
typedef struct {
  DdimRect rect;       /**< in the picture */
  guint width, height; /**< of every window */
  guint unit;          /**< as DdimFrameParams has it */
  GArray *windows;     /**< DdimRect within `rect`, row by row; around a ring, beyond it */
  GArray *shares;      /**< DdimRect likewise: the part of a window that it makes */
  DdimWrap wrap;       /**< axes along which each window is a whole ring */
} DdimFrame;

typedef struct {
  guint width, height; /**< of the picture */
  DdimRect wanted;     /**< the part that changes */
  guint context;       /**< pixels around it that the model sees too */
  guint unit;          /**< sides of windows, and places but around a ring, are multiples of this */
  guint cell;          /**< around a ring, places and shares are multiples of this; 0: 1 */
  guint usual;         /**< a side that the model is used to; smaller ones are avoided */
  guint maximum;       /**< no window has a longer side, unless `unit` is longer */
  guint overlap;       /**< pixels that neighboring windows share, at least */
  DdimWrap rings;      /**< axes along which the picture is a ring */
} DdimFrameParams;

/** Set unit, usual, maximum and overlap to what suits a model.
 * @image_size  side of the images that it was trained with
 * @cell   windows begin at multiples of this too; at least 1. It divides a ring's length
 * @fixed  windows are no larger than those images */
void ddim_frame_params_suit(DdimFrameParams *params, guint image_size, guint stride, guint cell,
                            gboolean fixed);

DdimFrame *ddim_frame_new(const DdimFrameParams *params);
void ddim_frame_free(DdimFrame *frame);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimFrame, ddim_frame_free)

/** Drop the windows in whose share all of @coverage is 0, as they have nothing to make.
 * @coverage  [height][width], of the picture */
void ddim_frame_drop_idle(DdimFrame *frame, const guint8 *coverage, guint width, guint height);

/** The smallest rectangle around everything that is not 0 in @coverage [height][width]. FALSE when
 * nothing is. */
gboolean ddim_rect_around(const guint8 *coverage, guint width, guint height, DdimRect *rect);

G_END_DECLS
