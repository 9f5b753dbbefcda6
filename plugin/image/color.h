/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "plugin/image/compat.h"

G_BEGIN_DECLS

/** Colors of GIMP and of an image, as "#rrggbb" of sRGB. */

/** (transfer full) */
char *color_of_foreground(void);
/** The mean over the part of @drawable that is selected, where it is not transparent; over all of
 * it when nothing is selected. (transfer full) (nullable) NULL when there is nothing. */
char *color_of_selection(ImageRef image, DrawableRef drawable);

G_END_DECLS
