/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** Spherical interpolation between the noise of two images (Shoemake 1985; appendix D.5 of the DDIM
 * paper): the direction goes along the great circle from @a to @b at an even speed, and the norm
 * changes evenly from that of @a to that of @b. At @place 0 and 1 it is @a and @b to the last bit.
 * @place  0 … 1
 * @out    [n], may be @a or @b
 * FALSE, with @out as it was, when the two point in opposite directions, so that there is no
 * shortest way, or when one of them is zero. */
gboolean ddim_slerp(const float *a, const float *b, gsize n, double place, float *out);

G_END_DECLS
