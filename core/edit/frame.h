/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** Pixels from (x, y) to before (x + width, y + height). */
typedef struct {
  guint x, y, width, height;
} DdimRect;

/** Where in a picture a model works: a part of it, with sides that the model can compute, in one
 * window or in several that overlap. Where the picture ends too early the frame reaches beyond its
 * right and lower edges. */
typedef struct {
  DdimRect rect;       /**< in the picture */
  guint width, height; /**< of every window */
  GArray *windows;     /**< DdimRect within `rect`, row by row */
} DdimFrame;

typedef struct {
  guint width, height; /**< of the picture */
  DdimRect wanted;     /**< the part that changes */
  guint context;       /**< pixels around it that the model sees too */
  guint unit;          /**< sides and places of windows are multiples of this */
  guint usual;         /**< a side that the model is used to; smaller ones are avoided */
  guint maximum;       /**< no window has a longer side, unless `unit` is longer */
  guint overlap;       /**< pixels that neighboring windows share, at least */
} DdimFrameParams;

DdimFrame *ddim_frame_new(const DdimFrameParams *params);
void ddim_frame_free(DdimFrame *frame);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimFrame, ddim_frame_free)

/** The smallest rectangle around everything that is not 0 in @coverage [height][width]. FALSE when
 * nothing is. */
gboolean ddim_rect_around(const guint8 *coverage, guint width, guint height, DdimRect *rect);

G_END_DECLS
