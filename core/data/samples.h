/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** Pictures in a file that a user names: noise to start from, or small pictures to enlarge. Opening
 * reads only what the file says of its shape. Numbers are converted, inflated or decoded later, so
 * that the caller can judge the shape before memory is spent: a small file can hold a huge picture.
 * The images of a .npy are read from the file one at a time, unless it is in Fortran order. The
 * file stays open; one that somebody shortens meanwhile gives an error. Errors name the file, what
 * it holds and what was expected. One thread at a time. */
typedef struct _DdimSamples DdimSamples;

/** A .npy of float numbers, [C][H][W] or [N][C][H][W]. */
DdimSamples *ddim_samples_open_noise(const char *path, GError **error);
/** A .png, or a .npy or .npz (arr_0) of float [N][C][H][W] in [-1, 1] or of bytes [N][H][W][C]; N
 * may be missing. The pictures must have @channels channels; a .png is converted to that number. */
DdimSamples *ddim_samples_open_images(const char *path, guint channels, GError **error);
void ddim_samples_free(DdimSamples *samples);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimSamples, ddim_samples_free)

/** Four numbers: N, C, H, W. None is 0. */
const gsize *ddim_samples_get_shape(const DdimSamples *samples);
/** Inflate or decode the pictures now instead of at the first ddim_samples_read(), so that a broken
 * file is reported early. This takes and keeps at most 4 bytes per pixel, or the array's own
 * numbers; for a .npy in C order nothing. */
gboolean ddim_samples_load(DdimSamples *samples, GError **error);
/** Images @first … @first + @n - 1 as float32 [n][C][H][W]; when N is 1, the only image is repeated
 * @n times. A number that is not finite is DDIM_ERROR_FORMAT. */
gboolean ddim_samples_read(DdimSamples *samples, gsize first, gsize n, float *out, GError **error);

G_END_DECLS
