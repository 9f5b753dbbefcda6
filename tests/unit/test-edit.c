/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Where a picture is worked on: frames, windows, the canvas, masks and colors. */
#include <math.h>
#include <string.h>

#include "core/data/error.h"
#include "core/edit/canvas.h"
#include "core/edit/fading.h"
#include "core/edit/picture.h"
#include "core/data/image-private.h"

/* What every frame promises, whatever it is made for. */
static void
check_frame(const DdimFrameParams *params)
{
  g_autoptr(DdimFrame) frame = ddim_frame_new(params);
  const DdimRect *rect = &frame->rect, *wanted = &params->wanted;
  const guint limit = MAX(params->maximum / params->unit, 1) * params->unit;
  g_autofree guint8 *covered = g_malloc0((gsize)rect->width * rect->height);

  g_assert_cmpuint(rect->width % params->unit, ==, 0);
  g_assert_cmpuint(rect->height % params->unit, ==, 0);
  g_assert_cmpuint(rect->x, <=, wanted->x - MIN(wanted->x, params->context));
  g_assert_cmpuint(rect->x + rect->width, >=,
                   MIN(params->width, wanted->x + wanted->width + params->context));
  g_assert_cmpuint(rect->y + rect->height, >=,
                   MIN(params->height, wanted->y + wanted->height + params->context));
  g_assert_cmpuint(rect->width, >=, MIN(params->usual, params->width));
  /* It reaches beyond the picture only where the picture is too small. */
  g_assert_true(rect->x + rect->width <= params->width || rect->x == 0);
  g_assert_cmpuint(rect->x + rect->width, <, params->width + params->unit);
  for (guint i = 0; i < frame->windows->len; i++) {
    const DdimRect *window = &g_array_index(frame->windows, DdimRect, i);
    g_assert_cmpuint(window->width, ==, frame->width);
    g_assert_cmpuint(window->height, ==, frame->height);
    g_assert_cmpuint(window->width, <=, limit);
    g_assert_cmpuint(window->x % params->unit, ==, 0);
    g_assert_cmpuint(window->y % params->unit, ==, 0);
    g_assert_cmpuint(window->x + window->width, <=, rect->width);
    g_assert_cmpuint(window->y + window->height, <=, rect->height);
    for (guint y = 0; y < window->height; y++)
      memset(covered + (gsize)(window->y + y) * rect->width + window->x, 1, window->width);
  }
  g_assert_null(memchr(covered, 0, (gsize)rect->width * rect->height));
}

static void
test_frames(void)
{
  g_autoptr(GRand) rand = g_rand_new_with_seed(4);

  for (guint i = 0; i < 3000; i++) {
    DdimFrameParams params = {.width = g_rand_int_range(rand, 1, 300),
                              .height = g_rand_int_range(rand, 1, 300),
                              .context = g_rand_int_range(rand, 0, 80),
                              .unit = 1u << g_rand_int_range(rand, 0, 6),
                              .usual = g_rand_int_range(rand, 1, 100),
                              .overlap = g_rand_int_range(rand, 0, 40)};
    params.maximum = params.usual * g_rand_int_range(rand, 1, 5);
    params.wanted.x = g_rand_int_range(rand, 0, params.width);
    params.wanted.y = g_rand_int_range(rand, 0, params.height);
    params.wanted.width = g_rand_int_range(rand, 1, params.width - params.wanted.x + 1);
    params.wanted.height = g_rand_int_range(rand, 1, params.height - params.wanted.y + 1);
    check_frame(&params);
  }
}

/* Pixels of a @rect around the edges of @frame are counted in @count, [height][width]. */
static void
count_pixels(const DdimFrame *frame, const DdimRect *rect, guint *count)
{
  for (guint y = 0; y < rect->height; y++)
    for (guint x = 0; x < rect->width; x++)
      count[(rect->y + y) % frame->rect.height * frame->rect.width +
            (rect->x + x) % frame->rect.width]++;
}

/* Whether the @share of a window lies in it. */
static gboolean
lies_in(guint share, guint count, guint window, guint side, guint ring)
{
  const guint offset = (share + ring - window) % ring;

  return offset + count <= side;
}

/* All of a picture that is a ring both ways: every pixel is made by one window. Where more than one
 * is needed, each leaves its neighbors something on both sides. No cell is divided. */
static void
test_rings(void)
{
  g_autoptr(GRand) rand = g_rand_new_with_seed(5);

  for (guint i = 0; i < 1000; i++) {
    const guint cell = g_rand_int_range(rand, 1, 5);
    const guint unit = cell << g_rand_int_range(rand, 0, 5);
    DdimFrameParams params = {.width = g_rand_int_range(rand, unit, 300) / cell * cell,
                              .height = g_rand_int_range(rand, unit, 300) / cell * cell,
                              .unit = unit,
                              .cell = cell,
                              .usual = g_rand_int_range(rand, 1, 100),
                              .rings = DDIM_WRAP_XY};
    params.wanted = (DdimRect){0, 0, params.width, params.height};
    params.maximum = params.usual * g_rand_int_range(rand, 1, 5);
    params.overlap = params.maximum / 4;
    g_autoptr(DdimFrame) frame = ddim_frame_new(&params);
    g_autofree guint *made = g_new0(guint, (gsize)params.width * params.height);
    const guint limit = MAX(params.maximum / unit, 1) * unit;

    g_assert_cmpuint(frame->rect.width, ==, params.width);
    g_assert_cmpuint(frame->rect.height, ==, params.height);
    g_assert_cmpuint(frame->width % unit, ==, 0);
    g_assert_cmpuint(frame->width, <=, MIN(limit, params.width));
    g_assert_cmpuint(frame->windows->len, ==, frame->shares->len);
    g_assert_cmpint(frame->wrap & DDIM_WRAP_X, ==, frame->width == params.width ? DDIM_WRAP_X : 0);
    g_assert_cmpint(frame->wrap & DDIM_WRAP_Y, ==,
                    frame->height == params.height ? DDIM_WRAP_Y : 0);
    for (guint k = 0; k < frame->windows->len; k++) {
      const DdimRect *window = &g_array_index(frame->windows, DdimRect, k);
      const DdimRect *share = &g_array_index(frame->shares, DdimRect, k);
      g_assert_cmpuint(window->x % cell + window->y % cell, ==, 0);
      g_assert_cmpuint(share->x % cell + share->y % cell, ==, 0);
      g_assert_cmpuint(share->width % cell + share->height % cell, ==, 0);
      g_assert_true(lies_in(share->x, share->width, window->x, window->width, params.width));
      g_assert_true(lies_in(share->y, share->height, window->y, window->height, params.height));
      count_pixels(frame, share, made);
    }
    for (guint k = 0; k < params.width * params.height; k++)
      g_assert_cmpuint(made[k], ==, 1);
  }
}

/* A strip in the middle of a wide ring needs no more of it than elsewhere; windows without work are
 * dropped. */
static void
test_strip(void)
{
  const DdimFrameParams params = {.width = 400,
                                  .height = 90,
                                  .wanted = {190, 0, 20, 90},
                                  .context = 16,
                                  .unit = 8,
                                  .usual = 32,
                                  .maximum = 64,
                                  .overlap = 16,
                                  .rings = DDIM_WRAP_X};
  g_autoptr(DdimFrame) frame = ddim_frame_new(&params);
  g_autofree guint8 *coverage = g_malloc0(400 * 90);

  g_assert_cmpuint(frame->rect.width, ==, 56);
  g_assert_cmpint(frame->wrap, ==, DDIM_WRAP_NONE);
  g_assert_cmpuint(frame->windows->len, ==, 2);
  coverage[80 * 400 + 200] = 1;
  ddim_frame_drop_idle(frame, coverage, 400, 90);
  g_assert_cmpuint(frame->windows->len, ==, 1);
  g_assert_cmpuint(g_array_index(frame->windows, DdimRect, 0).y, ==, 32);
}

static void
test_rect_around(void)
{
  guint8 coverage[6 * 5] = {0};
  DdimRect rect;

  g_assert_false(ddim_rect_around(coverage, 6, 5, &rect));
  coverage[1 * 6 + 4] = coverage[3 * 6 + 2] = 1;
  g_assert_true(ddim_rect_around(coverage, 6, 5, &rect));
  g_assert_cmpuint(rect.x, ==, 2);
  g_assert_cmpuint(rect.y, ==, 1);
  g_assert_cmpuint(rect.width, ==, 3);
  g_assert_cmpuint(rect.height, ==, 3);
}

static DdimImage *
make_image(guint width, guint height, guint channels)
{
  DdimImage *image = ddim_image_new(width, height, channels, NULL);

  for (gsize i = 0; i < (gsize)width * height * channels; i++)
    image->pixels[i] = (guint8)(i * 37 % 251);
  return image;
}

/* A window of a canvas that reaches beyond the picture: out, in again where it was open, and back
 * into the picture. */
static void
test_canvas(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimImage) image = make_image(13, 7, 3);
  guint8 coverage[13 * 7] = {0};
  const DdimFrameParams params = {.width = 13,
                                  .height = 7,
                                  .wanted = {0, 0, 13, 7},
                                  .unit = 4,
                                  .usual = 8,
                                  .maximum = 8,
                                  .overlap = 4};
  g_autoptr(DdimFrame) frame = ddim_frame_new(&params);
  const DdimRect window = {8, 0, 8, 8};
  float samples[2 * 3 * 64];

  coverage[2 * 13 + 10] = 255;
  coverage[2 * 13 + 11] = 51;
  g_autoptr(DdimCanvas) canvas = ddim_canvas_new(frame, 2, 3, image, coverage, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(canvas->width, ==, 16);
  g_assert_true(ddim_canvas_is_open(canvas, &window));
  ddim_canvas_get(canvas, &window, samples);
  for (guint i = 0; i < 2 * 3 * 64; i++) {
    const guint c = i / 64 % 3, y = i % 64 / 8, x = 8 + i % 8;
    const float expected =
        x < 13 && y < 7 ? image->pixels[(y * 13 + x) * 3 + c] / 127.5f - 1.0f : 0.0f;
    g_assert_cmpfloat(samples[i], ==, expected);
    samples[i] = i < 3 * 64 ? -1.0f : 1.0f; /* the first image black, the second white */
  }
  ddim_canvas_put(canvas, &window, &window, samples);
  g_assert_false(ddim_canvas_is_open(canvas, &window));
  for (guint n = 0; n < 2; n++) {
    g_autoptr(DdimImage) made =
        ddim_canvas_compose(canvas, frame, n, image, coverage, FALSE, &error);
    g_assert_no_error(error);
    for (guint i = 0; i < 13 * 7 * 3; i++) {
      const double blended =
          image->pixels[i] + coverage[i / 3] / 255.0 * (255.0 * n - image->pixels[i]);
      g_assert_cmpuint(made->pixels[i], ==, (guint)lrint(blended));
    }
  }
}

/* Transparent pixels that are not covered have no color to keep to; they keep their bytes. */
static void
test_transparent(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimImage) image = make_image(8, 8, 4);
  guint8 coverage[64] = {0};
  const DdimFrameParams params = {
      .width = 8, .height = 8, .wanted = {0, 0, 8, 8}, .unit = 8, .usual = 8, .maximum = 8};
  g_autoptr(DdimFrame) frame = ddim_frame_new(&params);
  const DdimRect window = {0, 0, 8, 8};
  g_autofree float *white = g_new(float, 3 * 64);
  guint8 known[64];

  for (guint i = 0; i < 64; i++) {
    image->pixels[4 * i + 3] = i < 8 ? 0 : i == 8 ? 1 : 255;
    coverage[i] = i == 20 ? 255 : 0;
  }
  for (guint i = 0; i < 3 * 64; i++)
    white[i] = 1;
  g_autoptr(DdimCanvas) canvas = ddim_canvas_new(frame, 1, 3, image, coverage, &error);
  g_assert_no_error(error);
  ddim_canvas_get_map(canvas, canvas->known, &window, known);
  for (guint i = 0; i < 64; i++)
    g_assert_cmpuint(known[i], ==, i >= 8 && i != 20);
  ddim_canvas_put(canvas, &window, &window, white);
  g_autoptr(DdimImage) made = ddim_canvas_compose(canvas, frame, 0, image, coverage, FALSE, &error);
  g_assert_no_error(error);
  for (guint i = 0; i < 64 * 4; i++)
    g_assert_cmpuint(made->pixels[i], ==, i / 4 == 20 ? 255 : image->pixels[i]);
}

/* What is blended holds to the old colors, in noise more than later, and the more of them shows;
 * nothing else does. */
static void
test_fading(void)
{
  enum { SIDE = 8, PIXELS = SIDE * SIDE, IMAGES = 2 };
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimImage) image = make_image(7, SIDE, 4); /* a column of the frame lies beyond it */
  guint8 coverage[7 * SIDE];
  const DdimFrameParams params = {.width = 7,
                                  .height = SIDE,
                                  .wanted = {0, 0, 7, SIDE},
                                  .unit = SIDE,
                                  .usual = SIDE,
                                  .maximum = SIDE};
  g_autoptr(DdimFrame) frame = ddim_frame_new(&params);
  const DdimRect window = {0, 0, SIDE, SIDE};
  const DdimStep step = {.next_x0 = 1};
  g_autofree double *x0 = g_new(double, IMAGES * 3 * PIXELS);

  for (guint i = 0; i < G_N_ELEMENTS(coverage); i++) {
    static const guint8 some[] = {0, 51, 204, 255};
    coverage[i] = some[i % 4];
    image->pixels[4 * i + 3] = i % 5 ? 255 : 0;
  }
  g_autoptr(DdimCanvas) canvas = ddim_canvas_new(frame, IMAGES, 3, image, coverage, &error);
  g_assert_no_error(error);
  canvas->known[SIDE + 2] = 1; /* made by an earlier window */
  g_autoptr(DdimConstraint) fading = ddim_fading_new(canvas, &window, &error);
  g_assert_no_error(error);
  for (double level = 0.01; level < 200; level *= 10) {
    for (guint i = 0; i < IMAGES * 3 * PIXELS; i++)
      x0[i] = 0.25;
    ddim_constraint_apply(fading, &step, level, IMAGES, x0, NULL);
    for (guint i = 0; i < IMAGES * 3 * PIXELS; i++) {
      const guint x = i % SIDE, y = i % PIXELS / SIDE, c = i / PIXELS % 3, at = y * 7 + x;
      const gboolean faded = x < 7 && at % 5 && (at % 4 == 1 || at % 4 == 2) && !(x == 2 && y == 1);
      const double spread = 0.15 * (at % 4 == 1 ? 0.25 : 4), own = level * level / 16;
      const double old = faded ? image->pixels[4 * at + c] / 127.5 - 1 : 0.25;
      const double expected = 0.25 + (old - 0.25) * own / (own + spread * spread);
      g_assert_cmpfloat(fabs(x0[i] - expected), <, 1e-6);
    }
  }
}

/* Where nothing is blended there is nothing to hold to. */
static void
test_no_fading(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimImage) image = make_image(8, 8, 3);
  guint8 coverage[64] = {0};
  const DdimFrameParams params = {
      .width = 8, .height = 8, .wanted = {0, 0, 8, 8}, .unit = 8, .usual = 8, .maximum = 8};
  g_autoptr(DdimFrame) frame = ddim_frame_new(&params);
  const DdimRect window = {0, 0, 8, 8};

  coverage[20] = 255;
  g_autoptr(DdimCanvas) canvas = ddim_canvas_new(frame, 1, 3, image, coverage, &error);
  g_assert_no_error(error);
  g_assert_null(ddim_fading_new(canvas, &window, &error));
  g_assert_no_error(error);
}

/* A window that reaches around the edges reads the other side, and makes its share alone. */
static void
test_canvas_ring(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimImage) image = make_image(10, 6, 1);
  guint8 coverage[10 * 6];
  const DdimFrameParams params = {.width = 10,
                                  .height = 6,
                                  .wanted = {0, 0, 10, 6},
                                  .unit = 4,
                                  .usual = 4,
                                  .maximum = 8,
                                  .overlap = 2,
                                  .rings = DDIM_WRAP_XY};
  g_autoptr(DdimFrame) frame = ddim_frame_new(&params);
  const DdimRect window = {7, 4, 8, 4}, share = {9, 5, 4, 2};
  float samples[8 * 4];

  memset(coverage, 255, sizeof coverage);
  g_autoptr(DdimCanvas) canvas = ddim_canvas_new(frame, 1, 1, image, coverage, &error);
  g_assert_no_error(error);
  ddim_canvas_get(canvas, &window, samples);
  for (guint i = 0; i < 32; i++) {
    const guint x = (7 + i % 8) % 10, y = (4 + i / 8) % 6;
    g_assert_cmpfloat(samples[i], ==, image->pixels[y * 10 + x] / 127.5f - 1.0f);
    samples[i] = (float)i;
  }
  ddim_canvas_put(canvas, &window, &share, samples);
  g_assert_false(ddim_canvas_is_open(canvas, &share));
  for (guint i = 0; i < 60; i++) {
    const guint x = (i % 10 + 10 - 9) % 10, y = (i / 10 + 6 - 5) % 6;
    const gboolean made = x < 4 && y < 2;
    g_assert_cmpuint(canvas->known[i], ==, made);
    if (made)
      g_assert_cmpfloat(canvas->samples[i], ==, (float)((1 + y) * 8 + 2 + x));
  }
}

static void
test_roll(void)
{
  static const guint by[][2] = {{0, 0}, {3, 0}, {0, 2}, {6, 3}, {7, 5}};
  g_autoptr(DdimImage) image = make_image(7, 5, 3);

  for (guint i = 0; i < G_N_ELEMENTS(by); i++) {
    g_autoptr(DdimImage) moved = ddim_edit_roll(image, by[i][0], by[i][1], NULL);
    g_autoptr(DdimImage) back = ddim_edit_roll(moved, 7 - by[i][0], 5 - by[i][1], NULL);
    g_assert_cmpmem(back->pixels, 105, image->pixels, 105);
    for (guint k = 0; k < 105; k++) {
      const guint x = (k / 3 % 7 + by[i][0]) % 7, y = (k / 21 + by[i][1]) % 5;
      g_assert_cmpuint(moved->pixels[(y * 7 + x) * 3 + k % 3], ==, image->pixels[k]);
    }
  }
}

/* The pixels next to the edges of a picture, once it is moved by half of its size. */
static void
test_seams(void)
{
  for (guint width = 7; width <= 8; width++)
    for (DdimWrap axes = DDIM_WRAP_X; axes <= DDIM_WRAP_XY; axes++) {
      const guint n = 2, height = 9;
      g_autofree guint8 *coverage = ddim_edit_mask_from_seams(width, height, axes, n, NULL);
      for (guint i = 0; i < width * height; i++) {
        const guint x = (i % width + width - width / 2) % width;
        const guint y = (i / width + height - height / 2) % height;
        const gboolean near_x = MIN(x, width - 1 - x) < n, near_y = MIN(y, height - 1 - y) < n;
        const gboolean covered = (axes & DDIM_WRAP_X && near_x) || (axes & DDIM_WRAP_Y && near_y);
        g_assert_cmpuint(coverage[i], ==, covered ? 255 : 0);
      }
    }
}

/* The original truncates values to bytes, editing rounds them. */
static void
test_rounding(void)
{
  g_autoptr(DdimImage) image = make_image(1, 1, 1);
  const guint8 coverage[1] = {255};
  const DdimFrameParams params = {
      .width = 1, .height = 1, .wanted = {0, 0, 1, 1}, .unit = 1, .usual = 1, .maximum = 1};
  g_autoptr(DdimFrame) frame = ddim_frame_new(&params);
  g_autoptr(DdimCanvas) canvas = ddim_canvas_new(frame, 1, 1, image, coverage, NULL);
  const DdimRect window = {0, 0, 1, 1};
  const float samples[1] = {100.7f / 127.5f - 1.0f};

  ddim_canvas_put(canvas, &window, &window, samples);
  for (gboolean truncate = FALSE; truncate <= TRUE; truncate++) {
    g_autoptr(DdimImage) made =
        ddim_canvas_compose(canvas, frame, 0, image, coverage, truncate, NULL);
    g_assert_cmpuint(made->pixels[0], ==, truncate ? 100 : 101);
  }
}

static void
test_feather(void)
{
  enum { SIDE = 21, REACH = 5 };
  guint8 coverage[SIDE * SIDE] = {0};

  coverage[10 * SIDE + 10] = 255;
  coverage[10 * SIDE + 11] = 128;
  g_assert_true(ddim_edit_feather(coverage, SIDE, SIDE, REACH, NULL));
  for (int y = 0; y < SIDE; y++)
    for (int x = 0; x < SIDE; x++) {
      const double distance = fmin(hypot(x - 10, y - 10), hypot(x - 11, y - 10));
      const double expected = 255 * (1 - distance / (REACH + 1));
      if (distance > 0)
        g_assert_cmpfloat_with_epsilon(coverage[y * SIDE + x], fmax(0, expected), 1);
    }
  g_assert_cmpuint(coverage[10 * SIDE + 10], ==, 255);
  g_assert_cmpuint(coverage[10 * SIDE + 11], ==, 128);
}

static void
test_colors(void)
{
  static const char *const good[] = {"#3366ff", "3366FF", "#36f"};
  static const char *const bad[] = {"", "#", "#3366f", "#3366fff", "36f", "blue", "##3366f"};
  g_autoptr(GError) error = NULL;
  double color[3];

  for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
    g_assert_true(ddim_edit_parse_color(good[i], color, &error));
    g_assert_cmpfloat_with_epsilon(color[0], 0x33 / 127.5 - 1, 1e-12);
    g_assert_cmpfloat_with_epsilon(color[1], 0x66 / 127.5 - 1, 1e-12);
    g_assert_cmpfloat_with_epsilon(color[2], 1, 1e-12);
  }
  for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
    g_assert_false(ddim_edit_parse_color(bad[i], color, &error));
    g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
    g_clear_error(&error);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/edit/frames", test_frames);
  g_test_add_func("/edit/rect-around", test_rect_around);
  g_test_add_func("/edit/rings", test_rings);
  g_test_add_func("/edit/strip", test_strip);
  g_test_add_func("/edit/canvas", test_canvas);
  g_test_add_func("/edit/transparent", test_transparent);
  g_test_add_func("/edit/canvas-ring", test_canvas_ring);
  g_test_add_func("/edit/fading", test_fading);
  g_test_add_func("/edit/no-fading", test_no_fading);
  g_test_add_func("/edit/roll", test_roll);
  g_test_add_func("/edit/seams", test_seams);
  g_test_add_func("/edit/rounding", test_rounding);
  g_test_add_func("/edit/feather", test_feather);
  g_test_add_func("/edit/colors", test_colors);
  return g_test_run();
}
