/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Vectors over a head's channels, which need not be a multiple of VEC: the widest that divides them. In front of the programs
 * of attention. Option: CH, the head's channels; CB blocks of LANES numbers are that many. */

#if CH % VEC == 0
#define LANES VEC
#elif CH % 8 == 0
#define LANES 8
#elif CH % 4 == 0
#define LANES 4
#else
#define LANES 1
#endif
#define CB (CH / LANES)

/* LOADL reads and STOREL writes activations; KEEPL writes floats. */
#if LANES == 1
typedef float lanes;
#define LOADL(p) GETX(p)
#define STOREL(v, p) PUTY(v, p)
#define KEEPL(v, p) (*(p) = (v))
#else
typedef CONCAT(float, LANES) lanes;
#define KEEPL(v, p) CONCAT(vstore, LANES)(v, 0, p)
#ifdef X_HALF
#define LOADL(p) CONCAT(vload_half, LANES)(0, p)
#else
#define LOADL(p) CONCAT(vload, LANES)(0, p)
#endif
#ifdef Y_HALF
#define STOREL(v, p) CONCAT(CONCAT(vstore_half, LANES), _rte)(v, 0, p)
#else
#define STOREL(v, p) CONCAT(vstore, LANES)(v, 0, p)
#endif
#endif
