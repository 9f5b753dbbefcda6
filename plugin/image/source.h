/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <gegl.h>
#include "core/data/image.h"
#include "plugin/image/compat.h"

G_BEGIN_DECLS

/** The layer that @drawable is, or whose mask it is. DDIM_ERROR_UNSUPPORTED for another drawable,
 * or none. */
LayerRef source_find_layer(DrawableRef drawable, GError **error);
/** Where @layer lies in its image. */
GeglRectangle source_get_bounds(LayerRef layer);

/** The pixels of a part of an image as 8-bit sRGB: gray when the image is gray, and with alpha when
 * something in it is not opaque. Beyond the layer everything is transparent.
 * @layer  NO_LAYER: what is visible
 * @area   in the image's coordinates
 * (transfer full) Errors: DDIM_ERROR_ARGUMENT when there is no memory, DDIM_ERROR_UNSUPPORTED for a
 * color profile that cannot be converted. */
DdimImage *source_read(ImageRef image, LayerRef layer, const GeglRectangle *area, GError **error);

/** The selection in @area as bytes, 255 where a pixel is selected, 0 where it is not. (transfer
 * full) */
guint8 *source_read_selection(ImageRef image, const GeglRectangle *area, GError **error);

/** GIMP's foreground color as "#rrggbb", sRGB. (transfer full) */
char *source_get_foreground(void);

G_END_DECLS
