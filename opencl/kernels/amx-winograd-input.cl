/* SPDX-License-Identifier: LGPL-3.0-or-later
 * The input of a convolution as the left factor of amx-winograd.cl: A[point][plane of 32 channels][position], rows as in
 * amx-tiles.cl. Each pixel of a line is read and activated once. */

/* plane: positions of a plane; height, width: the input's after upsampling; strips: of an image; strip_width: in tiles; up, norm:
 * as in amx-input.cl; wrap_x: 1: what lies beyond a line is its other end; margins: of a strip, 2 where those at its top and bottom hold
 * lines of the other side. */
typedef struct {
  Tensor x;
  __global uint *a;
  ulong plane, height, width, C, strips, strip_width, up, norm, wrap_x, margins;
} WinogradInput;

/* The distance, in words, from a position to the same place in the next strip, and to the same position of the next point.
 */
INLINE ulong next_strip(const WinogradInput *s)
{
  return (s->height + s->margins) * s->strip_width * 32;
}

INLINE ulong next_point(const WinogradInput *s)
{
  return (s->C + 31) / 32 * s->plane * 32;
}

typedef struct {
  float16 v0, v1;
} Pixel;

/* A plane's channels of the line's pixel `column`, zeros outside. second: as in amx-input.cl. */
INLINE Pixel get_pixel(Numbers line, uint column, uint width, uint wrap, uint x_ld, uint second, const Affine *f,
                       uint up, uint norm)
{
  Pixel p = {(float16)(0.0f), (float16)(0.0f)};
  if (column >= width)
    column = margin_place(column, width, wrap);
  if (column < width) {
    const Numbers from = skip(line, (ulong)(column >> up) * x_ld);
    p.v0 = activate(get16(0, from), f->scale0, f->shift0, norm);
    if (second)
      p.v1 = activate(get16(1, from), f->scale1, f->shift1, norm);
  }
  return p;
}

#define SET_V0(point, value) v0[point] = value;
#define SET_V1(point, value) v1[point] = value;

INLINE void put_line_as(const WinogradInput *s, Numbers line, uint second, const Affine *f, __global uint *out,
                        uint norm)
{
  const uint width = s->width, wrap = s->wrap_x, x_ld = s->x.ld, up = s->up, tiles = s->strips * s->strip_width;
  const ulong strip = next_strip(s), point = next_point(s);
  /* The first two pixels of a tile are the last two of the tile before. Pixels to the left of the line get large unsigned
   * numbers, so that they lie beyond the width as well. */
  Pixel d[AMX_POINTS] = {0};
  for (uint i = 0, column = -3, left = s->strip_width; i <= tiles; i++) {
    d[0] = d[4];
    d[1] = d[5];
    UNROLL for (uint j = 2; j < AMX_POINTS; j++, column++)
        d[j] = up && j % 2 == 0 ? d[j - 1] : get_pixel(line, column, width, wrap, x_ld, second, f, up, norm);
    if (i == 0)
      continue;
    float16 v0[AMX_POINTS], v1[AMX_POINTS];
    TRANSFORM_INPUT(SET_V0, d[0].v0, d[1].v0, d[2].v0, d[3].v0, d[4].v0, d[5].v0)
    TRANSFORM_INPUT(SET_V1, d[0].v1, d[1].v1, d[2].v1, d[3].v1, d[4].v1, d[5].v1)
    UNROLL for (uint p = 0; p < AMX_POINTS; p++)
    {
      const Split words = split(v0[p], v1[p]);
      put16(words.hi, 0, out + p * point);
      put16(words.lo, 1, out + p * point);
    }
    out += 32;
    if (--left == 0) {
      left = s->strip_width;
      out += strip - left * 32;
    }
  }
}

/* A row of positions of a plane from a line of the image. out: of the first point and strip. */
INLINE void put_line(const WinogradInput *s, Numbers line, uint second, const Affine *f, __global uint *out)
{
  if (s->norm == 2)
    put_line_as(s, line, second, f, out, 2);
  else
    put_line_as(s, line, second, f, out, s->norm);
}

INLINE void put_margin(const WinogradInput *s, __global uint *out, uint strips)
{
  const uint words = s->strip_width * 2;
  const ulong strip = next_strip(s), point = next_point(s);
  for (uint i = 0; i < strips; i++, out += strip)
    for (uint p = 0; p < AMX_POINTS; p++)
      NO_UNROLL for (uint j = 0; j < words; j++) put16((uint16)(0), j, out + p * point);
}

/* The line of the image that is a strip's row number `row`, counted with its margins; one outside of the image for a margin of zeros. */
INLINE uint find_winograd_line(const WinogradInput *s, uint row)
{
  const uint y = row - 1, height = s->height;
  return y < height ? y : margin_place(y, height, s->margins == 2);
}

/* ab: [n][2][C] of the norm. */
typedef struct {
  WinogradInput to;
  __global const float *ab;
  ulong images;
} WinogradPlainInput;

/* Range: (ceil(C / 32), lines and margins of all images, and a last margin where strips share theirs). C is a multiple of 16. */
INLINE void winograd_input(uint plane, uint y, __global const ulong *args)
{
  const WinogradPlainInput p = *(__global const WinogradPlainInput *)args;
  const WinogradInput *s = &p.to;
  const uint c = plane * 32, C = s->C, rows = s->height + s->margins, n = y / rows, row = y % rows;
  const uint from = find_winograd_line(s, row);
  __global uint *out = s->a + plane * s->plane * 32 + n * s->strips * next_strip(s) + row * s->strip_width * 32;
  if (n == p.images || from >= s->height) {
    put_margin(s, out, n < p.images ? s->strips : 1);
    return;
  }
  const uint second = c + 16 < C ? 16 : 0;
  const ulong line = n * (s->height >> s->up) + (from >> s->up);
  Affine f = {0, 0, 0, 0};
  if (s->norm) {
    __global const float *ab = p.ab + (ulong)n * 2 * C + c;
    f = (Affine){get16(0, ab), get16(0, ab + C), get16(0, ab + second), get16(0, ab + C + second)};
  }
  put_line(s, find(&s->x, line * (s->width >> s->up), c), second, &f, out);
}

/* The same, normalised here. */
typedef struct {
  WinogradInput to;
  ulong images;
  Norm norm;
} WinogradNormalisedInput;

/* Range: (C / unit, images). */
INLINE void winograd_input_normalised(uint x, uint n, __global const ulong *args)
{
  const WinogradNormalisedInput p = *(__global const WinogradNormalisedInput *)args;
  const WinogradInput *s = &p.to;
  const uint unit = p.norm.unit, first = x * unit, up = s->up;
  const uint rows = s->height + s->margins, width = s->width >> up, pixels = (s->height >> up) * width;
  float scale[AMX_MAX_UNIT], shift[AMX_MAX_UNIT];
  const Numbers from = find(&s->x, (ulong)n * pixels, first);
  normalise(&p.norm, from, s->x.ld, n, first, pixels, scale, shift);
  for (uint c = 0; c < unit; c += 32) {
    __global uint *out = s->a + (first + c) / 32 * s->plane * 32;
    if (n + 1 == p.images && s->margins == 1)
      put_margin(s, out + p.images * s->strips * next_strip(s), 1);
    out += n * s->strips * next_strip(s);
    const Affine f = {get16(0, scale + c), get16(0, shift + c), get16(1, scale + c), get16(1, shift + c)};
    for (uint row = 0; row < rows; row++, out += s->strip_width * 32) {
      const uint line = find_winograd_line(s, row);
      if (line >= s->height)
        put_margin(s, out, s->strips);
      else
        put_line(s, skip(from, c + (ulong)(line >> up) * width * s->x.ld), 16, &f, out);
    }
  }
}
