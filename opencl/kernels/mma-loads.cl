/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Four activations on their way to the matrix units, which multiply halves. It stands in front of mma-ptx.cl and mma-intel.cl. What
 * is kept as half, with X_HALF, goes there as it is. Floats are rounded. */

#ifdef X_HALF
typedef ushort4 a_quad;
#define LOADA(p) vload4(0, (__global const ushort *)(p))
#define LOCAL_QUAD(v, p) vstore4(v, 0, (__local ushort *)(p))
#define PRIVATE_QUAD(v, p) vstore4(v, 0, (ushort *)(p))
#else
typedef float4 a_quad;
#define LOADA(p) vload4(0, p)
#define LOCAL_QUAD(v, p) vstore_half4_rte(v, 0, (__local half *)(p))
#define PRIVATE_QUAD(v, p) vstore_half4_rte(v, 0, (half *)(p))
#endif
