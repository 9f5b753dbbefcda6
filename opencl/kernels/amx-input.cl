/* SPDX-License-Identifier: LGPL-3.0-or-later
 * The input of a convolution as the left factor of amx-conv.cl: A[plane of 32 channels][position], rows as in amx-tiles.cl. */

/* How positions lie. height, width: the input's after upsampling; pad: of the left and the top edge; up: 1 to read through nearest upsampling by 2;
 * norm: 0: as it is, 1: x * scale + shift, 2: then SiLU; plane: positions of a plane; wrap_x, wrap_y: 1: the margins of that axis
 * hold the pixels of the other side. */
typedef struct {
  Tensor x;
  __global uint *a;
  ulong plane, height, width, C, grid_height, grid_width, pad, stride, up, norm, wrap_x, wrap_y;
} Input;

/* The pixel or line that the margin next to an axis of `size` holds at `i`: that of the other side, or one outside of the image. */
INLINE int margin_place(int i, uint size, uint wrap)
{
  if (!wrap)
    return -1;
  return i < 0 ? i + (int)size : i - (int)size;
}

/* The line at y, which may be one of margin. */
INLINE int find_line(const Input *s, int y)
{
  return (uint)y < (uint)s->height ? y : margin_place(y, s->height, s->wrap_y);
}

/* The scale and shift of a plane's 32 channels. */
typedef struct {
  float16 scale0, shift0, scale1, shift1;
} Affine;

INLINE float16 activate(float16 v, float16 scale, float16 shift, uint norm)
{
  if (norm == 0)
    return v;
  v = fma(v, scale, shift);
  return norm == 2 ? fast_silu(v) : v;
}

INLINE void put_row_as(const Input *s, Numbers x, bool inside, uint second, const Affine *f,
                       __global uint *out, uint parity, uint norm)
{
  const uint grid_width = s->grid_width, stride = s->stride, up = s->up, width = s->width;
  const int first = (int)(parity % stride) - (int)s->pad;
  for (uint i = 0; i < grid_width; i++, out += 32) {
    uint column = (int)(i * stride) + first;
    float16 v0 = (float16)(0.0f), v1 = (float16)(0.0f);
    if (column >= width)
      column = margin_place(column, width, s->wrap_x);
    if (inside && column < width) {
      const Numbers from = skip(x, (ulong)(column >> up) * s->x.ld);
      v0 = activate(get16(0, from), f->scale0, f->shift0, norm);
      if (second)
        v1 = activate(get16(1, from), f->scale1, f->shift1, norm);
    }
    const Split words = split(v0, v1);
    put16(words.hi, 0, out);
    put16(words.lo, 1, out);
  }
}

/* One row of positions of a plane: from the image's line `x`, or margin. second: where the plane's channels 16 to 31 lie from
 * its first, 0 when there are none. */
INLINE void put_row(const Input *s, Numbers x, bool inside, uint second, const Affine *f,
                    __global uint *out, uint parity)
{
  if (s->norm == 2)
    put_row_as(s, x, inside, second, f, out, parity, 2);
  else if (s->norm == 1)
    put_row_as(s, x, inside, second, f, out, parity, 1);
  else
    put_row_as(s, x, inside, second, f, out, parity, 0);
}

/* ab: [n][2][C] of the norm. rows: rows of positions of all images and a parity of lines. */
typedef struct {
  Input to;
  __global const float *ab;
  ulong images, rows;
} PlainInput;

/* Range: (ceil(C / 32), rows, stride^2 parities). Rows past the last image's become margin. C is a multiple of 16. */
INLINE void input(uint plane, uint row, uint parity, __global const ulong *args)
{
  const PlainInput p = *(__global const PlainInput *)args;
  const Input *s = &p.to;
  const uint c = plane * 32, n = row / s->grid_height, up = s->up, C = s->C;
  const int y = find_line(s, (int)(row % s->grid_height * s->stride + parity / s->stride) - (int)s->pad);
  __global uint *out = s->a + (plane * s->plane + ((ulong)parity * p.rows + row) * s->grid_width) * 32;
  const bool inside = n < p.images && (uint)y < (uint)s->height;
  const uint second = c + 16 < C ? 16 : 0;
  const ulong line = inside ? n * (s->height >> up) + (y >> up) : 0;
  Affine f = {0, 0, 0, 0};
  if (s->norm) {
    __global const float *ab = p.ab + (inside ? (ulong)n * 2 * C : 0) + c;
    f = (Affine){get16(0, ab), get16(0, ab + C), get16(0, ab + second), get16(0, ab + C + second)};
  }
  put_row(s, find(&s->x, line * (s->width >> up), c), inside, second, &f, out, parity);
}

/* The same, normalised here: a task in place of three. images: how many. tail: rows of margin behind the last image. */
typedef struct {
  Input to;
  ulong images, tail;
  Norm norm;
} NormalisedInput;

/* Range: (C / unit, images). */
INLINE void input_normalised(uint x, uint n, __global const ulong *args)
{
  const NormalisedInput p = *(__global const NormalisedInput *)args;
  const Input *s = &p.to;
  const uint unit = p.norm.unit, first = x * unit, up = s->up;
  const uint pixels = (s->height >> up) * (s->width >> up);
  float scale[AMX_MAX_UNIT], shift[AMX_MAX_UNIT];
  const Numbers from = find(&s->x, (ulong)n * pixels, first);
  normalise(&p.norm, from, s->x.ld, n, first, pixels, scale, shift);
  const uint rows = s->grid_height + (n + 1 == p.images ? p.tail : 0);
  for (uint c = 0; c < unit; c += 32) {
    __global uint *out =
        s->a + ((first + c) / 32 * s->plane + (ulong)n * s->grid_height * s->grid_width) * 32;
    const Affine f = {get16(0, scale + c), get16(0, shift + c), get16(1, scale + c), get16(1, shift + c)};
    for (uint row = 0; row < rows; row++, out += s->grid_width * 32) {
      const int y = find_line(s, (int)row - (int)s->pad);
      const bool inside = (uint)y < (uint)s->height;
      put_row(s, skip(from, c + (ulong)(inside ? y >> up : 0) * (s->width >> up) * s->x.ld), inside, 16, &f, out, 0);
    }
  }
}
