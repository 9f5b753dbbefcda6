/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/image/color.h"

#include <gegl.h>
#include <math.h>

/* The longest side of what the mean is taken of: larger parts are reduced. */
#define MAX_SIDE 256

static char *
to_text(const double *rgb)
{
  guint bytes[3];

  for (guint c = 0; c < 3; c++)
    bytes[c] = (guint)lround(CLAMP(rgb[c], 0, 1) * 255);
  return g_strdup_printf("#%02x%02x%02x", bytes[0], bytes[1], bytes[2]);
}

char *
color_of_foreground(void)
{
  double rgb[3];
#if DDIM_GIMP_MAJOR >= 3
  AUTO_OBJECT(GeglColor) color = gimp_context_get_foreground();

  gegl_color_get_pixel(color, babl_format("R'G'B' double"), rgb);
#else
  GimpRGB color;

  gimp_context_get_foreground(&color);
  rgb[0] = color.r;
  rgb[1] = color.g;
  rgb[2] = color.b;
#endif
  return to_text(rgb);
}

/* The part of @buffer at @at, both in the image's coordinates, as @format. (transfer full)
 * (nullable) */
static float *
read_part(GeglBuffer *buffer, const GeglRectangle *at, double scale, const char *format,
          guint channels)
{
  GeglRectangle small = {(int)floor(at->x * scale), (int)floor(at->y * scale),
                         MAX((int)(at->width * scale), 1), MAX((int)(at->height * scale), 1)};
  float *values = g_new0(float, (gsize)small.width *small.height *channels);

  gegl_buffer_get(buffer, &small, scale, babl_format(format), values, GEGL_AUTO_ROWSTRIDE,
                  GEGL_ABYSS_NONE);
  return values;
}

/* @at  in the image; @x, @y  of the drawable in it */
static char *
mean(ImageRef image, DrawableRef drawable, const GeglRectangle *at, int x, int y)
{
  const double scale = MIN(1.0, (double)MAX_SIDE / MAX(at->width, at->height));
  const gsize n = (gsize)MAX((int)(at->width * scale), 1) * MAX((int)(at->height * scale), 1);
  AUTO_OBJECT(GeglBuffer) pixels = gimp_drawable_get_buffer(drawable);
  AUTO_OBJECT(GeglBuffer)
  selection = gimp_drawable_get_buffer(GIMP_DRAWABLE(gimp_image_get_selection(image)));
  GeglRectangle own = {at->x - x, at->y - y, at->width, at->height};
  g_autofree float *colors = read_part(pixels, &own, scale, "R'G'B'A float", 4);
  g_autofree float *masks = read_part(selection, at, scale, "Y float", 1);
  gboolean all = gimp_selection_is_empty(image);
  double sums[3] = {0}, weights = 0;

  for (gsize i = 0; i < n; i++) {
    double weight = colors[4 * i + 3] * (all ? 1 : masks[i]);
    for (guint c = 0; c < 3; c++)
      sums[c] += weight * colors[4 * i + c];
    weights += weight;
  }
  if (!(weights > 0))
    return NULL;
  for (guint c = 0; c < 3; c++)
    sums[c] /= weights;
  return to_text(sums);
}

char *
color_of_selection(ImageRef image, DrawableRef drawable)
{
  GeglRectangle selected, all, at;
  gboolean any;
  int x, y, x2, y2;

  if (image == NO_IMAGE || drawable == NO_DRAWABLE || !gimp_image_is_valid(image) ||
      !gimp_item_is_valid(GIMP_ITEM(drawable)))
    return NULL;
  gimp_selection_bounds(image, &any, &selected.x, &selected.y, &x2, &y2);
  selected.width = x2 - selected.x;
  selected.height = y2 - selected.y;
#if DDIM_GIMP_MAJOR >= 3
  gimp_drawable_get_offsets(drawable, &x, &y);
  all =
      (GeglRectangle){x, y, gimp_drawable_get_width(drawable), gimp_drawable_get_height(drawable)};
#else
  gimp_drawable_offsets(drawable, &x, &y);
  all = (GeglRectangle){x, y, gimp_drawable_width(drawable), gimp_drawable_height(drawable)};
#endif
  return gegl_rectangle_intersect(&at, &selected, &all) ? mean(image, drawable, &at, x, y) : NULL;
}
