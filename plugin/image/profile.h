/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <gegl.h>
#include "plugin/image/compat.h"

G_BEGIN_DECLS

/** Pixels between sRGB and the color profile of an image. */

/** Whether @profile (nullable) is sRGB. Also true for profiles that describe sRGB in another way,
 * as those in most PNG files do. */
gboolean profile_is_srgb(GimpColorProfile *profile);

/** Copy the sRGB pixels @from over the drawable's buffer @to, whose image has @profile. Both have
 * the same extent. Errors: DDIM_ERROR_UNSUPPORTED. */
gboolean profile_convert_from_srgb(GimpColorProfile *profile, GeglBuffer *from, GeglBuffer *to,
                                   GError **error);
/** Copy @area of the drawable's buffer @from, whose image has @profile, to the sRGB pixels @to,
 * whose extent is @area. Errors: DDIM_ERROR_UNSUPPORTED. */
gboolean profile_convert_to_srgb(GimpColorProfile *profile, GeglBuffer *from,
                                 const GeglRectangle *area, GeglBuffer *to, GError **error);

G_END_DECLS
