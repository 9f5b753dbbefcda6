/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/layers/pixels.h"

#include <glib/gi18n-lib.h>
#include "core/data/error.h"
#include "plugin/image/profile.h"

/* Babl's names of sRGB by number of channels. */
static const char *const formats_u8[] = {"Y' u8", "Y'A u8", "R'G'B' u8", "R'G'B'A u8"};
static const char *const formats_float[] = {"Y' float", "Y'A float", "R'G'B' float",
                                            "R'G'B'A float"};

/* The picture as interleaved pixels of sRGB. */
static GeglBuffer *
picture_to_bytes(const WorkerImage *picture, GError **error)
{
  g_autoptr(DdimImage) made = picture->picture ? NULL : worker_image_to_picture(picture, error);
  const DdimImage *image = picture->picture ? picture->picture : made;
  GeglRectangle all = {0, 0, picture->width, picture->height};
  GeglBuffer *buffer;

  if (!image)
    return NULL;
  buffer = gegl_buffer_new(&all, babl_format(formats_u8[picture->channels - 1]));
  gegl_buffer_set(buffer, &all, 0, NULL, ddim_image_get_pixels(image), GEGL_AUTO_ROWSTRIDE);
  return buffer;
}

static GeglBuffer *
picture_to_floats(const WorkerImage *picture, GError **error)
{
  gsize plane = (gsize)picture->width * picture->height;
  guint channels = picture->channels;
  g_autofree float *row = g_new(float, (gsize)picture->width *channels);
  GeglRectangle all = {0, 0, picture->width, picture->height};
  GeglBuffer *buffer = gegl_buffer_new(&all, babl_format(formats_float[channels - 1]));

  for (guint y = 0; y < picture->height; y++) {
    GeglRectangle line = {0, y, picture->width, 1};
    for (guint c = 0; c < channels; c++) {
      const float *samples = picture->samples + c * plane + (gsize)y * picture->width;
      for (guint x = 0; x < picture->width; x++)
        row[(gsize)x * channels + c] = CLAMP((samples[x] + 1) / 2, 0, 1);
    }
    gegl_buffer_set(buffer, &line, 0, NULL, row, GEGL_AUTO_ROWSTRIDE);
  }
  return buffer;
}

gboolean
pixels_fill(DrawableRef drawable, const WorkerImage *picture, GError **error)
{
  ImageRef image = gimp_item_get_image(GIMP_ITEM(drawable));
  AUTO_OBJECT(GimpColorProfile) profile = gimp_image_get_color_profile(image);
  gboolean bytes =
      gimp_image_get_precision(image) == GIMP_PRECISION_U8_NON_LINEAR && profile_is_srgb(profile);
  AUTO_OBJECT(GeglBuffer) from = NULL;
  AUTO_OBJECT(GeglBuffer) to = NULL;

  if (picture->channels < 1 || picture->channels > 4) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
                _("The model makes %u channels; GIMP takes 1 to 4"), picture->channels);
    return FALSE;
  }
  from = bytes || picture->picture ? picture_to_bytes(picture, error)
                                   : picture_to_floats(picture, error);
  if (!from)
    return FALSE;
  to = gimp_drawable_get_buffer(drawable);
  if (profile)
    return profile_convert_from_srgb(profile, from, to, error);
  gegl_buffer_copy(from, gegl_buffer_get_extent(from), GEGL_ABYSS_NONE, to,
                   gegl_buffer_get_extent(from));
  return TRUE;
}
