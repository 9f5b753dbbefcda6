/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/image/source.h"

#include <glib/gi18n-lib.h>
#include "core/data/error.h"
#include "core/data/image-private.h"
#include "core/data/memory.h"
#include "core/edit/picture.h"
#include "plugin/image/profile.h"

LayerRef
source_find_layer(DrawableRef drawable, GError **error)
{
  if (drawable != NO_DRAWABLE && gimp_item_is_valid(GIMP_ITEM(drawable))) {
    if (gimp_item_is_layer_mask(GIMP_ITEM(drawable)))
      return gimp_layer_from_mask(GIMP_LAYER_MASK(drawable));
    if (gimp_item_is_layer(GIMP_ITEM(drawable)))
      return GIMP_LAYER(drawable);
  }
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED, _("Choose a layer; none is active"));
  return NO_LAYER;
}

GeglRectangle
source_get_bounds(LayerRef layer)
{
  GeglRectangle bounds;

#if DDIM_GIMP_MAJOR >= 3
  gimp_drawable_get_offsets(GIMP_DRAWABLE(layer), &bounds.x, &bounds.y);
  bounds.width = gimp_drawable_get_width(GIMP_DRAWABLE(layer));
  bounds.height = gimp_drawable_get_height(GIMP_DRAWABLE(layer));
#else
  gimp_drawable_offsets(layer, &bounds.x, &bounds.y);
  bounds.width = gimp_drawable_width(layer);
  bounds.height = gimp_drawable_height(layer);
#endif
  return bounds;
}

static gboolean
is_opaque(const DdimImage *picture)
{
  const gsize n = (gsize)picture->width * picture->height;

  for (gsize i = 1; i <= n; i++)
    if (picture->pixels[i * picture->channels - 1] != 255)
      return FALSE;
  return TRUE;
}

/* What of @area lies on @layer, into @picture, which shows @area. */
static gboolean
copy_layer(ImageRef image, LayerRef layer, const GeglRectangle *area, DdimImage *picture,
           GError **error)
{
  AUTO_OBJECT(GimpColorProfile) profile = gimp_image_get_color_profile(image);
  AUTO_OBJECT(GeglBuffer) buffer = gimp_drawable_get_buffer(GIMP_DRAWABLE(layer));
  AUTO_OBJECT(GeglBuffer) srgb = NULL;
  const Babl *format = babl_format(picture->channels == 2 ? "Y'A u8" : "R'G'B'A u8");
  GeglRectangle bounds = source_get_bounds(layer), common;
  guint8 *first;

  if (!gegl_rectangle_intersect(&common, &bounds, area))
    return TRUE;
  first = picture->pixels +
          ((gsize)(common.y - area->y) * picture->width + (common.x - area->x)) * picture->channels;
  common.x -= bounds.x;
  common.y -= bounds.y;
  if (profile && !profile_is_srgb(profile)) {
    srgb = gegl_buffer_new(&common, format);
    if (!profile_convert_to_srgb(profile, buffer, &common, srgb, error))
      return FALSE;
  }
  gegl_buffer_get(srgb ? srgb : buffer, &common, 1.0, format, first,
                  (int)(picture->width * picture->channels), GEGL_ABYSS_NONE);
  return TRUE;
}

DdimImage *
source_read(ImageRef image, LayerRef layer, const GeglRectangle *area, GError **error)
{
  const gboolean gray = gimp_image_get_base_type(image) == GIMP_GRAY;
  g_autoptr(DdimImage) picture = ddim_image_new(area->width, area->height, gray ? 2 : 4, error);
  LayerRef visible = NO_LAYER;
  gboolean good;

  if (!picture)
    return NULL;
  if (layer == NO_LAYER) {
    visible = gimp_layer_new_from_visible(image, image, "DDIM");
    layer = visible;
  }
  good = copy_layer(image, layer, area, picture, error);
  if (visible != NO_LAYER)
    gimp_item_delete(GIMP_ITEM(visible));
  if (!good)
    return NULL;
  if (is_opaque(picture))
    ddim_edit_drop_alpha(picture);
  return g_steal_pointer(&picture);
}

guint8 *
source_read_selection(ImageRef image, const GeglRectangle *area, GError **error)
{
  guint8 *bytes = ddim_try_alloc((gsize)area->width * area->height, 1, error);
  AUTO_OBJECT(GeglBuffer) buffer = NULL;

  if (!bytes)
    return NULL;
  buffer = gimp_drawable_get_buffer(GIMP_DRAWABLE(gimp_image_get_selection(image)));
  gegl_buffer_get(buffer, area, 1.0, babl_format("Y u8"), bytes, GEGL_AUTO_ROWSTRIDE,
                  GEGL_ABYSS_NONE);
  return bytes;
}

char *
source_get_foreground(void)
{
  guchar rgb[3];

#if DDIM_GIMP_MAJOR >= 3
  AUTO_OBJECT(GeglColor) color = gimp_context_get_foreground();
  gegl_color_get_pixel(color, babl_format("R'G'B' u8"), rgb);
#else
  GimpRGB color;
  gimp_context_get_foreground(&color);
  gimp_rgb_get_uchar(&color, &rgb[0], &rgb[1], &rgb[2]);
#endif
  return g_strdup_printf("#%02x%02x%02x", rgb[0], rgb[1], rgb[2]);
}
