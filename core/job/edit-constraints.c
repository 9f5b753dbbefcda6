/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the sampling loop of a window is held to. */
#include "core/data/memory.h"
#include "core/edit/fading.h"
#include "core/edit/surroundings.h"
#include "core/job/edit.h"

/* Side of the cells whose mean colors are estimated from what is around a hole. */
#define SURROUNDINGS_CELL 4

static DdimConstraintParams
get_params(const DdimCanvas *canvas, const DdimRect *window)
{
  return (DdimConstraintParams){.channels = canvas->channels,
                                .height = window->height,
                                .width = window->width,
                                .cell_width = 1,
                                .cell_height = 1};
}

static gboolean
is_any(const guint8 *map, gsize n)
{
  for (gsize i = 0; i < n; i++)
    if (map[i])
      return TRUE;
  return FALSE;
}

/* Pixels that stay. */
static gboolean
add_known(const DdimEdit *edit, const DdimCanvas *canvas, const DdimRect *window,
          const guint8 *known, DdimConstraints *constraints, GError **error)
{
  DdimConstraintParams params = get_params(canvas, window);
  const gsize size = (gsize)canvas->channels * window->width * window->height;
  g_autofree float *samples = NULL;
  g_autofree double *y = NULL;

  if (!is_any(known, (gsize)window->width * window->height))
    return TRUE;
  if (!(samples = ddim_try_alloc(size * canvas->n, sizeof(float), error)) ||
      !(y = ddim_try_alloc(size * canvas->n, sizeof(double), error)))
    return FALSE;
  ddim_canvas_get(canvas, window, samples);
  for (gsize i = 0; i < size * canvas->n; i++)
    y[i] = samples[i];
  params.region = known;
  params.n_y = canvas->n;
  params.y = y;
  params.noise = edit->command & DDIM_COMMANDS_FILLS ? edit->noise : 0;
  ddim_constraints_add(constraints, ddim_constraint_new(&params));
  return TRUE;
}

/* What the pixels around a hole tell of its colors. */
static gboolean
add_surroundings(const DdimEdit *edit, const DdimCanvas *canvas, const DdimRect *window,
                 const guint8 *region, DdimConstraints *constraints, GError **error)
{
  DdimConstraintParams params = get_params(canvas, window);
  g_autoptr(DdimSurroundings) surroundings =
      ddim_surroundings_new(canvas, window, SURROUNDINGS_CELL, edit->frame->wrap, error);

  if (!surroundings)
    return FALSE;
  params.region = region;
  params.cell_width = params.cell_height = SURROUNDINGS_CELL;
  params.n_y = canvas->n;
  params.y = surroundings->mean;
  params.spread = surroundings->spread;
  ddim_constraints_add(constraints, ddim_constraint_new(&params));
  return TRUE;
}

/* What is blended in the end holds to what was there. */
static gboolean
add_fading(const DdimCanvas *canvas, const DdimRect *window, DdimConstraints *constraints,
           GError **error)
{
  GError *trouble = NULL;
  DdimConstraint *fading = ddim_fading_new(canvas, window, &trouble);

  if (trouble) {
    g_propagate_error(error, trouble);
    return FALSE;
  }
  if (fading)
    ddim_constraints_add(constraints, fading);
  return TRUE;
}

/* Where along an axis of edit->known cell @at is. Beyond the end of a ring of @size cells it begins
 * again; G_MAXUINT where there is none. */
static guint
find_cell(gboolean ring, guint at, guint size)
{
  return ring ? at % size : at < size ? at : G_MAXUINT;
}

/* Means of cells, from the part of edit->known that the window is on. */
static gboolean
add_cells(const DdimEdit *edit, const DdimCanvas *canvas, const DdimRect *window,
          const guint8 *region, DdimConstraints *constraints, GError **error)
{
  DdimConstraintParams params = get_params(canvas, window);
  const guint channels = edit->gray ? 1 : canvas->channels;
  const guint columns = window->width / edit->cell, rows = window->height / edit->cell;
  const guint left = (edit->frame->rect.x + window->x) / edit->cell;
  const guint top = (edit->frame->rect.y + window->y) / edit->cell;
  g_autofree double *y = ddim_try_alloc((gsize)channels * rows * columns, sizeof(double), error);

  if (!y)
    return FALSE;
  for (gsize k = 0; k < (gsize)channels * rows * columns; k++) {
    const guint c = k / columns / rows;
    const guint row =
        find_cell((edit->rings & DDIM_WRAP_Y) != 0, top + k / columns % rows, edit->known_height);
    const guint column =
        find_cell((edit->rings & DDIM_WRAP_X) != 0, left + k % columns, edit->known_width);
    if (row != G_MAXUINT && column != G_MAXUINT)
      y[k] = edit->known[((gsize)c * edit->known_height + row) * edit->known_width + column];
  }
  params.region = region;
  params.cell_width = params.cell_height = edit->cell;
  params.gray = edit->gray;
  params.y = y;
  params.noise = edit->noise;
  ddim_constraints_add(constraints, ddim_constraint_new(&params));
  return TRUE;
}

/* The mean brightness of a gray picture in @region of the window. */
static double
get_mean_gray(const DdimEdit *edit, const DdimRect *window, const guint8 *region)
{
  double sum = 0;
  gsize n = 0;

  for (guint y = 0; y < window->height; y++)
    for (guint x = 0; x < window->width; x++)
      if (region[(gsize)y * window->width + x]) {
        sum += edit->known[(gsize)(edit->frame->rect.y + window->y + y) * edit->known_width +
                           edit->frame->rect.x + window->x + x];
        n++;
      }
  return n ? sum / n : 0;
}

/* Which pixels of a window lie on the picture, and which of them are known. */
typedef struct {
  guint8 *inside, *known; /* [height][width] */
} Maps;

static void
maps_clear(Maps *maps)
{
  g_clear_pointer(&maps->inside, g_free);
  g_clear_pointer(&maps->known, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Maps, maps_clear)

static gboolean
maps_read(Maps *maps, const DdimCanvas *canvas, const DdimRect *window, GError **error)
{
  const gsize n = (gsize)window->width * window->height;

  if (!(maps->known = ddim_try_alloc(n, 1, error)) || !(maps->inside = ddim_try_alloc(n, 1, error)))
    return FALSE;
  ddim_canvas_get_map(canvas, canvas->known, window, maps->known);
  ddim_canvas_get_map(canvas, canvas->inside, window, maps->inside);
  return TRUE;
}

DdimConstraints *
ddim_edit_make_constraints(const DdimEdit *edit, const DdimCanvas *canvas, const DdimRect *window,
                           GError **error)
{
  g_autoptr(DdimConstraints) constraints = ddim_constraints_new();
  g_auto(Maps) maps = {0};

  if (!maps_read(&maps, canvas, window, error))
    return NULL;
  guint8 *region = maps.inside;
  for (gsize i = 0; i < (gsize)window->width * window->height; i++)
    region[i] = region[i] && !maps.known[i];
  if ((edit->follows && !edit->color.given &&
       !add_surroundings(edit, canvas, window, region, constraints, error)) ||
      !add_fading(canvas, window, constraints, error) ||
      !add_known(edit, canvas, window, maps.known, constraints, error) ||
      (edit->known && !add_cells(edit, canvas, window, region, constraints, error)))
    return NULL;
  /* Of a gray picture that is colored, the color says the hue alone. */
  if (edit->color.given)
    ddim_mean_color_constrain(&edit->color, window->width, window->height, region,
                              edit->gray ? get_mean_gray(edit, window, region) -
                                               ddim_mean_color_get_gray(&edit->color)
                                         : 0,
                              constraints);
  return g_steal_pointer(&constraints);
}

DdimConstraints *
ddim_edit_make_known(const DdimEdit *edit, const DdimCanvas *canvas, const DdimRect *window,
                     GError **error)
{
  g_autoptr(DdimConstraints) constraints = ddim_constraints_new();
  g_auto(Maps) maps = {0};

  if (!maps_read(&maps, canvas, window, error) ||
      !(edit->known ? add_cells(edit, canvas, window, maps.inside, constraints, error)
                    : add_known(edit, canvas, window,
                                edit->command == DDIM_COMMAND_VARY ? maps.inside : maps.known,
                                constraints, error)))
    return NULL;
  return g_steal_pointer(&constraints);
}
