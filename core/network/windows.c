/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/network/windows.h"

#include <string.h>

#include "core/network/evaluator-private.h"
#include "core/network/window-axis.h"

/* Windows are computed several at a time, with at most so many pixels in all. */
#define BATCH_PIXELS (16 * 64 * 64)

/* The ways in which windows lie. */
typedef enum { PLAIN, SHIFTED, N_GRIDS } GridKind;

typedef struct {
  DdimWindowAxis *columns, *rows;
  DdimClWindows *windows;
  DdimEvaluator *rest; /* of the windows that are left in a row; NULL for none */
} Grid;

typedef struct {
  DdimClBuffer *map;
  guint8 *used[N_GRIDS]; /* [rows][columns]: whether it has a part of the window */
  DdimClassMix *mix;
} Region;

typedef struct {
  DdimEvaluator *evaluator; /* whose parts these are; it owns this */
  Grid grids[N_GRIDS];
  guint8 *kinds;       /* [steps] GridKind */
  guint batch;         /* windows that are computed at a time */
  DdimEvaluator *full; /* of so many windows */
  DdimClTensor sum;    /* of the classes' outputs in `batch` windows; only with regions */
  DdimClBuffer *sum_memory;
  Region *regions;
  guint n_regions;
  DdimConditioning **conditionings; /* one for each region, else for each image */
  guint n_conditionings;
  gboolean (*progress)(double fraction, gpointer data, GError **error);
  gpointer progress_data;
  gboolean backwards;
} Parts;

static void
clear_conditionings(Parts *parts)
{
  for (guint i = 0; i < parts->n_conditionings; i++)
    ddim_conditioning_free(parts->conditionings[i]);
  g_clear_pointer(&parts->conditionings, g_free);
  g_clear_pointer(&parts->kinds, g_free);
  parts->n_conditionings = 0;
}

static void
grid_clear(Grid *grid)
{
  ddim_cl_windows_free(grid->windows);
  ddim_evaluator_unref(grid->rest);
  ddim_window_axis_free(grid->columns);
  ddim_window_axis_free(grid->rows);
}

static void
parts_free(gpointer data)
{
  Parts *parts = data;

  clear_conditionings(parts);
  for (guint i = 0; i < parts->n_regions; i++) {
    ddim_cl_buffer_free(parts->regions[i].map);
    for (guint k = 0; k < N_GRIDS; k++)
      g_free(parts->regions[i].used[k]);
    ddim_class_mix_free(parts->regions[i].mix);
  }
  g_free(parts->regions);
  for (guint k = 0; k < N_GRIDS; k++)
    grid_clear(&parts->grids[k]);
  ddim_cl_buffer_free(parts->sum_memory);
  ddim_evaluator_unref(parts->full);
  g_free(parts);
}

/* ---- conditions ---- */

static gboolean
add_conditioning(Parts *parts, const double *timesteps, guint n_steps, const gint64 *label,
                 const DdimClassMix *mix, GError **error)
{
  DdimConditioning *one =
      ddim_conditioning_new(parts->evaluator->network, timesteps, n_steps, 1, label, mix, 1, error);

  if (one)
    parts->conditionings[parts->n_conditionings++] = one;
  return one != NULL;
}

static int
compare_timesteps(gconstpointer a, gconstpointer b)
{
  const double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

/* How windows lie in each step. (transfer full) */
static guint8 *
choose_kinds(const double *timesteps, guint n)
{
  g_autofree double *sorted = g_memdup2(timesteps, n * sizeof *timesteps);
  guint8 *kinds = g_new(guint8, n);
  guint n_different = 0;

  qsort(sorted, n, sizeof *sorted, compare_timesteps);
  for (guint i = 0; i < n; i++)
    if (n_different == 0 || sorted[i] != sorted[n_different - 1])
      sorted[n_different++] = sorted[i];
  for (guint i = 0; i < n; i++) {
    const double *found =
        bsearch(&timesteps[i], sorted, n_different, sizeof *sorted, compare_timesteps);
    kinds[i] = (found - sorted) % N_GRIDS;
  }
  return kinds;
}

/* Every window of an image has the image's conditions, so one row of them is enough. */
static gboolean
set_conditions(gpointer data, const double *timesteps, guint n_steps, guint per_step,
               const gint64 *labels, const DdimClassMix *mix, GError **error)
{
  Parts *parts = data;
  const guint images = parts->evaluator->size.batch, n = MAX(images, parts->n_regions);

  g_return_val_if_fail(per_step == 1, FALSE);
  clear_conditionings(parts);
  parts->kinds = choose_kinds(timesteps, n_steps);
  parts->conditionings = g_new0(DdimConditioning *, n);
  for (guint i = 0; i < parts->n_regions; i++)
    if (!add_conditioning(parts, timesteps, n_steps, NULL, parts->regions[i].mix, error))
      return FALSE;
  for (guint i = 0; parts->n_regions == 0 && i < images; i++)
    if (!add_conditioning(parts, timesteps, n_steps, labels ? labels + i : NULL, mix, error))
      return FALSE;
  return TRUE;
}

static gboolean
load_conditions(const Parts *parts, DdimEvaluator *part, guint conditioning, guint step,
                GError **error)
{
  const guint columns = part->network->embedding.columns;

  for (guint i = 0; i < part->size.batch; i++)
    if (!ddim_conditioning_load(parts->conditionings[conditioning], step, part->plan,
                                ddim_cl_mem_skip_floats(part->ports.emb, (guint64)i * columns),
                                error))
      return FALSE;
  return TRUE;
}

/* ---- one evaluation ---- */

/* Where an evaluation is. */
typedef struct {
  Parts *parts;
  GridKind kind;
  const Grid *grid;
  DdimClMem x; /* of the whole batch */
  guint step, image;
  guint done; /* windows */
} Run;

static gboolean
gather(const Run *run, const DdimClWindowBatch *batch, DdimEvaluator *part, GError **error)
{
  const DdimEvaluator *whole = run->parts->evaluator;
  const guint64 plane = (guint64)whole->size.height * whole->size.width;
  const guint low_res_channels = whole->network->architecture->low_res_channels;
  DdimClWindows *windows = run->grid->windows;

  return ddim_cl_windows_gather(
             windows, batch,
             ddim_cl_mem_skip_floats(run->x, run->image * plane * whole->x_channels),
             whole->x_channels, part->x, error) &&
         (!low_res_channels ||
          ddim_cl_windows_gather(
              windows, batch,
              ddim_cl_mem_skip_floats(whole->low_res, run->image * plane * low_res_channels),
              low_res_channels, part->low_res, error));
}

static gboolean
is_used(const Run *run, const Region *region, const DdimClWindowBatch *batch)
{
  return memchr(region->used[run->kind] + (gsize)batch->row * run->grid->columns->view.n +
                    batch->first,
                1, batch->n) != NULL;
}

/* The classes of all regions in a batch of windows, one after another. */
static gboolean
evaluate_regions(const Run *run, const DdimClWindowBatch *batch, DdimEvaluator *part,
                 GError **error)
{
  Parts *parts = run->parts;
  gboolean is_first = TRUE;

  for (guint i = 0; i < parts->n_regions; i++) {
    if (!is_used(run, &parts->regions[i], batch))
      continue;
    if (!load_conditions(parts, part, i, run->step, error) ||
        !ddim_cl_plan_run(part->plan, error) ||
        !ddim_cl_windows_mix(run->grid->windows, batch, parts->regions[i].map, &part->ports.y,
                             is_first, &parts->sum, error))
      return FALSE;
    is_first = FALSE;
  }
  return ddim_cl_windows_add(run->grid->windows, batch, &parts->sum, error);
}

/* Waiting now and then keeps the queue short, and lets a step be stopped. */
static gboolean
tell(Run *run, guint n, GError **error)
{
  const Parts *parts = run->parts;
  const double all =
      (double)parts->evaluator->size.batch * run->grid->rows->view.n * run->grid->columns->view.n;

  run->done += n;
  return !parts->progress || (ddim_cl_finish(parts->evaluator->network->context, error) &&
                              parts->progress(run->done / all, parts->progress_data, error));
}

static gboolean
evaluate_batch(const Run *run, const DdimClWindowBatch *batch, GError **error)
{
  Parts *parts = run->parts;
  DdimEvaluator *part = batch->n == parts->batch ? parts->full : run->grid->rest;

  if (!gather(run, batch, part, error))
    return FALSE;
  if (parts->n_regions)
    return evaluate_regions(run, batch, part, error);
  return load_conditions(parts, part, run->image, run->step, error) &&
         ddim_cl_plan_run(part->plan, error) &&
         ddim_cl_windows_add(run->grid->windows, batch, &part->ports.y, error);
}

static gboolean
evaluate_row(Run *run, guint row, DdimClMem output, GError **error)
{
  Parts *parts = run->parts;
  const guint n = run->grid->columns->view.n, n_batches = (n + parts->batch - 1) / parts->batch;

  if (!ddim_cl_windows_begin_row(run->grid->windows, error))
    return FALSE;
  for (guint i = 0; i < n_batches; i++) {
    const guint first = (parts->backwards ? n_batches - 1 - i : i) * parts->batch;
    const DdimClWindowBatch batch = {row, first, MIN(parts->batch, n - first)};
    if (!evaluate_batch(run, &batch, error) || !tell(run, batch.n, error))
      return FALSE;
  }
  return ddim_cl_windows_end_row(run->grid->windows, row, output, error);
}

static gboolean
evaluate(gpointer data, DdimClMem x, guint step, GError **error)
{
  Parts *parts = data;
  const DdimClTensor *y = &parts->evaluator->ports.y;
  const guint64 image = (guint64)y->h * y->w * y->ld;
  Run run = {.parts = parts, .x = x, .step = step};

  g_return_val_if_fail(parts->n_conditionings > 0, FALSE);
  run.kind = parts->kinds[step];
  run.grid = &parts->grids[run.kind];
  const guint n_rows = run.grid->rows->view.n;
  if (!ddim_cl_windows_clear(run.grid->windows, y->mem, y->n * image, error))
    return FALSE;
  for (run.image = 0; run.image < y->n; run.image++)
    for (guint i = 0; i < n_rows; i++)
      if (!evaluate_row(&run, parts->backwards ? n_rows - 1 - i : i,
                        ddim_cl_mem_skip_floats(y->mem, run.image * image), error))
        return FALSE;
  return TRUE;
}

/* The mean of both kinds of steps. */
static double
get_flops(gpointer data)
{
  const Parts *parts = data;
  double flops = 0;

  for (const Grid *grid = parts->grids; grid < parts->grids + N_GRIDS; grid++)
    flops += grid->rows->view.n * (grid->columns->view.n / parts->batch * parts->full->flops +
                                   (grid->rest ? grid->rest->flops : 0));
  return parts->evaluator->size.batch * flops / N_GRIDS;
}

/* ---- making one ---- */

static DdimWindowAxis *
choose_axis(const DdimNetwork *network, const DdimWindowsParams *params, guint length,
            DdimWrap wrap, GridKind kind)
{
  return ddim_window_axis_new(&(DdimWindowAxisParams){.length = length,
                                                      .window = params->window,
                                                      .overlap = params->overlap,
                                                      .unit = ddim_network_get_stride(network),
                                                      .wrap = (params->wrap & wrap) != 0,
                                                      .shifted = kind == SHIFTED});
}

/* A window that is as long as the picture wraps by itself. */
static gboolean
have_parts(Parts *parts, DdimEvaluatorCache *cache, const DdimWindowsParams *params,
           const DdimNetworkParams *network_params, GError **error)
{
  const DdimClWindowAxis *rows = &parts->grids[PLAIN].rows->view;
  const DdimClWindowAxis *columns = &parts->grids[PLAIN].columns->view;
  DdimEvaluatorSize size = {.height = rows->window,
                            .width = columns->window,
                            .wrap =
                                params->wrap & ((columns->n == 1 ? DDIM_WRAP_X : DDIM_WRAP_NONE) |
                                                (rows->n == 1 ? DDIM_WRAP_Y : DDIM_WRAP_NONE))};

  parts->batch = CLAMP(BATCH_PIXELS / ((guint64)size.height * size.width), 1, columns->n);
  if (params->one_by_one)
    parts->batch = 1;
  size.batch = size.usual_batch = parts->batch;
  if (!(parts->full = ddim_evaluator_cache_get(cache, &size, network_params, error)))
    return FALSE;
  for (Grid *grid = parts->grids; grid < parts->grids + N_GRIDS; grid++) {
    size.batch = grid->columns->view.n % parts->batch;
    if (size.batch > 0 &&
        !(grid->rest = ddim_evaluator_cache_get(cache, &size, network_params, error)))
      return FALSE;
  }
  return TRUE;
}

/* The output and, for super-resolution, the enlarged small pictures. */
static gboolean
have_memory(DdimEvaluator *e, GError **error)
{
  const DdimArchitecture *architecture = e->network->architecture;
  const guint64 pixels = (guint64)e->size.batch * e->size.height * e->size.width;
  const guint64 output = pixels * architecture->out_channels;

  e->memory =
      ddim_cl_buffer_new(e->network->context,
                         (output + pixels * architecture->low_res_channels) * sizeof(float), error);
  if (!e->memory)
    return FALSE;
  e->ports.y = (DdimClTensor){.mem = ddim_cl_buffer_floats(e->memory, 0),
                              .n = e->size.batch,
                              .h = e->size.height,
                              .w = e->size.width,
                              .c = architecture->out_channels,
                              .ld = architecture->out_channels};
  e->low_res = ddim_cl_buffer_floats(e->memory, output);
  return ddim_cl_plan_seal(e->plan, error);
}

/* Whether @map has anything in a window. */
static gboolean
touches(const DdimClWindowAxis *rows, const DdimClWindowAxis *columns, guint row, guint column,
        const guint8 *map)
{
  for (guint j = 0; j < rows->window; j++)
    for (guint i = 0; i < columns->window; i++)
      if (map[(gsize)((rows->places[row] + j) % rows->length) * columns->length +
              (columns->places[column] + i) % columns->length])
        return TRUE;
  return FALSE;
}

/* Whether @map has anything in each window. (transfer full) */
static guint8 *
find_used(const Grid *grid, const guint8 *map)
{
  const DdimClWindowAxis *rows = &grid->rows->view, *columns = &grid->columns->view;
  guint8 *used = g_new0(guint8, (gsize)rows->n * columns->n);

  for (guint i = 0; i < rows->n * columns->n; i++)
    used[i] = touches(rows, columns, i / columns->n, i % columns->n, map);
  return used;
}

static gboolean
have_region(Parts *parts, const DdimWindowRegion *given, Region *region, GError **error)
{
  const gsize size = (gsize)parts->evaluator->size.height * parts->evaluator->size.width;

  region->mix = ddim_class_mix_copy(given->mix);
  for (guint k = 0; k < N_GRIDS; k++)
    region->used[k] = find_used(&parts->grids[k], given->map);
  return (region->map = ddim_cl_buffer_new(parts->evaluator->network->context, size, error)) &&
         ddim_cl_buffer_write(region->map, 0, size, given->map, error);
}

static gboolean
have_regions(Parts *parts, const DdimWindowsParams *params, GError **error)
{
  const guint channels = parts->evaluator->network->architecture->out_channels;
  const guint h = parts->grids[PLAIN].rows->view.window;
  const guint w = parts->grids[PLAIN].columns->view.window;

  parts->regions = g_new0(Region, params->n_regions);
  parts->n_regions = params->n_regions;
  for (guint i = 0; i < params->n_regions; i++)
    if (!have_region(parts, &params->regions[i], &parts->regions[i], error))
      return FALSE;
  if (params->n_regions == 0)
    return TRUE;
  parts->sum_memory =
      ddim_cl_buffer_new(parts->evaluator->network->context,
                         (guint64)parts->batch * h * w * channels * sizeof(float), error);
  parts->sum = (DdimClTensor){.mem = {.buffer = parts->sum_memory},
                              .n = parts->batch,
                              .h = h,
                              .w = w,
                              .c = channels,
                              .ld = channels};
  return parts->sum_memory != NULL;
}

static gboolean
have_windows(Parts *parts, GError **error)
{
  const DdimEvaluator *e = parts->evaluator;

  for (Grid *grid = parts->grids; grid < parts->grids + N_GRIDS; grid++)
    if (!(grid->windows = ddim_cl_windows_new(e->plan, &grid->columns->view, &grid->rows->view,
                                              e->network->architecture->out_channels, error)))
      return FALSE;
  return TRUE;
}

static DdimEvaluator *
make_whole(DdimNetwork *network, const DdimWindowsParams *params)
{
  static const DdimEvaluatorParts functions = {
      .set_conditions = set_conditions,
      .evaluate = evaluate,
      .get_flops = get_flops,
      .free = parts_free,
  };
  DdimEvaluator *e = g_new0(DdimEvaluator, 1);

  e->refs = 1;
  e->network = ddim_network_ref(network);
  network->n_evaluators++;
  e->size = (DdimEvaluatorSize){.batch = params->batch,
                                .height = params->height,
                                .width = params->width,
                                .usual_batch = params->batch,
                                .wrap = params->wrap};
  e->x_channels = network->architecture->in_channels - network->architecture->low_res_channels;
  e->plan = ddim_cl_plan_new(network->context);
  e->parts = &functions;
  return e;
}

DdimEvaluator *
ddim_windows_new(DdimNetwork *network, DdimEvaluatorCache *cache, const DdimWindowsParams *params,
                 const DdimNetworkParams *network_params, GError **error)
{
  g_autoptr(DdimEvaluator) e = make_whole(network, params);
  Parts *parts = e->parts_data = g_new0(Parts, 1);

  ddim_cl_windows_announce(network->context);
  parts->evaluator = e;
  parts->backwards = params->backwards;
  parts->progress = params->progress;
  parts->progress_data = params->progress_data;
  for (guint k = 0; k < N_GRIDS; k++) {
    parts->grids[k].columns = choose_axis(network, params, params->width, DDIM_WRAP_X, k);
    parts->grids[k].rows = choose_axis(network, params, params->height, DDIM_WRAP_Y, k);
  }
  if (!have_parts(parts, cache, params, network_params, error) || !have_memory(e, error) ||
      !have_regions(parts, params, error) || !have_windows(parts, error))
    return NULL;
  return g_steal_pointer(&e);
}
