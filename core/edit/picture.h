/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/data/image.h"
#include "core/edit/frame.h"

G_BEGIN_DECLS

/** Pictures that are edited, and which of their pixels change. Errors are DDIM_ERROR_ARGUMENT or
 * DDIM_ERROR_FORMAT, name the file and say what to do. */

/** Read a .png for editing. Samples of 16 bits are rounded to 8. Pictures of a CMYK profile are
 * refused, because their numbers are no colors of a screen.
 * @option  how messages call it: "input" */
DdimImage *ddim_edit_open_picture(const char *path, const char *option, GError **error);
/** Convert @image to the channels that a picture made by a model of @channels channels has: with or
 * without colors, like the model, and with alpha if @image has it. (transfer full) */
DdimImage *ddim_edit_convert(const DdimImage *image, guint channels, GError **error);

/** Take the alpha channel away, if @image has one; colors stay as they are. */
void ddim_edit_drop_alpha(DdimImage *image);

/** Move @image by (@dx, @dy) pixels to the right and down. What leaves it comes back on the other
 * side. (transfer full) */
DdimImage *ddim_edit_roll(const DdimImage *image, guint dx, guint dy, GError **error);

/* Coverage: [height][width], 255 where a pixel is made anew, 0 where it stays, and in between where
 * old and new are blended. (transfer full) */

/** Coverage from the gray values of @mask, for a picture of @width x @height. Transparent parts of
 * it cover nothing.
 * @path  how messages call it */
guint8 *ddim_edit_mask_from_picture(const DdimImage *mask, const char *path, guint width,
                                    guint height, GError **error);
/** Coverage of a box, "X,Y,W,H", in a picture of @width x @height. */
guint8 *ddim_edit_mask_from_box(const char *box, guint width, guint height, GError **error);
/** Coverage of what is transparent in @image. NULL without an error when it has no alpha or is
 * opaque everywhere. */
guint8 *ddim_edit_mask_from_alpha(const DdimImage *image, GError **error);
/** Coverage of @n pixels on both sides of the lines in the middle of the picture that are parallel
 * to its edges: the upright one for x, the level one for y. */
guint8 *ddim_edit_mask_from_seams(guint width, guint height, DdimWrap axes, guint n,
                                  GError **error);
/** Spread @coverage by @feather pixels, over which it falls off evenly. FALSE when there is no
 * memory. */
gboolean ddim_edit_feather(guint8 *coverage, guint width, guint height, guint feather,
                           GError **error);

/** Read a color as [3] in [-1, 1]. @text is "#rrggbb", "rrggbb" or "#rgb", or the name of a .png,
 * whose mean color is taken. */
gboolean ddim_edit_parse_color(const char *text, double *color, GError **error);

G_END_DECLS
