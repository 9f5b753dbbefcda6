/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "plugin/image/compat.h"
#include "plugin/work/worker.h"

G_BEGIN_DECLS

/** Write @picture, which is sRGB, over the whole of @drawable, which is as large, in the image's
 * own mode, precision and color profile. In an 8-bit image whose profile is sRGB the bytes are
 * those of the PNG that the command writes; other images get the unrounded samples. */
gboolean pixels_fill(DrawableRef drawable, const WorkerImage *picture, GError **error);

G_END_DECLS
