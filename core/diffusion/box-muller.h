/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** Pairs of standard normal numbers from pairs of uniform ones, each in the arithmetic of one of
 * the programs whose noise is reproduced. */

/** PyTorch on a CPU, 16 numbers at once: uniform numbers in [0, 1) are replaced by normal ones. The
 * results are bit for bit those of its AVX2 code (also used with AVX-512), on any machine. */
void ddim_box_muller_block16(float block[16]);

/** PyTorch on a CPU, one pair in double precision; @u1 is the angle, @u2 the radius. */
void ddim_box_muller_double(double u1, double u2, double *first, double *second);

/** cuRAND: two random words to two numbers, within 2 units in the last place of the card's. */
void ddim_box_muller_curand(guint32 x, guint32 y, float *first, float *second);

G_END_DECLS
