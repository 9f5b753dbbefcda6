/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/diffusion/constraint.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "core/data/error.h"

struct _DdimConstraint {
  DdimConstraintParams params;
  guint8 *region;      /* [H][W]; NULL: everywhere */
  guint columns, rows; /* of cells */
  double *y, *spread;
};

/* The values that one mean is taken over: pixels of the region, in one channel or in all. */
typedef struct {
  guint x0, x1, y0, y1; /* pixels from the first to before the second */
  guint c0, c1;         /* channels likewise */
  double y;             /* what the mean must be */
  double spread;        /* of y */
} Cell;

DdimConstraint *
ddim_constraint_new(const DdimConstraintParams *params)
{
  g_return_val_if_fail(params->cell_width > 0 && params->cell_height > 0, NULL);
  DdimConstraint *self = g_new0(DdimConstraint, 1);
  const gsize pixels = (gsize)params->height * params->width;
  gsize cells;

  self->params = *params;
  self->columns = (params->width - 1) / params->cell_width + 1;
  self->rows = (params->height - 1) / params->cell_height + 1;
  cells = (gsize)self->columns * self->rows * (params->gray ? 1 : params->channels);
  self->region = params->region ? g_memdup2(params->region, pixels) : NULL;
  self->params.n_y = MAX(params->n_y, 1);
  self->y = g_memdup2(params->y, self->params.n_y * cells * sizeof *self->y);
  if (params->spread)
    self->spread = g_memdup2(params->spread, self->params.n_y * cells * sizeof *self->spread);
  return self;
}

void
ddim_constraint_free(DdimConstraint *constraint)
{
  if (!constraint)
    return;
  g_free(constraint->region);
  g_free(constraint->y);
  g_free(constraint->spread);
  g_free(constraint);
}

gboolean
ddim_constraint_has_noise(const DdimConstraint *constraint)
{
  return constraint->params.noise > 0;
}

gboolean
ddim_constraint_has_spread(const DdimConstraint *constraint)
{
  return constraint->spread != NULL;
}

static gsize
count_values(const DdimConstraint *self)
{
  return (gsize)self->params.channels * self->params.height * self->params.width;
}

static gsize
count_cells(const DdimConstraint *self)
{
  return (gsize)self->columns * self->rows * (self->params.gray ? 1 : self->params.channels);
}

static Cell
get_cell(const DdimConstraint *self, gsize image, gsize index)
{
  const DdimConstraintParams *params = &self->params;
  const guint column = index % self->columns, row = index / self->columns % self->rows;
  const guint channel = index / self->columns / self->rows;
  const gsize at = image % params->n_y * count_cells(self) + index;

  return (Cell){.x0 = column * params->cell_width,
                .x1 = MIN((guint64)(column + 1) * params->cell_width, params->width),
                .y0 = row * params->cell_height,
                .y1 = MIN((guint64)(row + 1) * params->cell_height, params->height),
                .c0 = params->gray ? 0 : channel,
                .c1 = params->gray ? params->channels : channel + 1,
                .y = self->y[at],
                .spread = self->spread ? self->spread[at] : 0};
}

/* The mean of @cell's values in @image, and how many they are. */
static double
get_mean(const DdimConstraint *self, const Cell *cell, const double *image, gsize *count)
{
  const gsize width = self->params.width, plane = width * self->params.height;
  double sum = 0;
  gsize n = 0;

  for (gsize c = cell->c0; c < cell->c1; c++)
    for (gsize y = cell->y0; y < cell->y1; y++)
      for (gsize x = cell->x0; x < cell->x1; x++)
        if (!self->region || self->region[y * width + x]) {
          sum += image[c * plane + y * width + x];
          n++;
        }
  *count = n;
  return n ? sum / n : 0;
}

static void
add_to_cell(const DdimConstraint *self, const Cell *cell, double *image, double value)
{
  const gsize width = self->params.width, plane = width * self->params.height;

  for (gsize c = cell->c0; c < cell->c1; c++)
    for (gsize y = cell->y0; y < cell->y1; y++)
      for (gsize x = cell->x0; x < cell->x1; x++)
        if (!self->region || self->region[y * width + x])
          image[c * plane + y * width + x] += value;
}

/* How one cell is corrected in one step. The mean of @count values has the singular value
 * 1 / sqrt(count), so noise of standard deviation s in y is s * sqrt(count) along the cell's
 * direction. The step multiplies it by next_x0. */
static void
choose_weights(const DdimConstraint *self, const DdimStep *step, gsize count, double *correction,
               double *noise)
{
  const double brought = fabs(step->next_x0) * self->params.noise * sqrt(count);

  *correction = brought <= step->sigma ? 1 : step->sigma / brought;
  *noise = step->sigma == 0 ? 1 : sqrt(fmax(0, 1 - pow(*correction * brought / step->sigma, 2)));
}

/* The model's prediction of a mean is as good as if it saw so many times the pixels: it looks at
 * what is around them as well. With 1, fillings of coarse patterns lost most of their contrast. */
#define SIGHT 16

/* How much of a difference is corrected where y has a spread. */
static double
weigh(const Cell *cell, double level, gsize count)
{
  const double own = level * level / count / SIGHT, other = cell->spread * cell->spread;

  return isinf(other) || own == 0 ? 0 : isinf(own) ? 1 : own / (own + other);
}

static void
apply_to_image(const DdimConstraint *self, const DdimStep *step, double level, gsize image,
               double *x0, double *noise)
{
  const gsize n_cells = count_cells(self);

  for (gsize i = 0; i < n_cells; i++) {
    const Cell cell = get_cell(self, image, i);
    double correction = 1, kept = 1;
    gsize count;
    const double difference = cell.y - get_mean(self, &cell, x0, &count);

    if (step && self->params.noise > 0 && count > 0)
      choose_weights(self, step, count, &correction, &kept);
    if (step && self->spread && count > 0)
      correction = weigh(&cell, level, count);
    add_to_cell(self, &cell, x0, correction * difference);
    if (noise && kept < 1)
      add_to_cell(self, &cell, noise, (kept - 1) * get_mean(self, &cell, noise, &count));
  }
}

void
ddim_constraint_correct(const DdimConstraint *constraint, gsize n, double *x0)
{
  for (gsize i = 0; i < n; i++)
    apply_to_image(constraint, NULL, 0, i, x0 + i * count_values(constraint), NULL);
}

void
ddim_constraint_apply(const DdimConstraint *constraint, const DdimStep *step, double level, gsize n,
                      double *x0, double *noise)
{
  const gsize size = count_values(constraint);

  for (gsize i = 0; i < n; i++)
    apply_to_image(constraint, step, level, i, x0 + i * size, noise ? noise + i * size : NULL);
}

double
ddim_constraint_get_distance(const DdimConstraint *constraint, gsize n, const double *x0)
{
  const gsize size = count_values(constraint), n_cells = count_cells(constraint);
  double greatest = 0;

  for (gsize i = 0; i < n; i++)
    for (gsize k = 0; k < n_cells; k++) {
      const Cell cell = get_cell(constraint, i, k);
      gsize count;
      const double mean = get_mean(constraint, &cell, x0 + i * size, &count);
      if (count)
        greatest = fmax(greatest, fabs(cell.y - mean));
    }
  return greatest;
}

/* ---- the constraints of a loop ---- */

/* Correcting and clipping take turns at most MAX_TURNS times, and end earlier when the constraints
 * are met to a twentieth of a byte. */
#define MAX_TURNS 64
#define NEAR (0.05 / 127.5)

struct _DdimConstraints {
  GPtrArray *all; /* DdimConstraint */
  gsize count;    /* values of x0 */
  double *x0, *noise;
};

DdimConstraints *
ddim_constraints_new(void)
{
  DdimConstraints *self = g_new0(DdimConstraints, 1);

  self->all = g_ptr_array_new_with_free_func((GDestroyNotify)ddim_constraint_free);
  return self;
}

void
ddim_constraints_free(DdimConstraints *constraints)
{
  if (!constraints)
    return;
  g_ptr_array_unref(constraints->all);
  g_free(constraints->x0);
  g_free(constraints->noise);
  g_free(constraints);
}

void
ddim_constraints_add(DdimConstraints *constraints, DdimConstraint *constraint)
{
  g_ptr_array_add(constraints->all, constraint);
}

guint
ddim_constraints_get_n(const DdimConstraints *constraints)
{
  return constraints->all->len;
}

static const DdimConstraint *
get(const DdimConstraints *self, guint index)
{
  return g_ptr_array_index(self->all, index);
}

void
ddim_constraints_correct(const DdimConstraints *constraints, gsize n, double *x0)
{
  for (guint i = 0; i < constraints->all->len; i++)
    ddim_constraint_correct(get(constraints, i), n, x0);
}

static gboolean
any_has_noise(const DdimConstraints *self)
{
  for (guint i = 0; i < self->all->len; i++)
    if (ddim_constraint_has_noise(get(self, i)))
      return TRUE;
  return FALSE;
}

static void
clip(DdimConstraints *self, double limit)
{
  for (gsize i = 0; i < self->count; i++)
    self->x0[i] = CLAMP(self->x0[i], -limit, limit);
}

static double
get_distance(const DdimConstraints *self, gsize n)
{
  double greatest = 0;

  for (guint i = 0; i < self->all->len; i++)
    if (!ddim_constraint_has_spread(get(self, i)))
      greatest = fmax(greatest, ddim_constraint_get_distance(get(self, i), n, self->x0));
  return greatest;
}

/* Make the finished image agree with y and stay in the range of colors at the same time, if both
 * are possible. */
static void
settle(DdimConstraints *self, gsize n, double limit)
{
  for (guint turn = 0; turn < MAX_TURNS && get_distance(self, n) > NEAR; turn++) {
    for (guint i = 0; i < self->all->len; i++)
      if (!ddim_constraint_has_spread(get(self, i)))
        ddim_constraint_correct(get(self, i), n, self->x0);
    clip(self, limit);
  }
}

static gboolean
have_buffers(DdimConstraints *self, const DdimSamplingPoint *point, GError **error)
{
  const gsize count = ddim_sampling_get_count(point, DDIM_SAMPLING_X0);

  if (self->count == count)
    return TRUE;
  g_clear_pointer(&self->x0, g_free);
  g_clear_pointer(&self->noise, g_free);
  self->count = 0;
  self->x0 = g_try_new(double, MAX(count, 1));
  self->noise = g_try_new(double, MAX(count, 1));
  if (self->x0 && self->noise) {
    self->count = count;
    return TRUE;
  }
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
              _("not enough memory to correct %zu values: make fewer or smaller images at a time"),
              count);
  return FALSE;
}

static gboolean
on_prediction(const DdimSamplingPoint *point, gpointer user_data, GError **error)
{
  DdimConstraints *self = user_data;
  const DdimStep *step = &point->step->arithmetic;
  const gboolean noisy = any_has_noise(self);
  const gboolean with_noise = noisy && step->sigma != 0;
  const double limit = ddim_step_get_limit(step);
  const double level = ddim_step_table_get_noise_level(point->table, point->step);
  const gboolean last =
      point->step->t == 0 && point->index + 1 == ddim_step_table_get_n_steps(point->table);
  gsize n;

  if (self->all->len == 0)
    return TRUE;
  if (noisy && step->sigma_type != DDIM_SIGMA_FIXED) {
    g_set_error_literal(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
                        _("a noisy picture cannot be followed with learned variances; use the "
                          "sampler ddim"));
    return FALSE;
  }
  if (!have_buffers(self, point, error) ||
      !ddim_sampling_read(point, DDIM_SAMPLING_X0, self->x0, error) ||
      (with_noise && !ddim_sampling_read(point, DDIM_SAMPLING_NOISE, self->noise, error)))
    return FALSE;
  n = self->count / count_values(get(self, 0));
  for (guint i = 0; i < self->all->len; i++)
    ddim_constraint_apply(get(self, i), step, level, n, self->x0, with_noise ? self->noise : NULL);
  if (step->clip)
    clip(self, limit);
  if (step->clip && last && !noisy)
    settle(self, n, limit);
  return ddim_sampling_write(point, DDIM_SAMPLING_X0, self->x0, error) &&
         (!with_noise || ddim_sampling_write(point, DDIM_SAMPLING_NOISE, self->noise, error));
}

DdimSamplingHooks
ddim_constraints_get_hooks(DdimConstraints *constraints)
{
  return (DdimSamplingHooks){.on_prediction = on_prediction, .user_data = constraints};
}
