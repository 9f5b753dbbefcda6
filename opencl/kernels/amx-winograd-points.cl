/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Winograd's F(4, 3): four outputs of a filter of three taps from six products instead of twelve, as the values of polynomials at
 * six points (Toom and Cook; Lavin and Gray 2015). Points 0, +-2/3, +-3/2 and infinity: rounded products of white noise then err
 * by 2.2 times (root mean square of the four outputs; the worst 2.7) what direct convolution's do, with 0, +-1, +-2 by 3.3 (the
 * worst 5.6). */

#define POINT1 (2.0f / 3)
#define POINT3 (3.0f / 2)
#define SQUARE1 (POINT1 * POINT1)
#define SQUARE3 (POINT3 * POINT3)

/* Pixels to points; POINT1 POINT3 = 1. */
#define TRANSFORM_INPUT(SET, d0, d1, d2, d3, d4, d5)                                               \
  {                                                                                                \
    const float16 even1_ = fma((float16)(-SQUARE3), d2, d4), odd1_ = POINT1 * fma((float16)(-SQUARE3), d1, d3); \
    const float16 even3_ = fma((float16)(-SQUARE1), d2, d4), odd3_ = POINT3 * fma((float16)(-SQUARE1), d1, d3); \
    SET(0, fma((float16)(-SQUARE1 - SQUARE3), d2, d0 + d4))                                        \
    SET(1, even1_ + odd1_)                                                                         \
    SET(2, even1_ - odd1_)                                                                         \
    SET(3, even3_ + odd3_)                                                                         \
    SET(4, even3_ - odd3_)                                                                         \
    SET(5, fma((float16)(-SQUARE1 - SQUARE3), d3, d1 + d5))                                        \
  }

/* Products to outputs. */
#define TRANSFORM_OUTPUT(SET, m0, m1, m2, m3, m4, m5)                                              \
  {                                                                                                \
    const float16 sum1_ = m1 + m2, difference1_ = m1 - m2, sum3_ = m3 + m4, difference3_ = m3 - m4; \
    SET(0, m0 + sum1_ + sum3_)                                                                     \
    SET(1, fma((float16)(POINT1), difference1_, POINT3 * difference3_))                            \
    SET(2, fma((float16)(SQUARE1), sum1_, SQUARE3 * sum3_))                                        \
    SET(3, fma((float16)(POINT1 * SQUARE1), difference1_,                                          \
               fma((float16)(POINT3 * SQUARE3), difference3_, m5)))                                \
  }

/* Taps to points. */
#define FACTOR1 (0.5f / (SQUARE1 * (SQUARE1 - SQUARE3)))
#define FACTOR3 (0.5f / (SQUARE3 * (SQUARE3 - SQUARE1)))
__constant float filter_transform[AMX_POINTS][3] = {{1, 0, 0},
                                                {FACTOR1, FACTOR1 * POINT1, FACTOR1 * SQUARE1},
                                                {FACTOR1, -FACTOR1 * POINT1, FACTOR1 * SQUARE1},
                                                {FACTOR3, FACTOR3 * POINT3, FACTOR3 * SQUARE3},
                                                {FACTOR3, -FACTOR3 * POINT3, FACTOR3 * SQUARE3},
                                                {0, 0, 1}};
