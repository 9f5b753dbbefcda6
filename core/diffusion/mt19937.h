/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define DDIM_MT19937_N 624

/** The Mersenne Twister of Matsumoto and Nishimura (1998), 32 bit: what PyTorch's CPU generator
 * runs on. */
typedef struct {
  guint32 state[DDIM_MT19937_N];
  guint index; /**< the next word of `state` to give out; DDIM_MT19937_N: none left */
} DdimMt19937;

void ddim_mt19937_seed(DdimMt19937 *mt, guint32 seed);
guint32 ddim_mt19937_next(DdimMt19937 *mt);
/** Two draws, the first as the high half. */
guint64 ddim_mt19937_next64(DdimMt19937 *mt);

G_END_DECLS
