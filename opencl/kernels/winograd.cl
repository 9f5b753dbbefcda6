/* SPDX-License-Identifier: LGPL-3.0-or-later
 * 3x3 convolution, stride 1, padding 1, as Winograd F(TILE x TILE, 3x3), TILE 4 or 2 (Lavin and Gray 2015): transform the
 * input's tiles, one matrix product for each of the EDGE^2 points, transform back.
 *
 *   V[point][tile][C] = B^T d B     M[point][tile][K] = V U     y = A^T M A
 *
 * Options: one of WEIGHTS, INPUT and OUTPUT (1), which kernel, because drivers compile all that a program has; TILE;
 * HALF_WEIGHTS, PACKED for WEIGHTS; WRAP for INPUT. All other cases are arguments, so that there are few programs to compile. */

#define EDGE (TILE + 2)

#if TILE == 4
#define INPUT_1D(set, get)                                                                         \
  {                                                                                                \
    const vec w0 = get(0), w1 = get(1), w2 = get(2), w3 = get(3), w4 = get(4), w5 = get(5);        \
    const vec wa = fma((vec)(-4.0f), w2, w4), wb = fma((vec)(-4.0f), w1, w3);                      \
    const vec wc = w4 - w2, wd = 2.0f * (w3 - w1);                                                 \
    set(0, fma((vec)(4.0f), w0, fma((vec)(-5.0f), w2, w4)));                                       \
    set(1, wa + wb);                                                                               \
    set(2, wa - wb);                                                                               \
    set(3, wc + wd);                                                                               \
    set(4, wc - wd);                                                                               \
    set(5, fma((vec)(4.0f), w1, fma((vec)(-5.0f), w3, w5)));                                       \
  }
#define OUTPUT_1D(set, get)                                                                        \
  {                                                                                                \
    const vec w0 = get(0), w1 = get(1), w2 = get(2), w3 = get(3), w4 = get(4), w5 = get(5);        \
    const vec wa = w1 + w2, wb = w1 - w2, wc = w3 + w4, wd = w3 - w4;                              \
    set(0, w0 + wa + wc);                                                                          \
    set(1, fma((vec)(2.0f), wd, wb));                                                              \
    set(2, fma((vec)(4.0f), wc, wa));                                                              \
    set(3, fma((vec)(8.0f), wd, wb) + w5);                                                         \
  }
__constant float G[6][3] = {{0.25f, 0.0f, 0.0f},
                            {-1.0f / 6, -1.0f / 6, -1.0f / 6},
                            {-1.0f / 6, 1.0f / 6, -1.0f / 6},
                            {1.0f / 24, 1.0f / 12, 1.0f / 6},
                            {1.0f / 24, -1.0f / 12, 1.0f / 6},
                            {0.0f, 0.0f, 1.0f}};
#else
#define INPUT_1D(set, get)                                                                         \
  {                                                                                                \
    const vec w0 = get(0), w1 = get(1), w2 = get(2), w3 = get(3);                                  \
    set(0, w0 - w2);                                                                               \
    set(1, w1 + w2);                                                                               \
    set(2, w2 - w1);                                                                               \
    set(3, w1 - w3);                                                                               \
  }
#define OUTPUT_1D(set, get)                                                                        \
  {                                                                                                \
    const vec w0 = get(0), w1 = get(1), w2 = get(2), w3 = get(3);                                  \
    set(0, w0 + w1 + w2);                                                                          \
    set(1, w1 - w2 - w3);                                                                          \
  }
__constant float G[4][3] = {
    {1.0f, 0.0f, 0.0f}, {0.5f, 0.5f, 0.5f}, {0.5f, -0.5f, 0.5f}, {0.0f, 0.0f, 1.0f}};
#endif

#if WEIGHTS

/* U[point][K/NR][C][NR] (PACKED 1) or U[point][C][K] (PACKED 0) = G g G^T of OIHW weights; channels past the real ones, up
 * to the padded C and K, become zero. One work-item per (k, c). */
__kernel void winograd_weights(__global const float *w, __global weight *u, uint k_real,
                               uint c_real, uint K, uint C)
{
  const uint k = get_global_id(0), c = get_global_id(1);
  const bool real = k < k_real && c < c_real;
  float t[EDGE][3];
  for (uint i = 0; i < EDGE; i++)
    for (uint j = 0; j < 3; j++) {
      float s = 0;
      for (uint m = 0; m < 3 && real; m++)
        s = fma(G[i][m], w[((ulong)k * c_real + c) * 9 + m * 3 + j], s);
      t[i][j] = s;
    }
  for (uint i = 0; i < EDGE; i++)
    for (uint j = 0; j < EDGE; j++) {
      float s = 0;
      for (uint m = 0; m < 3; m++)
        s = fma(t[i][m], G[j][m], s);
      const ulong panel = (ulong)(i * EDGE + j) * K * C;
#if PACKED
      STOREW(s, u + panel + ((ulong)(k / NR) * C + c) * NR + k % NR);
#else
      STOREW(s, u + panel + (ulong)c * K + k);
#endif
    }
}

#endif

/* The rows of tiles of all images are numbered one after another. A launch does those from first_row on, so that a caller
 * may keep V and M small. On a CPU a work-item does a whole row and keeps the two columns that neighbouring tiles share. On
 * a GPU a work-item does one tile. */
#if ROW_LOOP
#define TILE_ROW get_global_id(1)
#define TILE_FIRST 0
#define TILE_END tiles_x
#else
#define TILE_ROW (get_global_id(1) / tiles_x)
#define TILE_FIRST (get_global_id(1) % tiles_x)
#define TILE_END (TILE_FIRST + 1)
#endif

#if INPUT

/* On a CPU the rows of a column are a loop, because the activation is long: as 36 copies the kernel takes more than a second
 * to compile, and no less to run. */
#if ROW_LOOP
#define EACH_ROW NO_UNROLL
#else
#define EACH_ROW UNROLL
#endif

/* One column of a tile at x = px, activated and transformed vertically, into t[.][i]. */
#define COLUMN(i, px)                                                                              \
  {                                                                                                \
    const int col = AROUND_X(px, width);                                                           \
    vec line[EDGE];                                                                                \
    EACH_ROW for (int j = 0; j < EDGE; j++)                                                        \
    {                                                                                              \
      const int row = AROUND_Y((int)(ty * TILE) + j - 1, height);                                  \
      vec value = (vec)(0.0f);                                                                     \
      if (row >= 0 && row < (int)height && col >= 0 && col < (int)width) {                         \
        value = LOADX(x + ((ulong)(row >> up) * (width >> up) + (col >> up)) * x_ld);              \
        if (norm)                                                                                  \
          value = silu(fma(value, scale, shift));                                                  \
      }                                                                                            \
      line[j] = value;                                                                             \
    }                                                                                              \
    INPUT_1D(SET_COLUMN_##i, GET_LINE)                                                             \
  }
#define GET_LINE(j) line[j]
#define SET_COLUMN_2(j, v) t[j][2] = (v)
#define SET_COLUMN_3(j, v) t[j][3] = (v)
#define SET_COLUMN_4(j, v) t[j][4] = (v)
#define SET_COLUMN_5(j, v) t[j][5] = (v)
#define GET_ROW(i) t[j][i]
#define PUT_ROW(i, value) STOREY(value, out + (j * EDGE + i) * point)

/* height, width: of the convolution, after upsampling. point: floats from one point's matrix to the next. norm: 1 takes
 * silu(x * scale + shift) for the input, scale and shift per image and channel, ab[n][2][C]; with 0 nothing reads ab. up: 1
 * reads the input through nearest upsampling by 2. Global size: (C/VEC, rows of tiles or tiles). */
__kernel void winograd_input(__global const x_type *x, ulong x_off, uint x_ld,
                             __global const float *ab, ulong ab_off, __global y_type *v, ulong v_off,
                             uint height, uint width, uint C, uint tiles_y, uint tiles_x,
                             uint first_row, ulong point, uint norm, uint up)
{
  const uint c = get_global_id(0) * VEC;
  const uint n = (first_row + TILE_ROW) / tiles_y, ty = (first_row + TILE_ROW) % tiles_y;
  x += x_off + (ulong)n * (height >> up) * (width >> up) * x_ld + c;
  vec scale = (vec)(0.0f), shift = (vec)(0.0f);
  if (norm) {
    scale = LOADV(ab + ab_off + (ulong)n * 2 * C + c);
    shift = LOADV(ab + ab_off + (ulong)n * 2 * C + C + c);
  }
  __global y_type *out =
      v + v_off + ((ulong)TILE_ROW * tiles_x + TILE_FIRST) * C + c;
  vec t[EDGE][EDGE];
  int px = (int)(TILE_FIRST * TILE) - 1;
#if TILE == 4
  COLUMN(4, px)
  COLUMN(5, px + 1)
#else
  COLUMN(2, px)
  COLUMN(3, px + 1)
#endif
  for (uint tx = TILE_FIRST; tx < TILE_END; tx++, px += TILE, out += C) {
    UNROLL for (int j = 0; j < EDGE; j++)
    {
      t[j][0] = t[j][TILE];
      t[j][1] = t[j][TILE + 1];
    }
    COLUMN(2, px + 2)
    COLUMN(3, px + 3)
#if TILE == 4
    COLUMN(4, px + 4)
    COLUMN(5, px + 5)
#endif
    UNROLL for (int j = 0; j < EDGE; j++)
    {
      INPUT_1D(PUT_ROW, GET_ROW)
    }
  }
}

#endif

#if OUTPUT

#define GET_M(j) LOADV(in + (j * EDGE + i) * point)
#define SET_R(j, value) r[j][i] = (value)
#define GET_R(i) r[j][i]
#define PUT_Y(i, value)                                                                            \
  if (i < left) {                                                                                  \
    vec sum = (value) + b;                                                                         \
    if (res_ld)                                                                                    \
      sum += LOADY(a + (ulong)(i)*res_ld);                                                         \
    STOREY(sum, o + (ulong)(i)*y_ld);                                                              \
  }

/* y = A^T M A + bias (+ emb[n]; emb_ld 0: none) (+ residual; res_ld 0: none). Global size: (K/VEC, rows of tiles or tiles). K: the row length of M.
 * The residual may be y itself. */
__kernel void winograd_output(__global const float *m, ulong m_off, ulong point, uint K,
                              __global y_type *y, ulong y_off, uint y_ld, __global const float *bias,
                              ulong bias_off, __global const float *emb, ulong emb_off, uint emb_ld,
                              __global const y_type *res, ulong res_off, uint res_ld, uint height,
                              uint width, uint tiles_y, uint tiles_x, uint first_row)
{
  const uint k = get_global_id(0) * VEC;
  const uint n = (first_row + TILE_ROW) / tiles_y, ty = (first_row + TILE_ROW) % tiles_y;
  vec b = LOADV(bias + bias_off + k);
  if (emb_ld)
    b += LOADV(emb + emb_off + (ulong)n * emb_ld + k);
  for (uint tx = TILE_FIRST; tx < TILE_END; tx++) {
    __global const float *in =
        m + m_off + ((ulong)TILE_ROW * tiles_x + tx) * K + k;
    vec r[TILE][EDGE];
    UNROLL for (int i = 0; i < EDGE; i++)
    {
      OUTPUT_1D(SET_R, GET_M)
    }
    const uint left = width - tx * TILE;
    UNROLL for (int j = 0; j < TILE; j++)
    {
      const uint row = ty * TILE + j;
      if (row < height) {
        const ulong pixel = ((ulong)n * height + row) * width + tx * TILE;
        __global y_type *o = y + y_off + pixel * y_ld + k;
        __global const y_type *a = res + res_off + pixel * res_ld + k;
        OUTPUT_1D(PUT_Y, GET_R)
      }
    }
  }
}
#endif
