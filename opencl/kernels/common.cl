/* SPDX-License-Identifier: LGPL-3.0-or-later
 * In front of every program. The build gives VEC (lanes of `vec`), NR (columns of a packed panel), MR (rows of the
 * micro-kernel) and ROW_LOOP (1: a work-item does a whole row of pieces, for CPUs). Activations are NHWC; every channel
 * count is a multiple of VEC. With X_HALF those that a program reads are kept as half, with Y_HALF those that it writes. Buffers come as (pointer, offset in elements): all intermediates share one arena. */

#define CONCAT_(a, b) a##b
#define CONCAT(a, b) CONCAT_(a, b)

#if VEC == 1
typedef float vec;
#define LOADV(p) (*(p))
#define STOREV(v, p) (*(p) = (v))
#define LOADV_HALF(p) vload_half(0, p)
#define STOREV_HALF(v, p) vstore_half_rte(v, 0, p)
#define TO_IVEC(v) convert_int(v)
#define AS_VEC(v) as_float(v)
#else
typedef CONCAT(float, VEC) vec;
#define LOADV(p) CONCAT(vload, VEC)(0, p)
#define STOREV(v, p) CONCAT(vstore, VEC)(v, 0, p)
#define LOADV_HALF(p) CONCAT(vload_half, VEC)(0, p)
#define STOREV_HALF(v, p) CONCAT(CONCAT(vstore_half, VEC), _rte)(v, 0, p)
#define TO_IVEC(v) CONCAT(convert_int, VEC)(v)
#define AS_VEC(v) CONCAT(as_float, VEC)(v)
#endif

#ifdef HALF_WEIGHTS
typedef half weight;
#define LOADW(p) LOADV_HALF(p)
#define STOREW(v, p) vstore_half_rte(v, 0, p)
#else
typedef float weight;
#define LOADW(p) LOADV(p)
#define STOREW(v, p) (*(p) = (v))
#endif

/* Two roundings instead of one. No kernel depends on there being only one. */
#ifdef NO_FMA
#undef fma /* a macro of PoCL's */
#define fma(a, b, c) ((a) * (b) + (c))
#endif

/* Activations, which are computed with as floats however they are kept: x is what an operation reads, y what it writes or
 * adds to. GETX and PUTY are for single numbers, LOADX4 and
 * STOREY4 for four. */
#ifdef X_HALF
typedef half x_type;
#define LOADX(p) LOADV_HALF(p)
#define GETX(p) vload_half(0, p)
#define LOADX4(p) vload_half4(0, p)
#else
typedef float x_type;
#define LOADX(p) LOADV(p)
#define GETX(p) (*(p))
#define LOADX4(p) vload4(0, p)
#endif
#ifdef Y_HALF
typedef half y_type;
#define LOADY(p) LOADV_HALF(p)
#define STOREY(v, p) STOREV_HALF(v, p)
#define PUTY(v, p) vstore_half_rte(v, 0, p)
#define STOREY4(v, p) vstore_half4_rte(v, 0, p)
#else
typedef float y_type;
#define LOADY(p) LOADV(p)
#define STOREY(v, p) STOREV(v, p)
#define PUTY(v, p) (*(p) = (v))
#define STOREY4(v, p) vstore4(v, 0, p)
#endif

/* The option WRAP says along which axes images are rings, whose ends meet: 1 for x, 2 for y, 3 for both. Without it pixels
 * outside are zeros. Only one that lies next to the image need be found. */
#ifndef WRAP
#define WRAP 0
#endif
#define AROUND(i, size) ((i) < 0 ? (i) + (int)(size) : (i) >= (int)(size) ? (i) - (int)(size) : (i))
#if WRAP & 1
#define AROUND_X(i, width) AROUND(i, width)
#else
#define AROUND_X(i, width) (i)
#endif
#if WRAP & 2
#define AROUND_Y(i, height) AROUND(i, height)
#else
#define AROUND_Y(i, height) (i)
#endif

#define UNROLL _Pragma("unroll")
#define NO_UNROLL _Pragma("unroll 1")
/* Without `static`, an inline function that the compiler does not inline would have no definition. */
#define INLINE static inline __attribute__((always_inline))

/* exp to 2 ulp: 2^n times a polynomial on [-ln2/2, ln2/2] (Cephes' expf). Vector libraries differ widely in speed here,
 * and SiLU is applied to every activation. */
inline vec exp_(vec x)
{
  x = clamp(x, (vec)(-87.0f), (vec)(88.0f));
  vec n = rint(x * 1.44269504088896341f);
  vec r = fma(n, (vec)(-0.693359375f), x);
  r = fma(n, (vec)(2.12194440e-4f), r);
  vec p = (vec)(1.9875691500e-4f);
  p = fma(p, r, (vec)(1.3981999507e-3f));
  p = fma(p, r, (vec)(8.3334519073e-3f));
  p = fma(p, r, (vec)(4.1665795894e-2f));
  p = fma(p, r, (vec)(1.6666665459e-1f));
  p = fma(p, r, (vec)(5.0000001201e-1f));
  p = fma(p, r * r, r + 1.0f);
  return p * AS_VEC((TO_IVEC(n) + 127) << 23);
}

inline vec silu(vec x)
{
  return x / (1.0f + exp_(-x));
}
