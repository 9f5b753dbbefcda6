/* SPDX-License-Identifier: LGPL-3.0-or-later
 * What surrounds a matrix product that a library computes: the im2col copy in front, bias, embedding and residual after. */

/* col[row][(tap, c)] of the output pixels [first_row, first_row + get_global_size(1)). pad: pixels in front of
 * the left and the top edge. Option: WRAP. Global size: (C/VEC, rows, taps). */
__kernel void im2col(__global const x_type *x, ulong x_off, uint x_ld, __global float *col,
                     ulong col_off, ulong first_row, uint in_height, uint in_width,
                     uint out_height, uint out_width, uint C, uint stride, int pad,
                     uint up)
{
  const uint c = get_global_id(0) * VEC, tap = get_global_id(2);
  const uint taps = get_global_size(2), edge = taps == 9 ? 3 : 1;
  const ulong row = first_row + get_global_id(1);
  const ulong line = row / out_width;
  const int left = (int)(row % out_width * stride) + (int)(tap % edge) - pad;
  const int top = (int)(line % out_height * stride) + (int)(tap / edge) - pad;
  const int ix = AROUND_X(left, in_width), iy = AROUND_Y(top, in_height);
  vec v = (vec)(0.0f);
  if (iy >= 0 && iy < (int)in_height && ix >= 0 && ix < (int)in_width)
    v = LOADX(x + x_off +
              ((line / out_height * (in_height >> up) + (iy >> up)) * (in_width >> up) +
               (ix >> up)) *
                  x_ld +
              c);
  STOREV(v, col + col_off + (get_global_id(1) * taps + tap) * C + c);
}

/* y = product + bias (+ emb of the row's image) (+ residual). The product may be y itself, if that is of floats, and so may the
 * residual otherwise. Options: EMB, RES. Global size: (N/VEC, rows). */
__kernel void epilogue(__global const float *product, ulong product_off, uint product_ld,
                       __global y_type *y, ulong y_off, uint y_ld, __global const float *bias,
                       ulong bias_off, __global const float *emb, ulong emb_off, uint emb_ld,
                       __global const y_type *res, ulong res_off, uint res_ld, uint rows_per_image)
{
  const uint n = get_global_id(0) * VEC;
  const ulong row = get_global_id(1);
  vec v = LOADV(product + product_off + row * product_ld + n) + LOADV(bias + bias_off + n);
#if EMB
  v += LOADV(emb + emb_off + row / rows_per_image * emb_ld + n);
#endif
#if RES
  v += LOADY(res + res_off + row * res_ld + n);
#endif
  STOREY(v, y + y_off + row * y_ld + n);
}

/* y[row][n] = x[row][n]. Global size: (N/VEC, rows). */
__kernel void copy_rows(__global const x_type *x, ulong x_off, uint x_ld, __global y_type *y,
                        ulong y_off, uint y_ld)
{
  const uint n = get_global_id(0) * VEC;
  const ulong row = get_global_id(1);
  STOREY(LOADX(x + x_off + row * x_ld + n), y + y_off + row * y_ld + n);
}
