/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/conv-amx.h"

/* Channels of a plane, positions and columns of a block: what the kernels' tiles are made for. */
#define PLANE 32
#define BLOCK 32

/* How the input lies in planes of positions (kernels/amx-conv.cl). */
typedef struct {
  guint height, width; /* of an image's positions: the output's and a margin */
  guint parities;      /* images of positions, one for each parity of line and column */
  guint64 rows;        /* lines of positions of one parity, of all images */
  guint planes;        /* of 32 channels */
  guint64 plane;       /* positions of a plane */
  guint64 positions;   /* to be multiplied, from the first pixel to the last */
} Grid;

static Grid
make_grid(const DdimConvShape *shape, guint channels)
{
  const guint margin = shape->taps / 2;
  Grid grid = {.height = shape->h + margin,
               .width = shape->w + margin,
               .parities = shape->stride * shape->stride,
               .planes = (channels + PLANE - 1) / PLANE};
  /* Behind the last image its margin at the bottom, which else the next image's top serves as. */
  grid.rows = (guint64)shape->n * grid.height + 2 * margin;
  grid.plane = grid.parities * grid.rows * grid.width;
  grid.positions = ((guint64)(shape->n - 1) * grid.height + shape->h - 1) * grid.width + shape->w;
  return grid;
}

/* Images of at most so many pixels are normalised by the kernel that reads them: for larger ones
 * more work-items than that kernel has are worth the launches. */
#define SMALL_PIXELS 1024
#define MAX_UNIT 1024

/* Channels that are whole planes and whole groups. */
static guint
unit_channels(guint channels, const DdimClNorm *norm)
{
  const guint group = channels / norm->groups;
  guint unit = group;
  while (unit % PLANE)
    unit += group;
  return unit;
}

gboolean
ddim_cl_conv_amx_normalises(const DdimClTensor *x, const DdimClNorm *norm)
{
  if (x->c % PLANE || x->h * x->w > SMALL_PIXELS)
    return FALSE;
  return unit_channels(x->c, norm) <= MAX_UNIT;
}

static void
input_kernel(DdimClPlan *plan, const DdimConvShape *shape, const DdimClPrologue *prologue,
             gboolean whole)
{
  const gboolean emb = whole && prologue->norm->has_emb;
  g_autofree char *options = g_strdup_printf(
      "-DTAPS=%u -DSTRIDE=%u -DUP=%d -DNORM=%d -DEMB=%d -DWHOLE=%d", shape->taps, shape->stride,
      shape->up ? 1 : 0, prologue ? prologue->silu ? 2 : 1 : 0, emb ? 1 : 0, whole ? 1 : 0);
  ddim_cl_plan_kernel(plan, "amx-tiles+amx-input", options,
                      whole ? "amx_input_normalised" : "amx_input", "amx input", 0);
}

static void
record_plain_input(DdimClPlan *plan, const DdimConvShape *shape, const Grid *grid,
                   const DdimClTensor *x, const DdimClPrologue *prologue, DdimClMem a)
{
  input_kernel(plan, shape, prologue, FALSE);
  ddim_cl_plan_arg_mem(plan, x->mem);
  ddim_cl_plan_arg_u32(plan, x->ld);
  ddim_cl_plan_arg_mem(plan, prologue ? prologue->ab : x->mem);
  ddim_cl_plan_arg_mem(plan, a);
  ddim_cl_plan_arg_u64(plan, grid->plane);
  ddim_cl_plan_arg_u32(plan, shape->n);
  ddim_cl_plan_arg_u32(plan, x->h << (shape->up ? 1 : 0));
  ddim_cl_plan_arg_u32(plan, x->w << (shape->up ? 1 : 0));
  ddim_cl_plan_arg_u32(plan, x->c);
  ddim_cl_plan_arg_u32(plan, grid->height);
  ddim_cl_plan_arg_u32(plan, grid->width);
  ddim_cl_plan_range(plan, grid->planes, grid->rows, grid->parities);
}

static void
record_normalised_input(DdimClPlan *plan, const DdimConvShape *shape, const Grid *grid,
                        const DdimClTensor *x, const DdimClPrologue *prologue, DdimClMem a)
{
  const DdimClNorm *norm = prologue->norm;
  const guint unit = unit_channels(x->c, norm);
  input_kernel(plan, shape, prologue, TRUE);
  ddim_cl_plan_arg_mem(plan, x->mem);
  ddim_cl_plan_arg_u32(plan, x->ld);
  ddim_cl_norm_args(plan, norm, a);
  ddim_cl_plan_arg_u64(plan, grid->plane);
  ddim_cl_plan_arg_u32(plan, x->h << (shape->up ? 1 : 0));
  ddim_cl_plan_arg_u32(plan, x->w << (shape->up ? 1 : 0));
  ddim_cl_plan_arg_u32(plan, x->c);
  ddim_cl_plan_arg_u32(plan, grid->height);
  ddim_cl_plan_arg_u32(plan, grid->width);
  ddim_cl_plan_arg_u32(plan, (guint)(grid->rows - (guint64)shape->n * grid->height));
  ddim_cl_plan_arg_u32(plan, unit);
  ddim_cl_plan_arg_u32(plan, x->c / norm->groups);
  ddim_cl_plan_arg_f32(plan, norm->eps);
  /* Enough work-items for every core, of at least some rows each. */
  const guint items = x->c / unit * shape->n;
  const guint wanted = 4 * ddim_cl_plan_get_context(plan)->info->compute_units;
  const guint parts = MIN((wanted + items - 1) / items, MAX(grid->height / 8, 1));
  ddim_cl_plan_range(plan, x->c / unit, shape->n, parts);
}

static DdimClMem
record_input(DdimClPlan *plan, const DdimConvShape *shape, const Grid *grid, const DdimClTensor *x,
             const DdimClPrologue *prologue)
{
  /* The last block reads its taps past the last position. */
  const guint64 slack = 2 * grid->width + 2 + BLOCK;
  DdimClMem a = ddim_cl_plan_alloc(plan, (grid->planes * grid->plane + slack) * PLANE);
  if (prologue && prologue->norm)
    record_normalised_input(plan, shape, grid, x, prologue, a);
  else
    record_plain_input(plan, shape, grid, x, prologue, a);
  return a;
}

/* Positions that one work-item multiplies by its panel: they should stay in a core's cache while
 * the panels pass by, and drivers that hand half of the work-items to each of two cores should be
 * right to do so: equal pieces, some for each core. */
#define ROWS_BYTES ((guint64)512 << 10)

static guint64
positions_per_item(DdimContext *context, const Grid *grid, guint panels)
{
  const guint64 blocks = (grid->positions + BLOCK - 1) / BLOCK;
  const guint64 wanted = (guint64)context->info->compute_units * 4;
  const guint64 most = MAX(ROWS_BYTES / (grid->planes * PLANE * sizeof(float)) / BLOCK, 2);
  guint64 pieces = MAX((wanted + panels - 1) / panels, (blocks + most - 1) / most);
  pieces = MIN(pieces, blocks);
  return (blocks + pieces - 1) / pieces * BLOCK;
}

/* The right factor; half-precision weights are widened into the arena each time. */
static DdimClMem
record_weights(DdimClPlan *plan, const DdimClMatrix *weights)
{
  if (!weights->half)
    return (DdimClMem){.buffer = weights->buffer};
  const guint64 count = (guint64)weights->depth * weights->columns;
  DdimClMem b = ddim_cl_plan_alloc(plan, count);
  ddim_cl_plan_kernel(plan, "amx-tiles+amx-pack", "-DHALF_WEIGHTS", "amx_widen", "amx widen", 0);
  ddim_cl_plan_arg_buffer(plan, weights->buffer);
  ddim_cl_plan_arg_mem(plan, b);
  ddim_cl_plan_range(plan, count / (PLANE * BLOCK), 1, 1);
  return b;
}

/* More than two tiles of positions and at most so many are all multiplied while the weights pass by
 * once. */
#define FEW_TILES 5

void
ddim_cl_conv_amx(DdimClPlan *plan, const DdimConvShape *shape, const DdimClMatrix *weights,
                 const DdimClTensor *x, const DdimClPrologue *prologue, const DdimClTensor *y,
                 const DdimClEpilogue *epilogue)
{
  const Grid grid = make_grid(shape, x->c);
  const guint panels = weights->columns / BLOCK;
  const guint64 rows = positions_per_item(ddim_cl_plan_get_context(plan), &grid, panels);
  const guint64 tiles = (grid.positions + BLOCK / 2 - 1) / (BLOCK / 2);
  const gboolean few = tiles > 2 && tiles <= FEW_TILES;
  DdimClMem a = record_input(plan, shape, &grid, x, prologue);
  DdimClMem b = record_weights(plan, weights);
  g_autofree char *epilogue_options = ddim_cl_epilogue_options(epilogue);
  g_autofree char *few_options = few ? g_strdup_printf(" -DTILES=%u", (guint)tiles) : NULL;
  g_autofree char *options = g_strdup_printf("%s -DTAPS=%u -DSTRIDE=%u%s", epilogue_options,
                                             shape->taps, shape->stride, few ? few_options : "");
  ddim_cl_plan_kernel(plan, "amx-tiles+amx-conv", options, few ? "amx_product_few" : "amx_product",
                      shape->taps == 1 ? "amx 1x1" : "amx 3x3", ddim_conv_flops(shape));
  ddim_cl_plan_arg_mem(plan, a);
  ddim_cl_plan_arg_u64(plan, grid.plane);
  ddim_cl_plan_arg_u64(plan, grid.rows * grid.width);
  ddim_cl_plan_arg_mem(plan, b);
  ddim_cl_plan_arg_mem(plan, y->mem);
  ddim_cl_plan_arg_u32(plan, y->ld);
  ddim_cl_plan_arg_u32(plan, grid.planes);
  ddim_cl_plan_arg_u64(plan, grid.positions);
  ddim_cl_plan_arg_u32(plan, (guint)rows);
  ddim_cl_plan_arg_u32(plan, grid.height);
  ddim_cl_plan_arg_u32(plan, grid.width);
  ddim_cl_plan_arg_u32(plan, shape->h);
  ddim_cl_plan_arg_u32(plan, shape->w);
  ddim_cl_epilogue_args(plan, epilogue, 0);
  if (few)
    ddim_cl_plan_range(plan, 2 * panels, 1, 1);
  else
    ddim_cl_plan_range(plan, panels, (grid.positions + rows - 1) / rows, 1);
  ddim_cl_plan_release(plan, a);
  ddim_cl_plan_release(plan, b);
}
