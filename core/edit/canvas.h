/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/data/image.h"
#include "core/edit/frame.h"

G_BEGIN_DECLS

/** The pixels of a frame while windows of it are computed: what is known of them, and what has been
 * made. Every image of a batch has its own pixels; which are known is the same in all. */
typedef struct {
  guint n, channels;
  guint height, width; /**< of the frame */
  float *samples;      /**< [n][C][height][width], in [-1, 1]; 0 beyond the picture */
  guint8 *known;       /**< [height][width]: 1 where samples are final */
  guint8 *inside;      /**< [height][width]: 1 where the frame lies on the picture */
  guint8 *coverage;    /**< [height][width]: how much of what is made shows in the end, 255 for all
                            of it, as where the picture is transparent and beyond it */
} DdimCanvas;

/** Make a canvas for @n images from the part of @image that @frame lies on.
 * @coverage  of the picture, see picture.h: neither what it covers nor what is transparent is known
 *            yet
 * Errors: DDIM_ERROR_ARGUMENT when there is no memory. */
DdimCanvas *ddim_canvas_new(const DdimFrame *frame, guint n, guint channels, const DdimImage *image,
                            const guint8 *coverage, GError **error);
void ddim_canvas_free(DdimCanvas *canvas);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimCanvas, ddim_canvas_free)

/* Windows may reach beyond the right and lower edge of the canvas: what lies there is the other
 * side.
 */

/** Copy a window out. @samples [n][C][window->height][window->width] */
void ddim_canvas_get(const DdimCanvas *canvas, const DdimRect *window, float *samples);
/** The same for a map of the canvas' size: `known`, `inside` or `coverage`. @map
 * [window->height][window->width] */
void ddim_canvas_get_map(const DdimCanvas *canvas, const guint8 *from, const DdimRect *window,
                         guint8 *map);
/** Store what was made in a window, but only in its @share of the canvas, and where pixels were not
 * known yet. They are known from then on. */
void ddim_canvas_put(DdimCanvas *canvas, const DdimRect *window, const DdimRect *share,
                     const float *samples);
/** Whether @rect has pixels of the picture that are not known yet. */
gboolean ddim_canvas_is_open(const DdimCanvas *canvas, const DdimRect *rect);

/** A copy of @image that shows image @i of the canvas where @coverage says so. Bytes are rounded to
 * the nearest, or with @truncate cut off, as the original's sampling scripts do. Other pixels keep
 * their bytes. Alpha becomes opaque as far as a pixel is covered. (transfer full) */
DdimImage *ddim_canvas_compose(const DdimCanvas *canvas, const DdimFrame *frame, guint i,
                               const DdimImage *image, const guint8 *coverage, gboolean truncate,
                               GError **error);

G_END_DECLS
