/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/edit/surroundings.h"

#include <math.h>

#include "core/data/memory.h"

/* Interpolation is done when no mean changes by more than NEAR any more, at the latest after
 * MAX_TURNS. */
#define NEAR 1e-5
#define MAX_TURNS 2000
/* Fewer pairs of known cells tell nothing about the others. */
#define LEAST_PAIRS 8

/* The cells of a window. */
typedef struct {
  guint columns, rows;
  DdimWrap wrap;
  guint *known;    /* [rows][columns]: how many pixels are known */
  guint *inside;   /* how many lie on the picture */
  guint *distance; /* from the nearest known cell; G_MAXUINT where there is none */
} Grid;

static void
grid_clear(Grid *grid)
{
  g_free(grid->known);
  g_free(grid->inside);
  g_free(grid->distance);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Grid, grid_clear)

static gboolean
is_known(const Grid *grid, gsize at)
{
  return grid->known[at] > 0 && 2 * grid->known[at] >= grid->inside[at];
}

/* The cells beside cell @at that lie on the picture: right and below it first. */
static guint
find_neighbors(const Grid *grid, gsize at, gsize *found)
{
  const guint column = at % grid->columns, row = at / grid->columns;
  const gboolean x = (grid->wrap & DDIM_WRAP_X) != 0, y = (grid->wrap & DDIM_WRAP_Y) != 0;
  const gsize start = (gsize)row * grid->columns;
  guint n = 0;

  if (column + 1 < grid->columns || x)
    found[n++] = start + (column + 1) % grid->columns;
  if (row + 1 < grid->rows || y)
    found[n++] = (gsize)((row + 1) % grid->rows) * grid->columns + column;
  if (column > 0 || x)
    found[n++] = start + (column + grid->columns - 1) % grid->columns;
  if (row > 0 || y)
    found[n++] = (gsize)((row + grid->rows - 1) % grid->rows) * grid->columns + column;
  for (guint i = n; i-- > 0;)
    if (grid->inside[found[i]] == 0)
      found[i] = found[--n];
  return n;
}

static void
measure_distances(Grid *grid)
{
  const gsize n = (gsize)grid->columns * grid->rows;
  gboolean changed = TRUE;

  for (gsize at = 0; at < n; at++)
    grid->distance[at] = is_known(grid, at) ? 0 : G_MAXUINT;
  for (guint reach = 0; changed; reach++) {
    changed = FALSE;
    for (gsize at = 0; at < n; at++) {
      gsize neighbors[4];
      const guint k = grid->distance[at] == G_MAXUINT ? find_neighbors(grid, at, neighbors) : 0;
      for (guint i = 0; i < k; i++)
        if (grid->distance[neighbors[i]] == reach) {
          grid->distance[at] = reach + 1;
          changed = TRUE;
        }
    }
  }
}

static gboolean
grid_init(Grid *grid, const guint8 *known, const guint8 *inside, const DdimRect *window, guint cell,
          DdimWrap wrap, GError **error)
{
  gsize n;

  *grid = (Grid){.columns = MAX((window->width - 1) / cell + 1, 1),
                 .rows = MAX((window->height - 1) / cell + 1, 1),
                 .wrap = wrap};
  n = (gsize)grid->columns * grid->rows;
  if (!(grid->known = ddim_try_alloc(n, sizeof(guint), error)) ||
      !(grid->inside = ddim_try_alloc(n, sizeof(guint), error)) ||
      !(grid->distance = ddim_try_alloc(n, sizeof(guint), error)))
    return FALSE;
  for (guint y = 0; y < window->height; y++)
    for (guint x = 0; x < window->width; x++) {
      const gsize at = (gsize)(y / cell) * grid->columns + x / cell;
      const gsize pixel = (gsize)y * window->width + x;
      grid->known[at] += inside[pixel] && known[pixel];
      grid->inside[at] += inside[pixel];
    }
  measure_distances(grid);
  return TRUE;
}

/* The means of known pixels, in the cells that have any. @plane [window->height][window->width] */
static void
take_means(const Grid *grid, const DdimRect *window, guint cell, const guint8 *known,
           const float *plane, double *mean)
{
  for (guint y = 0; y < window->height; y++)
    for (guint x = 0; x < window->width; x++) {
      const gsize at = (gsize)(y / cell) * grid->columns + x / cell;
      const gsize pixel = (gsize)y * window->width + x;
      if (known[pixel] && grid->known[at])
        mean[at] += (double)plane[pixel] / grid->known[at];
    }
}

/* Let unknown cells have the mean of those beside them. */
static void
interpolate(const Grid *grid, double *mean)
{
  double change = 1;

  for (guint turn = 0; turn < MAX_TURNS && change > NEAR; turn++) {
    change = 0;
    for (gsize at = 0; at < (gsize)grid->columns * grid->rows; at++) {
      gsize neighbors[4];
      const guint n = grid->distance[at] && grid->distance[at] != G_MAXUINT
                          ? find_neighbors(grid, at, neighbors)
                          : 0;
      double sum = 0;
      for (guint i = 0; i < n; i++)
        sum += mean[neighbors[i]];
      if (n == 0)
        continue;
      change = fmax(change, fabs(sum / n - mean[at]));
      mean[at] = sum / n;
    }
  }
}

/* The variance of known cells, and the mean squared difference of those side by side; FALSE where
 * too few are known. */
static gboolean
measure_spread(const Grid *grid, const double *mean, double *variance, double *difference)
{
  double sum = 0, squares = 0, differences = 0;
  gsize n = 0, n_pairs = 0;

  for (gsize at = 0; at < (gsize)grid->columns * grid->rows; at++) {
    gsize neighbors[4];
    if (grid->distance[at])
      continue;
    sum += mean[at];
    squares += mean[at] * mean[at];
    n++;
    for (guint i = find_neighbors(grid, at, neighbors); i-- > 0;)
      if (grid->distance[neighbors[i]] == 0) {
        differences += pow(mean[at] - mean[neighbors[i]], 2);
        n_pairs++;
      }
  }
  if (n_pairs < 2 * LEAST_PAIRS) /* each was counted from both sides */
    return FALSE;
  *variance = fmax(0, squares / n - sum / n * (sum / n));
  *difference = differences / n_pairs;
  return TRUE;
}

static void
estimate(const Grid *grid, double *mean, double *spread)
{
  double variance = 0, difference = 0;
  const gboolean some = measure_spread(grid, mean, &variance, &difference);

  for (gsize at = 0; at < (gsize)grid->columns * grid->rows; at++)
    spread[at] = some && grid->distance[at] != G_MAXUINT
                     ? sqrt(fmin(MAX(grid->distance[at], 1) * difference, 2 * variance))
                     : INFINITY;
  if (some)
    interpolate(grid, mean);
}

DdimSurroundings *
ddim_surroundings_new(const DdimCanvas *canvas, const DdimRect *window, guint cell, DdimWrap wrap,
                      GError **error)
{
  g_return_val_if_fail(window->width > 0 && window->height > 0 && cell > 0, NULL);

  g_autoptr(DdimSurroundings) self = g_new0(DdimSurroundings, 1);
  const gsize pixels = (gsize)window->width * window->height;
  const guint n_planes = canvas->n * canvas->channels;
  g_autofree guint8 *known = ddim_try_alloc(pixels, 1, error);
  g_autofree guint8 *inside = known ? ddim_try_alloc(pixels, 1, error) : NULL;
  g_autofree float *samples =
      inside ? ddim_try_alloc(pixels * n_planes, sizeof(float), error) : NULL;
  g_auto(Grid) grid = {0};

  if (!samples)
    return NULL;
  ddim_canvas_get_map(canvas, canvas->known, window, known);
  ddim_canvas_get_map(canvas, canvas->inside, window, inside);
  ddim_canvas_get(canvas, window, samples);
  if (!grid_init(&grid, known, inside, window, cell, wrap, error))
    return NULL;
  self->columns = grid.columns;
  self->rows = grid.rows;
  const gsize n = (gsize)grid.columns * grid.rows;
  if (!(self->mean = ddim_try_alloc(n * n_planes, sizeof(double), error)) ||
      !(self->spread = ddim_try_alloc(n * n_planes, sizeof(double), error)))
    return NULL;
  for (guint p = 0; p < n_planes; p++) {
    take_means(&grid, window, cell, known, samples + p * pixels, self->mean + p * n);
    estimate(&grid, self->mean + p * n, self->spread + p * n);
  }
  return g_steal_pointer(&self);
}

void
ddim_surroundings_free(DdimSurroundings *surroundings)
{
  if (!surroundings)
    return;
  g_free(surroundings->mean);
  g_free(surroundings->spread);
  g_free(surroundings);
}
