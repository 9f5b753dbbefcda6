/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** Philox4x32-10 of Salmon et al. (2011), "Parallel random numbers: as easy as 1, 2, 3": four
 * random words from a 128-bit counter (least significant word first) and a 64-bit key. */
void ddim_philox4x32(const guint32 counter[4], const guint32 key[2], guint32 out[4]);

G_END_DECLS
