/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/conv/conv-amx.h"

#include "opencl/ops/amx/amx-tasks.h"
#include "opencl/ops/norm/norm-amx.h"

/* How the input lies in planes of positions (kernels/amx-conv.cl). */
typedef struct {
  guint height, width; /* of an image's positions: the output's and its margins */
  guint parities;      /* images of positions, one for each parity of line and column */
  guint64 rows;        /* lines of positions of one parity, of all images */
  guint planes;        /* of 32 channels */
  guint64 plane;       /* positions of a plane */
  guint64 positions;   /* to be multiplied, from the first pixel to the last */
} Grid;

/* Positions of margin along an axis. One serves an image, or a line, and the one before it. Where
 * the axis wraps, margins hold pixels and cannot be shared. With stride 2 none are shared anyway:
 * the only position beyond the output's holds what is on its right, or below it. */
static guint
count_margins(const DdimConvShape *shape, DdimWrap axis)
{
  const guint margin = shape->taps / 2;
  return shape->stride == 1 && (shape->wrap & axis) ? 2 * margin : margin;
}

static Grid
make_grid(const DdimConvShape *shape, guint channels)
{
  const guint margin = shape->taps / 2;
  Grid grid = {.height = shape->h + count_margins(shape, DDIM_WRAP_Y),
               .width = shape->w + count_margins(shape, DDIM_WRAP_X),
               .parities = shape->stride * shape->stride,
               .planes = (channels + AMX_PLANE - 1) / AMX_PLANE};
  /* The margin on top of the next image serves as the margin at the bottom. The last image has one
   * of its own. */
  grid.rows = (guint64)shape->n * grid.height + 2 * margin;
  grid.plane = grid.parities * grid.rows * grid.width;
  grid.positions = ((guint64)(shape->n - 1) * grid.height + shape->h - 1) * grid.width + shape->w;
  return grid;
}

/* Where the input lies and how it gets there: `Input` of kernels/amx-input.cl. */
static void
input_args(DdimClPlan *plan, const DdimConvShape *shape, const Grid *grid, const DdimClTensor *x,
           const DdimClPrologue *prologue, DdimClMem a)
{
  const guint up = shape->up ? 1 : 0;
  ddim_cl_plan_arg_tensor(plan, x, x->type);
  ddim_cl_plan_arg_address(plan, &a);
  ddim_cl_plan_arg_u64(plan, grid->plane);
  ddim_cl_plan_arg_u32(plan, x->h << up);
  ddim_cl_plan_arg_u32(plan, x->w << up);
  ddim_cl_plan_arg_u32(plan, x->c);
  ddim_cl_plan_arg_u32(plan, grid->height);
  ddim_cl_plan_arg_u32(plan, grid->width);
  ddim_cl_plan_arg_u32(plan, ddim_conv_pad(shape));
  ddim_cl_plan_arg_u32(plan, shape->stride);
  ddim_cl_plan_arg_u32(plan, up);
  ddim_cl_plan_arg_u32(plan, prologue ? prologue->silu ? 2 : 1 : 0);
  ddim_cl_plan_arg_u32(plan, (shape->wrap & DDIM_WRAP_X) != 0);
  ddim_cl_plan_arg_u32(plan, (shape->wrap & DDIM_WRAP_Y) != 0);
}

/* @ab  (nullable) scale and shift of the norm */
static void
record_plain_input(DdimClPlan *plan, const DdimConvShape *shape, const Grid *grid,
                   const DdimClTensor *x, const DdimClPrologue *prologue, const DdimClMem *ab,
                   DdimClMem a)
{
  ddim_cl_amx_task(plan, AMX_INPUT, "amx input", 0);
  input_args(plan, shape, grid, x, prologue, a);
  ddim_cl_plan_arg_address(plan, ab);
  ddim_cl_plan_arg_u32(plan, shape->n);
  ddim_cl_plan_arg_u64(plan, grid->rows);
  ddim_cl_plan_range(plan, grid->planes, grid->rows, grid->parities);
}

/* The task that reads an image also normalises it, on two conditions: the channels that it takes
 * together stay in a core's cache, and there are enough such groups of channels, in all images, for
 * every core. */
#define UNIT_BYTES ((guint64)512 << 10)
#define UNITS_PER_CORE 4

gboolean
ddim_cl_conv_amx_normalises(DdimContext *context, const DdimConvShape *shape, const DdimClTensor *x,
                            const DdimClNorm *norm)
{
  const guint unit = ddim_cl_norm_amx_unit(x->c, norm);
  return unit && shape->stride == 1 &&
         (guint64)x->h * x->w * unit * ddim_cl_type_size(x->type) <= UNIT_BYTES &&
         (guint64)x->c / unit * x->n >= (guint64)UNITS_PER_CORE * context->info->compute_units;
}

DdimConvAmxNorm
ddim_cl_conv_amx_norm_begin(DdimClPlan *plan, const DdimConvShape *shape, const DdimClTensor *x,
                            const DdimClPrologue *prologue)
{
  const DdimClNorm *norm = prologue ? prologue->norm : NULL;

  if (!norm)
    return prologue ? (DdimConvAmxNorm){.given = TRUE, .ab = prologue->ab} : (DdimConvAmxNorm){0};
  if (ddim_cl_conv_amx_normalises(ddim_cl_plan_get_context(plan), shape, x, norm))
    return (DdimConvAmxNorm){.inside = TRUE};
  return (DdimConvAmxNorm){.given = TRUE, .own = TRUE, .ab = ddim_cl_norm_amx(plan, x, norm)};
}

void
ddim_cl_conv_amx_norm_end(DdimClPlan *plan, const DdimConvAmxNorm *norm)
{
  if (norm->own)
    ddim_cl_plan_release(plan, norm->ab);
}

static void
record_normalised_input(DdimClPlan *plan, const DdimConvShape *shape, const Grid *grid,
                        const DdimClTensor *x, const DdimClPrologue *prologue, DdimClMem a)
{
  ddim_cl_amx_task(plan, AMX_INPUT_NORMALISED, "amx input", 0);
  input_args(plan, shape, grid, x, prologue, a);
  ddim_cl_plan_arg_u32(plan, shape->n);
  ddim_cl_plan_arg_u32(plan, (guint)(grid->rows - (guint64)shape->n * grid->height));
  ddim_cl_norm_amx_args(plan, prologue->norm, x->c);
  ddim_cl_plan_range(plan, x->c / ddim_cl_norm_amx_unit(x->c, prologue->norm), shape->n, 1);
}

static DdimClMem
record_input(DdimClPlan *plan, const DdimConvShape *shape, const Grid *grid, const DdimClTensor *x,
             const DdimClPrologue *prologue)
{
  /* The last block reads its taps past the last position. */
  const guint64 slack = 2 * grid->width + 2 + AMX_BLOCK;
  DdimClMem a = ddim_cl_plan_alloc_bytes(plan, (grid->planes * grid->plane + slack) * AMX_POSITION);
  const DdimConvAmxNorm norm = ddim_cl_conv_amx_norm_begin(plan, shape, x, prologue);
  if (norm.inside)
    record_normalised_input(plan, shape, grid, x, prologue, a);
  else
    record_plain_input(plan, shape, grid, x, prologue, norm.given ? &norm.ab : NULL, a);
  ddim_cl_conv_amx_norm_end(plan, &norm);
  return a;
}

/* Positions that one work-item multiplies by its panel. They should stay in a core's cache while
 * the panels pass by. The pieces are of equal size, and each core gets some of them, so that a
 * driver may hand an equal number of work-items to each core. */
#define ROWS_BYTES ((guint64)512 << 10)

static guint64
positions_per_item(DdimContext *context, const Grid *grid, guint panels)
{
  const guint64 blocks = (grid->positions + AMX_BLOCK - 1) / AMX_BLOCK;
  const guint64 wanted = (guint64)context->info->compute_units * 4;
  const guint64 most = MAX(ROWS_BYTES / (grid->planes * AMX_PLANE * sizeof(float)) / AMX_BLOCK, 2);
  guint64 pieces = MAX((wanted + panels - 1) / panels, (blocks + most - 1) / most);
  pieces = MIN(pieces, blocks);
  return (blocks + pieces - 1) / pieces * AMX_BLOCK;
}

/* The right factor. Weights in half precision are widened into the arena in each evaluation. */
static DdimClMem
record_weights(DdimClPlan *plan, const DdimClMatrix *weights)
{
  if (!weights->half)
    return (DdimClMem){.buffer = weights->buffer};
  const guint64 count = (guint64)weights->depth * weights->columns;
  DdimClMem b = ddim_cl_plan_alloc_bytes(plan, count * 2 * sizeof(guint16));
  ddim_cl_amx_task(plan, AMX_WIDEN, "amx widen", 0);
  ddim_cl_plan_arg_buffer(plan, weights->buffer);
  ddim_cl_plan_arg_address(plan, &b);
  ddim_cl_plan_range(plan, count / (AMX_PLANE * AMX_BLOCK), 1, 1);
  return b;
}

/* Whether each tile can be 16 pixels of one line of an image, so that no margin is multiplied. */
static gboolean
has_whole_tiles(const DdimConvShape *shape)
{
  return shape->taps == 3 && shape->w % AMX_TILE == 0;
}

void
ddim_cl_conv_amx_epilogue_args(DdimClPlan *plan, const DdimClEpilogue *epilogue, DdimClType type)
{
  ddim_cl_plan_arg_floats(plan, epilogue->bias);
  ddim_cl_plan_arg_address(plan, epilogue->has_emb ? &epilogue->emb : NULL);
  ddim_cl_plan_arg_u32(plan, epilogue->emb_ld);
  if (epilogue->residual) {
    ddim_cl_plan_arg_tensor(plan, epilogue->residual, type);
  } else {
    ddim_cl_plan_arg_address(plan, NULL);
    ddim_cl_plan_arg_u32(plan, 0);
    ddim_cl_plan_arg_u32(plan, 0);
  }
}

void
ddim_cl_conv_amx(DdimClPlan *plan, const DdimConvShape *shape, const DdimClMatrix *weights,
                 const DdimClTensor *x, const DdimClPrologue *prologue, const DdimClTensor *y,
                 const DdimClEpilogue *epilogue)
{
  const gboolean whole = has_whole_tiles(shape);
  Grid grid = make_grid(shape, x->c);
  if (whole)
    grid.positions = (guint64)shape->n * shape->h * shape->w;
  const guint panels = weights->columns / AMX_BLOCK;
  const guint64 rows = positions_per_item(ddim_cl_plan_get_context(plan), &grid, panels);
  const guint64 tiles = (grid.positions + AMX_TILE - 1) / AMX_TILE;
  /* Where there are so few tiles, all are multiplied while the weights pass by once. */
  const gboolean few = tiles > 2 && tiles <= AMX_MAX_FEW_TILES;
  DdimClMem a = record_input(plan, shape, &grid, x, prologue);
  DdimClMem b = record_weights(plan, weights);
  ddim_cl_amx_task(plan,
                   few     ? AMX_PRODUCT_FEW
                   : whole ? AMX_PRODUCT_WHOLE
                           : AMX_PRODUCT,
                   shape->taps == 1 ? "amx 1x1" : "amx 3x3", ddim_conv_flops(shape));
  ddim_cl_plan_arg_u32(plan, shape->taps);
  ddim_cl_plan_arg_u32(plan, shape->stride);
  ddim_cl_plan_arg_address(plan, &a);
  ddim_cl_plan_arg_u64(plan, grid.plane);
  ddim_cl_plan_arg_u64(plan, grid.rows * grid.width);
  ddim_cl_plan_arg_address(plan, &b);
  ddim_cl_plan_arg_tensor(plan, y, y->type);
  ddim_cl_plan_arg_u32(plan, grid.planes);
  ddim_cl_plan_arg_u64(plan, grid.positions);
  ddim_cl_plan_arg_u32(plan, (guint)rows);
  ddim_cl_plan_arg_u32(plan, grid.height);
  ddim_cl_plan_arg_u32(plan, grid.width);
  ddim_cl_plan_arg_u32(plan, shape->h);
  ddim_cl_plan_arg_u32(plan, shape->w);
  ddim_cl_conv_amx_epilogue_args(plan, epilogue, y->type);
  if (few)
    ddim_cl_plan_range(plan, 2 * panels, 1, 1);
  else
    ddim_cl_plan_range(plan, panels, (grid.positions + rows - 1) / rows, 1);
  ddim_cl_plan_release(plan, a);
  ddim_cl_plan_release(plan, b);
}
