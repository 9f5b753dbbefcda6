/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the surroundings of a hole tell of its colors, against plain code: every cell's mean from
 * its pixels, Laplace's equation by elimination, and the weight of such an estimate in a step from
 * its definition. */
#include <math.h>
#include <string.h>

#include "core/diffusion/constraint.h"
#include "core/diffusion/step-table.h"
#include "core/edit/surroundings.h"

enum {
  CELL = 4,
  COLUMNS = 9,
  ROWS = 6,
  N_CELLS = COLUMNS * ROWS,
  WIDTH = COLUMNS * CELL,
  HEIGHT = ROWS * CELL
};
enum { CHANNELS = 3, IMAGES = 2, PIXELS = WIDTH * HEIGHT, N_PLANES = CHANNELS * IMAGES };

static const DdimRect whole = {0, 0, WIDTH, HEIGHT};

/* A canvas of random samples, all known and on the picture. */
static DdimCanvas *
make_canvas(GRand *rand)
{
  DdimCanvas *canvas = g_new0(DdimCanvas, 1);

  *canvas = (DdimCanvas){.n = IMAGES,
                         .channels = CHANNELS,
                         .height = HEIGHT,
                         .width = WIDTH,
                         .samples = g_new(float, N_PLANES *PIXELS),
                         .known = g_malloc(PIXELS),
                         .inside = g_malloc(PIXELS)};
  for (guint i = 0; i < N_PLANES * PIXELS; i++)
    canvas->samples[i] = (float)g_rand_double_range(rand, -1, 1);
  memset(canvas->known, 1, PIXELS);
  memset(canvas->inside, 1, PIXELS);
  return canvas;
}

/* Whether cell (@i, @j) and cell (@k, @l) lie side by side. */
static gboolean
are_beside(guint i, guint j, guint k, guint l, DdimWrap wrap)
{
  const guint dx = i > k ? i - k : k - i, dy = j > l ? j - l : l - j;
  const gboolean x = dx == 1 || (wrap & DDIM_WRAP_X && dx == COLUMNS - 1);
  const gboolean y = dy == 1 || (wrap & DDIM_WRAP_Y && dy == ROWS - 1);

  return (x && dy == 0) || (y && dx == 0);
}

static gboolean
get_known_mean(const DdimCanvas *canvas, guint plane, guint cell, double *mean)
{
  guint n = 0;

  *mean = 0;
  for (guint y = 0; y < CELL; y++)
    for (guint x = 0; x < CELL; x++) {
      const guint at = (cell / COLUMNS * CELL + y) * WIDTH + cell % COLUMNS * CELL + x;
      n += canvas->known[at];
      *mean += canvas->known[at] ? canvas->samples[plane * PIXELS + at] : 0;
    }
  *mean /= MAX(n, 1);
  return 2 * n >= CELL * CELL;
}

/* Solve a x = b in place by elimination with pivots. */
static void
solve(double a[N_CELLS][N_CELLS + 1])
{
  for (guint k = 0; k < N_CELLS; k++) {
    guint best = k;
    for (guint i = k; i < N_CELLS; i++)
      best = fabs(a[i][k]) > fabs(a[best][k]) ? i : best;
    for (guint j = 0; j <= N_CELLS; j++) {
      const double kept = a[k][j];
      a[k][j] = a[best][j];
      a[best][j] = kept;
    }
    for (guint i = 0; i < N_CELLS; i++)
      for (guint j = N_CELLS + 1; i != k && j-- > k;)
        a[i][j] -= a[k][j] * a[i][k] / a[k][k];
  }
  for (guint k = 0; k < N_CELLS; k++)
    a[k][N_CELLS] /= a[k][k];
}

/* How many steps from cell to cell lead from @cell to a known one. */
static guint
get_distance(guint cell, const gboolean *known, DdimWrap wrap)
{
  guint least = G_MAXUINT;

  for (guint other = 0; other < N_CELLS; other++) {
    const guint i = cell % COLUMNS, j = cell / COLUMNS, k = other % COLUMNS, l = other / COLUMNS;
    guint dx = i > k ? i - k : k - i, dy = j > l ? j - l : l - j;
    if (wrap & DDIM_WRAP_X)
      dx = MIN(dx, COLUMNS - dx);
    if (wrap & DDIM_WRAP_Y)
      dy = MIN(dy, ROWS - dy);
    if (known[other])
      least = MIN(least, dx + dy);
  }
  return least;
}

static void
check_plane(const DdimCanvas *canvas, const DdimSurroundings *found, guint plane, DdimWrap wrap)
{
  static double a[N_CELLS][N_CELLS + 1];
  gboolean known[N_CELLS];
  double mean[N_CELLS], sum = 0, squares = 0, differences = 0;
  guint n = 0, n_pairs = 0;

  memset(a, 0, sizeof a);
  for (guint cell = 0; cell < N_CELLS; cell++)
    known[cell] = get_known_mean(canvas, plane, cell, &mean[cell]);
  for (guint cell = 0; cell < N_CELLS; cell++) {
    a[cell][cell] = known[cell] ? 1 : 0;
    a[cell][N_CELLS] = known[cell] ? mean[cell] : 0;
    sum += known[cell] ? mean[cell] : 0;
    squares += known[cell] ? mean[cell] * mean[cell] : 0;
    n += known[cell];
    for (guint other = 0; other < N_CELLS; other++) {
      if (!are_beside(cell % COLUMNS, cell / COLUMNS, other % COLUMNS, other / COLUMNS, wrap))
        continue;
      if (!known[cell]) {
        a[cell][cell] += 1;
        a[cell][other] -= 1;
      } else if (known[other]) {
        differences += pow(mean[cell] - mean[other], 2);
        n_pairs++;
      }
    }
  }
  solve(a);
  const double variance = squares / n - pow(sum / n, 2), d = differences / n_pairs;
  for (guint cell = 0; cell < N_CELLS; cell++) {
    const guint k = MAX(get_distance(cell, known, wrap), 1);
    g_assert_cmpfloat_with_epsilon(found->mean[plane * N_CELLS + cell], a[cell][N_CELLS], 1e-3);
    g_assert_cmpfloat_with_epsilon(found->spread[plane * N_CELLS + cell],
                                   sqrt(MIN(k * d, 2 * variance)), 1e-6);
  }
}

/* Holes of any place and size, also around the edges of rings, and cells that are known in part. */
static void
test_estimates(void)
{
  g_autoptr(GRand) rand = g_rand_new_with_seed(7);

  for (guint i = 0; i < 40; i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(DdimCanvas) canvas = make_canvas(rand);
    const DdimWrap wrap = i % 4;
    const guint left = g_rand_int_range(rand, 0, WIDTH), top = g_rand_int_range(rand, 0, HEIGHT);
    const guint width = g_rand_int_range(rand, 1, 24), height = g_rand_int_range(rand, 1, 15);
    for (guint k = 0; k < width * height; k++)
      canvas->known[(top + k / width) % HEIGHT * WIDTH + (left + k % width) % WIDTH] = 0;
    g_autoptr(DdimSurroundings) found = ddim_surroundings_new(canvas, &whole, CELL, wrap, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(found->columns, ==, COLUMNS);
    g_assert_cmpuint(found->rows, ==, ROWS);
    for (guint plane = 0; plane < N_PLANES; plane++)
      check_plane(canvas, found, plane, wrap);
  }
}

/* An evenly rising picture goes on evenly: at the middle of the hole the mean is that of its
 * borders. */
static void
test_slope(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GRand) rand = g_rand_new_with_seed(1);
  g_autoptr(DdimCanvas) canvas = make_canvas(rand);

  for (guint i = 0; i < N_PLANES * PIXELS; i++)
    canvas->samples[i] = (i % WIDTH) * 0.02f + (i % PIXELS / WIDTH) * 0.01f - 0.5f;
  for (guint y = CELL; y < HEIGHT - CELL; y++)
    memset(canvas->known + y * WIDTH + 2 * CELL, 0, 4 * CELL);
  g_autoptr(DdimSurroundings) found =
      ddim_surroundings_new(canvas, &whole, CELL, DDIM_WRAP_NONE, &error);
  g_assert_no_error(error);
  for (guint cell = 0; cell < N_CELLS; cell++) {
    const double x = cell % COLUMNS * CELL + 1.5, y = cell / COLUMNS * CELL + 1.5;
    g_assert_cmpfloat_with_epsilon(found->mean[cell], x * 0.02 + y * 0.01 - 0.5, 1e-3);
  }
}

/* A picture that is nearly all hole tells nothing; what lies beyond the picture does neither. */
static void
test_nothing_known(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GRand) rand = g_rand_new_with_seed(2);
  g_autoptr(DdimCanvas) canvas = make_canvas(rand);

  memset(canvas->known, 0, PIXELS);
  for (guint y = 0; y < CELL; y++)
    memset(canvas->known + y * WIDTH, 1, 3 * CELL);
  g_autoptr(DdimSurroundings) few =
      ddim_surroundings_new(canvas, &whole, CELL, DDIM_WRAP_NONE, &error);
  g_assert_no_error(error);
  for (guint i = 0; i < N_PLANES * N_CELLS; i++)
    g_assert_true(isinf(few->spread[i]));

  memset(canvas->known, 1, PIXELS);
  memset(canvas->inside + (ROWS - 1) * CELL * WIDTH, 0, CELL * WIDTH);
  for (guint i = 0; i < N_PLANES * PIXELS; i++)
    canvas->samples[i] = i % PIXELS / WIDTH < (ROWS - 1) * CELL ? 0.25f : 9.0f;
  memset(canvas->known + 2 * CELL * WIDTH, 0, (ROWS - 2) * CELL * WIDTH);
  g_autoptr(DdimSurroundings) edge =
      ddim_surroundings_new(canvas, &whole, CELL, DDIM_WRAP_NONE, &error);
  g_assert_no_error(error);
  for (guint cell = 0; cell < (ROWS - 1) * COLUMNS; cell++)
    g_assert_cmpfloat_with_epsilon(edge->mean[cell], 0.25, 1e-3);
}

/* ---- the weight of an estimate ---- */

/* Noise over signal at each step of the original's linear schedule, from its definition. */
static void
test_noise_levels(void)
{
  g_autoptr(GError) error = NULL;
  const DdimDiffusionParams params = DDIM_DIFFUSION_PARAMS_INIT;
  g_autoptr(DdimDiffusion) diffusion = ddim_diffusion_new(&params, &error);
  g_assert_no_error(error);
  const DdimSampleParams sample = DDIM_SAMPLE_PARAMS_INIT;
  g_autoptr(DdimStepTable) steps = ddim_step_table_new_loop(diffusion, &sample, &error);
  g_assert_no_error(error);
  double product = 1;

  for (guint t = 0; t < 1000; t++) {
    const DdimTableStep *step = ddim_step_table_get_step(steps, 999 - t);
    product *= 1 - (0.0001 + (0.02 - 0.0001) * t / 999);
    g_assert_cmpuint(step->t, ==, t);
    const double expected = sqrt((1 - product) / product);
    g_assert_cmpfloat_with_epsilon(ddim_step_table_get_noise_level(steps, step), expected,
                                   1e-9 * expected);
  }
}

/* Cells of 2x2 pixels, of which the region has one, two or four. */
static void
test_weights(void)
{
  static const guint8 region[16] = {1, 0, 1, 1, /**/ 0, 0, 1, 1, /**/ 1, 1, 0, 0, /**/ 0, 0, 0, 0};
  static const double y[4] = {0.5, -0.25, 0.125, 0.75}, spread[4] = {0.1, 0.4, INFINITY, 0.2};
  static const guint counts[4] = {1, 4, 2, 0};
  const DdimConstraintParams params = {.channels = 1,
                                       .height = 4,
                                       .width = 4,
                                       .region = region,
                                       .cell_width = 2,
                                       .cell_height = 2,
                                       .y = y,
                                       .spread = spread};
  g_autoptr(DdimConstraint) constraint = ddim_constraint_new(&params);
  const DdimStep step = {.sigma = 0.3};
  static const double levels[] = {0, 0.05, 0.3, 2, 100, INFINITY};

  g_assert_true(ddim_constraint_has_spread(constraint));
  for (guint k = 0; k < G_N_ELEMENTS(levels); k++) {
    double x0[16], before[4] = {0};
    for (guint i = 0; i < 16; i++) {
      x0[i] = sin(i + 1.0);
      before[i / 8 * 2 + i % 4 / 2] += region[i] ? x0[i] : 0;
    }
    ddim_constraint_apply(constraint, &step, levels[k], 1, x0, NULL);
    for (guint i = 0; i < 16; i++) {
      const guint cell = i / 8 * 2 + i % 4 / 2;
      double expected = sin(i + 1.0);
      if (region[i] && !isinf(spread[cell]) && levels[k] > 0) {
        const double own = 16 * counts[cell] / (levels[k] * levels[k]),
                     other = 1 / (spread[cell] * spread[cell]);
        const double mean = before[cell] / counts[cell];
        expected += (mean * own + y[cell] * other) / (own + other) - mean;
      }
      g_assert_cmpfloat_with_epsilon(x0[i], expected, 1e-12);
    }
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/surroundings/estimates", test_estimates);
  g_test_add_func("/surroundings/slope", test_slope);
  g_test_add_func("/surroundings/nothing-known", test_nothing_known);
  g_test_add_func("/surroundings/noise-levels", test_noise_levels);
  g_test_add_func("/surroundings/weights", test_weights);
  return g_test_run();
}
