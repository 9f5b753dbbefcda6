/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/image/profile.h"

#include <glib/gi18n-lib.h>
#include "core/data/error.h"

#define INTENT GIMP_COLOR_RENDERING_INTENT_RELATIVE_COLORIMETRIC

gboolean
profile_is_srgb(GimpColorProfile *profile)
{
  return !profile || gimp_color_profile_get_space(profile, INTENT, NULL) == babl_space("sRGB");
}

/* Babl's own description of the profile. NULL where the profile is more than primaries and curves.
 * Depending on its version, libgimp gives the drawable's buffer this space or none. */
static const Babl *
give_space(GimpColorProfile *profile, GeglBuffer *buffer)
{
  const Babl *space = gimp_color_profile_get_space(profile, INTENT, NULL);
  const char *encoding = babl_format_get_encoding(gegl_buffer_get_format(buffer));

  if (space)
    gegl_buffer_set_format(buffer, babl_format_with_space(encoding, space));
  return space;
}

/* By LittleCMS. */
static gboolean
transform(GimpColorProfile *from_profile, GeglBuffer *from, GimpColorProfile *to_profile,
          GeglBuffer *to, const GeglRectangle *area, GError **error)
{
  AUTO_OBJECT(GimpColorTransform)
  made = gimp_color_transform_new(from_profile, gegl_buffer_get_format(from), to_profile,
                                  gegl_buffer_get_format(to), INTENT,
                                  GIMP_COLOR_TRANSFORM_FLAGS_BLACK_POINT_COMPENSATION);

  if (!made) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
                _("No conversion from the color profile “%s” to “%s”"),
                gimp_color_profile_get_label(from_profile),
                gimp_color_profile_get_label(to_profile));
    return FALSE;
  }
  gimp_color_transform_process_buffer(made, from, area, to, area);
  return TRUE;
}

gboolean
profile_convert_from_srgb(GimpColorProfile *profile, GeglBuffer *from, GeglBuffer *to,
                          GError **error)
{
  AUTO_OBJECT(GimpColorProfile) srgb = gimp_color_profile_new_rgb_srgb();
  const GeglRectangle *all = gegl_buffer_get_extent(from);

  if (!give_space(profile, to))
    return transform(srgb, from, profile, to, all, error);
  gegl_buffer_copy(from, all, GEGL_ABYSS_NONE, to, all);
  return TRUE;
}

gboolean
profile_convert_to_srgb(GimpColorProfile *profile, GeglBuffer *from, const GeglRectangle *area,
                        GeglBuffer *to, GError **error)
{
  AUTO_OBJECT(GimpColorProfile) srgb = gimp_color_profile_new_rgb_srgb();

  if (!give_space(profile, from))
    return transform(profile, from, srgb, to, area, error);
  gegl_buffer_copy(from, area, GEGL_ABYSS_NONE, to, area);
  return TRUE;
}
