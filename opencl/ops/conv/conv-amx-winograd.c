/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/conv/conv-amx-winograd.h"

#include "opencl/ops/amx/amx-tasks.h"
#include "opencl/ops/conv/conv-amx.h"
#include "opencl/ops/norm/norm-amx.h"

/* How the input lies: for each point there are planes of positions. A position is a tile of pixels.
 */
typedef struct {
  guint strips, strip_width; /* strips of an image, tiles across a strip */
  guint margins;             /* of a strip: lines of zeros, or of the other side */
  guint lines;               /* of a strip, to be multiplied: with the margins or without */
  guint planes;              /* of 32 channels */
  guint64 plane;             /* positions of a plane */
  guint64 positions;         /* to be multiplied */
} Grid;

/* In a narrow strip the taps of a position lie close to it. A wide strip is written in longer runs.
 */
#define STRIP_WIDTH 8

static Grid
make_grid(const DdimConvShape *shape, guint channels)
{
  const guint tiles = (shape->w + AMX_PIXELS - 1) / AMX_PIXELS;
  const gboolean wrap = (shape->wrap & DDIM_WRAP_Y) != 0;
  Grid grid = {.strips = (tiles + STRIP_WIDTH - 1) / STRIP_WIDTH,
               .margins = wrap ? 2 : 1,
               .planes = (channels + AMX_PLANE - 1) / AMX_PLANE};
  grid.strip_width = (tiles + grid.strips - 1) / grid.strips;
  /* Each strip has its lines and a margin on top. The last strip has a margin at the bottom as
   * well. Margins that hold pixels of the other side are not shared: each strip has both. */
  const guint64 strips = (guint64)shape->n * grid.strips;
  grid.plane = (strips * (shape->h + grid.margins) + (wrap ? 0 : 1)) * grid.strip_width;
  const gboolean whole = shape->h * grid.strip_width % AMX_TILE == 0;
  const guint extra = whole ? 0 : grid.margins;
  grid.lines = shape->h + extra;
  grid.positions = (strips * grid.lines - extra) * grid.strip_width;
  return grid;
}

/* `WinogradInput` of kernels/amx-winograd-input.cl. */
static void
input_args(DdimClPlan *plan, const DdimConvShape *shape, const Grid *grid, const DdimClTensor *x,
           const DdimClPrologue *prologue, DdimClMem a)
{
  ddim_cl_plan_arg_tensor(plan, x, x->type);
  ddim_cl_plan_arg_address(plan, &a);
  ddim_cl_plan_arg_u64(plan, grid->plane);
  ddim_cl_plan_arg_u32(plan, shape->h);
  ddim_cl_plan_arg_u32(plan, shape->w);
  ddim_cl_plan_arg_u32(plan, x->c);
  ddim_cl_plan_arg_u32(plan, grid->strips);
  ddim_cl_plan_arg_u32(plan, grid->strip_width);
  ddim_cl_plan_arg_u32(plan, shape->up ? 1 : 0);
  ddim_cl_plan_arg_u32(plan, prologue ? prologue->silu ? 2 : 1 : 0);
  ddim_cl_plan_arg_u32(plan, (shape->wrap & DDIM_WRAP_X) != 0);
  ddim_cl_plan_arg_u32(plan, grid->margins);
}

/* @ab  (nullable) scale and shift of the norm */
static void
record_plain_input(DdimClPlan *plan, const DdimConvShape *shape, const Grid *grid,
                   const DdimClTensor *x, const DdimClPrologue *prologue, const DdimClMem *ab,
                   DdimClMem a)
{
  ddim_cl_amx_task(plan, AMX_WINOGRAD_INPUT, "amx winograd input", 0);
  input_args(plan, shape, grid, x, prologue, a);
  ddim_cl_plan_arg_address(plan, ab);
  ddim_cl_plan_arg_u32(plan, shape->n);
  ddim_cl_plan_range(plan, grid->planes,
                     (gsize)shape->n * (shape->h + grid->margins) + (grid->margins == 1 ? 1 : 0),
                     1);
}

static void
record_normalised_input(DdimClPlan *plan, const DdimConvShape *shape, const Grid *grid,
                        const DdimClTensor *x, const DdimClPrologue *prologue, DdimClMem a)
{
  ddim_cl_amx_task(plan, AMX_WINOGRAD_INPUT_NORMALISED, "amx winograd input", 0);
  input_args(plan, shape, grid, x, prologue, a);
  ddim_cl_plan_arg_u32(plan, shape->n);
  ddim_cl_norm_amx_args(plan, prologue->norm, x->c);
  ddim_cl_plan_range(plan, x->c / ddim_cl_norm_amx_unit(x->c, prologue->norm), shape->n, 1);
}

static DdimClMem
record_input(DdimClPlan *plan, const DdimConvShape *shape, const Grid *grid, const DdimClTensor *x,
             const DdimClPrologue *prologue)
{
  /* The last block reads its taps past the last position. */
  const guint64 slack = 2 * grid->strip_width + AMX_BLOCK;
  DdimClMem a = ddim_cl_plan_alloc_bytes(plan, (AMX_POINTS * grid->planes * grid->plane + slack) *
                                                   AMX_POSITION);
  const DdimConvAmxNorm norm = ddim_cl_conv_amx_norm_begin(plan, shape, x, prologue);
  if (norm.inside)
    record_normalised_input(plan, shape, grid, x, prologue, a);
  else
    record_plain_input(plan, shape, grid, x, prologue, norm.given ? &norm.ab : NULL, a);
  ddim_cl_conv_amx_norm_end(plan, &norm);
  return a;
}

/* While a panel of weights passes by, the input and the products of a work-item should stay in a
 * core's second-level cache. Processors with matrix units have 2 MiB of it. */
#define CACHE_BYTES ((guint64)1280 << 10)

static guint64
blocks_per_item(DdimContext *context, const Grid *grid, guint64 blocks, guint panels)
{
  const guint cores = context->info->compute_units;
  const guint64 block_bytes =
      (guint64)AMX_POINTS * (grid->planes + 1) * AMX_BLOCK * AMX_PLANE * sizeof(float);
  const guint64 most = CLAMP(CACHE_BYTES / block_bytes, 2, AMX_MAX_BLOCKS);
  guint64 pieces = MAX((4 * cores + panels - 1) / panels, (blocks + most - 1) / most);
  /* Each core begins with an equal share of them. */
  if (pieces > 1)
    pieces = (pieces + cores - 1) / cores * cores;
  pieces = MIN(pieces, blocks);
  return (blocks + pieces - 1) / pieces;
}

void
ddim_cl_conv_amx_winograd_blocks(DdimContext *context, const DdimConvShape *shape, guint64 *blocks,
                                 guint64 *each)
{
  const Grid grid = make_grid(shape, shape->in);
  *blocks = (grid.positions + AMX_BLOCK - 1) / AMX_BLOCK;
  *each = blocks_per_item(context, &grid, *blocks, (shape->out + AMX_BLOCK - 1) / AMX_BLOCK);
}

void
ddim_cl_conv_amx_winograd(DdimClPlan *plan, const DdimConvShape *shape, const DdimClMatrix *weights,
                          const DdimClTensor *x, const DdimClPrologue *prologue,
                          const DdimClTensor *y, const DdimClEpilogue *epilogue)
{
  g_return_if_fail(shape->taps == 3 && shape->stride == 1);
  const Grid grid = make_grid(shape, x->c);
  const guint panels = weights->columns / AMX_BLOCK;
  const guint64 blocks = (grid.positions + AMX_BLOCK - 1) / AMX_BLOCK;
  const guint64 each = blocks_per_item(ddim_cl_plan_get_context(plan), &grid, blocks, panels);
  DdimClMem a = record_input(plan, shape, &grid, x, prologue);
  ddim_cl_amx_task(plan, AMX_WINOGRAD_PRODUCT, "amx winograd 3x3", ddim_conv_flops(shape));
  ddim_cl_plan_arg_address(plan, &a);
  ddim_cl_plan_arg_u64(plan, grid.plane);
  ddim_cl_plan_arg_buffer(plan, weights->buffer);
  ddim_cl_plan_arg_tensor(plan, y, y->type);
  ddim_cl_plan_arg_u32(plan, grid.planes);
  ddim_cl_plan_arg_u64(plan, grid.positions);
  ddim_cl_plan_arg_u32(plan, (guint)each * AMX_BLOCK);
  ddim_cl_plan_arg_u32(plan, grid.margins);
  ddim_cl_plan_arg_u32(plan, grid.lines);
  ddim_cl_plan_arg_u32(plan, grid.strips);
  ddim_cl_plan_arg_u32(plan, grid.strip_width);
  ddim_cl_plan_arg_u32(plan, shape->h);
  ddim_cl_plan_arg_u32(plan, shape->w);
  ddim_cl_conv_amx_epilogue_args(plan, epilogue, y->type);
  ddim_cl_plan_range(plan, panels, (blocks + each - 1) / each, 1);
  ddim_cl_plan_release(plan, a);
}
