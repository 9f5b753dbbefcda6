/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/conv/conv-winograd.h"

#include "opencl/ops/matrix/gemm.h"

/* Some rows of tiles. The rows of all images are numbered one after another. */
typedef struct {
  guint tile;        /* edge of a tile */
  gboolean lean;     /* weights are transformed while they are multiplied */
  guint y, x;        /* tiles down and across an image */
  guint first, rows; /* rows of tiles in this piece */
  guint shift;       /* elements between the matrices of two points */
  DdimClType v_type; /* of transformed input tiles */
} Tiles;

static guint
point_count(const Tiles *tiles)
{
  return (tiles->tile + 2) * (tiles->tile + 2);
}

static guint64
tile_count(const Tiles *tiles)
{
  return (guint64)tiles->rows * tiles->x;
}

/* Elements from one point's matrix to the next. The size of a matrix is mostly a power of two, and
 * at such distances all points of a tile would fall into the same few lines of a processor's cache.
 * So each matrix is shifted by five lines of 64 bytes. On GPUs this matters less, and libraries
 * want matrices that follow each other without a gap. */
#define CPU_SHIFT 80

static guint64
point_stride(const Tiles *tiles, guint channels)
{
  return tile_count(tiles) * channels + tiles->shift;
}

/* Channels of a work-item of the transforms. A tile of F(4x4) is 36 vectors, for which a work-item
 * of a GPU has 64 to 255 registers. NVIDIA's compiler needs 252 registers with vectors of 4, and 96
 * with vectors of 1. Short vectors cost nothing, because neighbouring work-items read neighbouring
 * channels. */
static guint
transform_lanes(DdimClPlan *plan, const Tiles *tiles)
{
  const DdimClProfile *profile = &ddim_cl_plan_get_context(plan)->profile;
  return profile->row_loop ? profile->vec : tiles->tile == 4 ? 1 : 2;
}

static void
tile_range(DdimClPlan *plan, guint channels, const Tiles *tiles)
{
  const DdimClProfile *profile = &ddim_cl_plan_get_context(plan)->profile;
  ddim_cl_plan_range(plan, channels / transform_lanes(plan, tiles),
                     profile->row_loop ? tiles->rows : tile_count(tiles), 1);
}

static void
winograd_input(DdimClPlan *plan, const DdimConvShape *shape, const Tiles *tiles,
               const DdimClTensor *x, const DdimClMem *prologue, DdimClMem v)
{
  g_autofree char *options = g_strdup_printf(
      "-DVEC=%u -DTILE=%u -DINPUT=1%s%s", transform_lanes(plan, tiles), tiles->tile,
      ddim_cl_wrap_option(shape->wrap), ddim_cl_type_options(x->type, tiles->v_type));
  ddim_cl_plan_kernel(plan, "winograd", options, "winograd_input", "winograd input", 0);
  ddim_cl_plan_arg_tensor(plan, x, x->type);
  ddim_cl_plan_arg_floats(plan, prologue ? *prologue : x->mem);
  ddim_cl_plan_arg_elements(plan, v, tiles->v_type);
  ddim_cl_plan_arg_u32(plan, shape->h);
  ddim_cl_plan_arg_u32(plan, shape->w);
  ddim_cl_plan_arg_u32(plan, x->c);
  ddim_cl_plan_arg_u32(plan, tiles->y);
  ddim_cl_plan_arg_u32(plan, tiles->x);
  ddim_cl_plan_arg_u32(plan, tiles->first);
  ddim_cl_plan_arg_u64(plan, point_stride(tiles, x->c));
  ddim_cl_plan_arg_u32(plan, prologue != NULL);
  ddim_cl_plan_arg_u32(plan, shape->up != 0);
  tile_range(plan, x->c, tiles);
}

static void
winograd_output(DdimClPlan *plan, const DdimConvShape *shape, const Tiles *tiles, DdimClMem m,
                guint columns, const DdimClTensor *y, const DdimClEpilogue *epilogue)
{
  g_autofree char *options =
      g_strdup_printf("-DVEC=%u -DTILE=%u -DOUTPUT=1%s", transform_lanes(plan, tiles), tiles->tile,
                      ddim_cl_type_options(DDIM_CL_F32, y->type));
  ddim_cl_plan_kernel(plan, "winograd", options, "winograd_output", "winograd output", 0);
  ddim_cl_plan_arg_floats(plan, m);
  ddim_cl_plan_arg_u64(plan, point_stride(tiles, columns));
  ddim_cl_plan_arg_u32(plan, columns);
  ddim_cl_plan_arg_tensor(plan, y, y->type);
  ddim_cl_epilogue_args(plan, epilogue, y->type);
  ddim_cl_plan_arg_u32(plan, shape->h);
  ddim_cl_plan_arg_u32(plan, shape->w);
  ddim_cl_plan_arg_u32(plan, tiles->y);
  ddim_cl_plan_arg_u32(plan, tiles->x);
  ddim_cl_plan_arg_u32(plan, tiles->first);
  tile_range(plan, columns, tiles);
}

/* Bytes of transformed tiles, input and output, that are worked on at once. On a CPU they should
 * stay in the cores' own caches between the three kernels. On a GPU they must be enough work for
 * all of it. */
#define PIECE_BYTES_PER_CORE ((guint64)3 << 20)
#define PIECE_BYTES_GPU ((guint64)256 << 20)
/* Where activations are kept as half, memory counts. */
#define PIECE_BYTES_GPU_HALF ((guint64)128 << 20)
/* A piece has at least so many rows. With fewer, reading the weights again for the next piece costs
 * more than the caches save. */
#define PIECE_TILES 64

/* Rows of tiles in a piece. */
static guint
piece_rows(DdimContext *context, const DdimClTensor *x, guint columns, const Tiles *tiles)
{
  const guint64 budget = context->profile.row_loop
                             ? PIECE_BYTES_PER_CORE * context->info->compute_units
                         : x->type == DDIM_CL_F16 ? PIECE_BYTES_GPU_HALF
                                                  : PIECE_BYTES_GPU;
  const guint64 tile_bytes = (guint64)point_count(tiles) *
                             (x->c * ddim_cl_type_size(tiles->v_type) + columns * sizeof(float));
  const guint64 wanted = MAX(budget / tile_bytes, PIECE_TILES);
  const guint64 rows = MAX(wanted / tiles->x, 1);
  /* All pieces have the same size. */
  const guint64 pieces = (tiles->rows + rows - 1) / rows;
  return (guint)((tiles->rows + pieces - 1) / pieces);
}

static void
prepared_product(DdimClPlan *plan, const Tiles *tiles, const DdimClMatrix *weights, DdimClMem v,
                 DdimClMem m)
{
  const DdimClGemm gemm = {.a = v,
                           .a_type = tiles->v_type,
                           .c = m,
                           .lda = weights->depth,
                           .ldc = weights->columns,
                           .a_batch = point_stride(tiles, weights->depth),
                           .c_batch = point_stride(tiles, weights->columns),
                           .rows = (guint)tile_count(tiles),
                           .label = tiles->tile == 4 ? "winograd4 product" : "winograd2 product"};
  ddim_cl_gemm(plan, weights, &gemm);
}

/* Work-items for each compute unit, so that none of them waits long for the others. */
#define LEAN_ITEMS 4
/* Tiles under which transforming the weights once more costs more than idle units. */
#define LEAN_TILES 32

static void
lean_product(DdimClPlan *plan, const Tiles *tiles, const DdimClMatrix *weights, guint depth,
             DdimClMem v, DdimClMem m)
{
  DdimContext *context = ddim_cl_plan_get_context(plan);
  const guint panels = weights->columns / context->profile.nr, count = (guint)tile_count(tiles);
  const guint wanted = context->info->compute_units * LEAN_ITEMS;
  const guint pieces = CLAMP(wanted / (3 * panels), 1, MAX(count / LEAN_TILES, 1));
  const guint rows = (count + pieces - 1) / pieces;
  ddim_cl_plan_kernel(plan, "winograd-lean", weights->half ? "-DHALF_WEIGHTS" : NULL,
                      "winograd_lean", "winograd4-lean product",
                      2.0 * point_count(tiles) * count * depth * weights->columns);
  ddim_cl_plan_arg_floats(plan, v);
  ddim_cl_plan_arg_u64(plan, point_stride(tiles, depth));
  ddim_cl_plan_arg_buffer(plan, weights->buffer);
  ddim_cl_plan_arg_floats(plan, m);
  ddim_cl_plan_arg_u64(plan, point_stride(tiles, weights->columns));
  ddim_cl_plan_arg_u32(plan, depth);
  ddim_cl_plan_arg_u32(plan, weights->columns);
  ddim_cl_plan_arg_u32(plan, count);
  ddim_cl_plan_arg_u32(plan, rows);
  ddim_cl_plan_range(plan, 3, panels, (count + rows - 1) / rows);
}

static void
winograd_piece(DdimClPlan *plan, const DdimConvShape *shape, const Tiles *tiles,
               const DdimClMatrix *weights, const DdimClTensor *x, const DdimClMem *prologue,
               const DdimClTensor *y, const DdimClEpilogue *epilogue)
{
  const guint columns = weights->columns;
  DdimClMem v = ddim_cl_plan_alloc_bytes(plan, point_count(tiles) * point_stride(tiles, x->c) *
                                                   ddim_cl_type_size(tiles->v_type));
  winograd_input(plan, shape, tiles, x, prologue, v);
  DdimClMem m = ddim_cl_plan_alloc_floats(plan, point_count(tiles) * point_stride(tiles, columns));
  if (tiles->lean)
    lean_product(plan, tiles, weights, x->c, v, m);
  else
    prepared_product(plan, tiles, weights, v, m);
  ddim_cl_plan_release(plan, v);
  winograd_output(plan, shape, tiles, m, columns, y, epilogue);
  ddim_cl_plan_release(plan, m);
}

void
ddim_cl_conv_winograd(DdimClPlan *plan, guint tile, gboolean lean, const DdimConvShape *shape,
                      const DdimClMatrix *weights, const DdimClTensor *x, const DdimClMem *prologue,
                      const DdimClTensor *y, const DdimClEpilogue *epilogue)
{
  const Tiles all = {.tile = tile,
                     .lean = lean,
                     .y = (shape->h + tile - 1) / tile,
                     .x = (shape->w + tile - 1) / tile,
                     .rows = shape->n * ((shape->h + tile - 1) / tile),
                     .shift = ddim_cl_plan_get_context(plan)->profile.row_loop ? CPU_SHIFT : 0,
                     /* Matrix units multiply halves anyway. */
                     .v_type =
                         ddim_gemm_uses_matrix_unit(weights->provider) ? DDIM_CL_F16 : DDIM_CL_F32};
  const guint rows = piece_rows(ddim_cl_plan_get_context(plan), x, weights->columns, &all);
  for (guint first = 0; first < all.rows; first += rows) {
    Tiles piece = all;
    piece.first = first;
    piece.rows = MIN(rows, all.rows - first);
    winograd_piece(plan, shape, &piece, weights, x, prologue, y, epilogue);
  }
}
