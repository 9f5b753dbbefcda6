/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/data/npy.h"

G_BEGIN_DECLS

/** Arrays that a user names: noise to start from, pictures to enlarge. Errors name the file, what
 * it holds and what was expected. */

/** A .npy of float numbers, [C][H][W] or [N][C][H][W], as float32 [N][C][H][W]. */
DdimArray *ddim_samples_read_noise(const char *path, GError **error);
/** A .png, or a .npy or .npz (arr_0) of float [N][C][H][W] in [-1, 1] or of bytes [N][H][W][C]; N
 * may be missing. As float32 [N][C][H][W] with @channels channels. */
DdimArray *ddim_samples_read_images(const char *path, guint channels, GError **error);
/** @n images from @first on of a float32 [N][C][H][W] array; the only one @n times when N is 1. */
DdimArray *ddim_samples_take(const DdimArray *images, gsize first, gsize n, GError **error);

G_END_DECLS
