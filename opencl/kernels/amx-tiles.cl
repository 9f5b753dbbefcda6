/* SPDX-License-Identifier: LGPL-3.0-or-later
 * What all programs for the matrix units of x86 processors (AMX) share. It follows amx-sizes.cl. The units multiply tiles of bfloat16
 * and add in float32.
 *
 * A float32 value a is split into a bfloat16 ah and the rest, al = a - ah, which is rounded to bfloat16 as well. Together they have 16
 * bits of significand. Of the four products of two such pairs the smallest, al bl, is left out. The other three take a fifth of the
 * time that the units for float32 take. A product errs by 2^-18 of itself on average, less than float32 loses where it sums thousands.
 *
 * Operations are functions with an argument structure of 64-bit words. The one kernel, of amx-run.cl, calls them item by item.
 *
 * Layouts, as bfloat16. In a left factor 32 values of a row are hi[16][2], lo[16][2], which is AMX_POSITION bytes. In a right factor
 * 32 x 32 values are [lo, hi][16 columns of 32][16][16 columns][2], which is AMX_BLOCK_BYTES. A pair is the depths i and i + 16 of 32. */

#ifndef __x86_64__
#error "the matrix units of x86 processors"
#endif

/* 16 lanes at any address, as one instruction: some drivers' vload16() and vstore16() are several. */
typedef float any16 __attribute__((ext_vector_type(16), aligned(4)));
typedef uint any16u __attribute__((ext_vector_type(16), aligned(4)));
#define OVERLOAD INLINE __attribute__((overloadable))
OVERLOAD float16 get16(uint i, __global const float *p) { return ((__global const any16 *)p)[i]; }
OVERLOAD float16 get16(uint i, const float *p) { return ((const any16 *)p)[i]; }
OVERLOAD void put16(float16 v, uint i, __global float *p) { ((__global any16 *)p)[i] = v; }
OVERLOAD void put16(float16 v, uint i, float *p) { ((any16 *)p)[i] = v; }
OVERLOAD void put16(uint16 v, uint i, __global uint *p) { ((__global any16u *)p)[i] = v; }
OVERLOAD void put16(uint16 v, uint i, uint *p) { ((any16u *)p)[i] = v; }

/* Activations. They are kept as float, or, in a program with the option HALF_ACTIVATIONS, as half where a tensor says so. */
#ifdef HALF_ACTIVATIONS
#define IS_HALF(x) ((x).half_ != 0)
#else
#define IS_HALF(x) false
#endif

/* As an operation is given them: ld elements from pixel to pixel. at: 0 where there are none. */
typedef struct {
  ulong at, ld, half_;
} Tensor;

/* Some of a tensor, from one number on. */
typedef struct {
  ulong at;
  bool half_;
} Numbers;

INLINE Numbers skip(Numbers x, ulong count)
{
  x.at += count * (IS_HALF(x) ? sizeof(short) : sizeof(float));
  return x;
}

INLINE Numbers find(const Tensor *x, ulong pixel, ulong channel)
{
  return skip((Numbers){x->at, x->half_ != 0}, pixel * x->ld + channel);
}

OVERLOAD float16 get16(uint i, Numbers x)
{
  if (IS_HALF(x))
    return vload_half16(i, (__global const half *)x.at);
  return get16(i, (__global const float *)x.at);
}

OVERLOAD void put16(float16 v, uint i, Numbers x)
{
  if (IS_HALF(x))
    vstore_half16_rte(v, i, (__global half *)x.at);
  else
    put16(v, i, (__global float *)x.at);
}

INLINE float get1(uint i, Numbers x)
{
  return IS_HALF(x) ? vload_half(i, (__global const half *)x.at) : ((__global const float *)x.at)[i];
}

INLINE void put1(float v, uint i, Numbers x)
{
  if (IS_HALF(x))
    vstore_half_rte(v, i, (__global half *)x.at);
  else
    ((__global float *)x.at)[i] = v;
}

/* bfloat16 of a float's bits, in the upper half: rounded to nearest. */
#define BF16(bits) (((bits) + 0x8000u) & 0xffff0000u)

/* 2^t within 2e-7: a polynomial for 2^r, r in [-1/2, 1/2], and the processor's own 2^n. */
INLINE float16 exp2_(float16 t)
{
  float16 n, e;
  __asm__("vrndscaleps $8, %1, %0" : "=v"(n) : "v"(t));
  const float16 r = t - n;
  float16 p = (float16)(1.3267e-3f);
  p = fma(p, r, (float16)(9.67546e-3f));
  p = fma(p, r, (float16)(5.550743e-2f));
  p = fma(p, r, (float16)(2.4022122e-1f));
  p = fma(p, r, (float16)(6.9314695e-1f));
  p = fma(p, r, (float16)(1.0f));
  __asm__("vscalefps %2, %1, %0" : "=v"(e) : "v"(p), "v"(n));
  return e;
}

#define LOG2_E 1.44269504088896341f

/* x / (1 + exp(-x)) within 4e-7, with an approximate reciprocal refined once. */
INLINE float16 fast_silu(float16 x)
{
  /* Beyond 2^100 the refinement would compute with infinity, and the quotient is as good as 0 there. */
  const float16 d = 1.0f + fmin(exp2_(x * -LOG2_E), (float16)(0x1p100f));
  float16 y;
  __asm__("vrcp14ps %1, %0" : "=v"(y) : "v"(d));
  y = fma(y, fma(-d, y, (float16)(1.0f)), y);
  return x * y;
}

/* Two vectors of depths 0 to 15 and 16 to 31 as the words of their bfloat16. */
typedef struct {
  uint16 hi, lo;
} Split;

INLINE Split split(float16 v0, float16 v1)
{
  const uint16 hi0 = BF16(as_uint16(v0)), hi1 = BF16(as_uint16(v1));
  const uint16 lo0 = BF16(as_uint16(v0 - as_float16(hi0))), lo1 = BF16(as_uint16(v1 - as_float16(hi1)));
  return (Split){hi0 >> 16 | hi1, lo0 >> 16 | lo1};
}

/* Where column n and channel c lie in [half panel][16][16 columns][2]. */
#define WITHIN(n, c) ((n) / 16 % 2 * 512 + (c) % 16 * 32 + (n) % 16 * 2 + (c) / 16 % 2)

/* The instructions are in amx-units.cl, which follows in a program. */
#define MULTIPLY_4                                                                                 \
  MULTIPLY(0, 4, 6)                                                                                \
  MULTIPLY(1, 4, 7)                                                                                \
  MULTIPLY(2, 5, 6)                                                                                \
  MULTIPLY(3, 5, 7)
#define ZERO_4 ZERO(0) ZERO(1) ZERO(2) ZERO(3)
/* Tiles 0 to 3 to 32 rows of floats, `stride` bytes apart. */
#define STORE_4(p, stride)                                                                         \
  {                                                                                                \
    STORE(0, p, stride)                                                                            \
    STORE(1, (ulong)(p) + 64, stride)                                                              \
    STORE(2, (ulong)(p) + 16 * (stride), stride)                                                   \
    STORE(3, (ulong)(p) + 16 * (stride) + 64, stride)                                              \
  }

/* Add to tiles 0 to 3 (two rows of two) the products of 16 rows at p and 16 at q, AMX_POSITION bytes apart, and 32 columns at b:
 * 32 deep. AHEAD: what is asked of memory meanwhile. LOAD_A, LOAD_B: LOAD, or LOAD_ONCE for what shall not take the first-level
 * cache from the other. */
#define STEP_BY(p, q, b, AHEAD, LOAD_A, LOAD_B)                                                    \
  {                                                                                                \
    const ulong p_ = (ulong)(p), q_ = (ulong)(q), b_ = (ulong)(b);                                 \
    LOAD_A(4, p_, AMX_POSITION)                                                                        \
    LOAD_B(6, b_, 64)                                                                              \
    LOAD_B(7, b_ + 1024, 64)                                                                       \
    AHEAD                                                                                          \
    LOAD_A(5, q_, AMX_POSITION)                                                                        \
    MULTIPLY_4                                                                                     \
    LOAD_B(6, b_ + 2048, 64)                                                                       \
    LOAD_B(7, b_ + 3072, 64)                                                                       \
    MULTIPLY_4                                                                                     \
    LOAD_A(4, p_ + 64, AMX_POSITION)                                                                   \
    LOAD_A(5, q_ + 64, AMX_POSITION)                                                                   \
    MULTIPLY_4                                                                                     \
  }
/* 32 rows in a row. */
#define STEP(p, b) STEP_BY(p, (ulong)(p) + 16 * AMX_POSITION, b, , LOAD, LOAD)

/* To be passed as AHEAD: ask for the next `ahead_lines` lines from `ahead` on to be in the second-level cache. */
#define ASK_AHEAD                                                                                  \
  for (uint l_ = 0; l_ < ahead_lines; l_++) __builtin_prefetch((const void *)(ahead + l_ * 64), 0, 2); \
  ahead += ahead_lines * 64;
