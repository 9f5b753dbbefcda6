/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/tune/choice.h"

#include <math.h>

#include "opencl/device/ways.h"
#include "opencl/ops/amx/amx-tasks.h"
#include "opencl/ops/conv/conv-amx-winograd.h"
#include "opencl/ops/units/units.h"

/* What a device does in a second: operations of products, bytes of weights that are read, bytes
 * that go through the Winograd transforms. For a choice only the ratios matter. Those of a CPU are
 * per core. They were fitted to what tests/bench/conv-methods measured on a server's cores with
 * AVX-512, with and without AMX. */
typedef struct {
  double flops, weight_bytes, transform_bytes;
  double amx_flops, amx_input_bytes; /* of the matrix units, and of preparing their input */
  gboolean overlap;                  /* weights arrive while others are multiplied */
} Rates;

static Rates
device_rates(DdimContext *context)
{
  const double cores = context->info->compute_units;
  if (!context->profile.row_loop)
    return (Rates){8e12, 4e11, 2e11, 0, 0, FALSE};
  if (ddim_cl_has_amx(context))
    return (Rates){185e9 * cores, 20e9 * cores, 5.5e9 * cores, 780e9 * cores, 14e9 * cores, FALSE};
  return (Rates){185e9 * cores, 25e9 * cores, 12e9 * cores, 0, 0, TRUE};
}

static gboolean
is_trusted(DdimContext *context, DdimClChoice choice)
{
  g_autofree char *way = ddim_conv_way(choice.method, choice.provider);
  return ddim_cl_way_is_trusted(context, way);
}

/* One that multiplies wrongly is passed over for the next. */
DdimGemmProvider
ddim_cl_default_provider(DdimContext *context, gboolean half)
{
  static const DdimGemmProvider cpu[] = {DDIM_GEMM_PACKED, DDIM_GEMM_CLBLAST};
  static const DdimGemmProvider gpu[] = {DDIM_GEMM_CLBLAST, DDIM_GEMM_TILE64, DDIM_GEMM_TILE32,
                                         DDIM_GEMM_PACKED};
  /* For CLBlast everything would have to be copied as floats. */
  static const DdimGemmProvider gpu_half[] = {DDIM_GEMM_TILE64, DDIM_GEMM_TILE32, DDIM_GEMM_CLBLAST,
                                              DDIM_GEMM_PACKED};
  const gboolean row_loop = context->profile.row_loop;
  const DdimGemmProvider *providers = row_loop ? cpu : half ? gpu_half : gpu;
  const guint n = row_loop ? G_N_ELEMENTS(cpu) : G_N_ELEMENTS(gpu);
  G_STATIC_ASSERT(G_N_ELEMENTS(gpu) == G_N_ELEMENTS(gpu_half));
  for (guint i = 0; i < n; i++)
    if (is_trusted(context, (DdimClChoice){DDIM_CONV_DIRECT, providers[i]}))
      return providers[i];
  return providers[0];
}

gboolean
ddim_cl_provider_suits(DdimContext *context, DdimGemmProvider provider, gboolean half)
{
  if (provider == DDIM_GEMM_PACKED || provider == DDIM_GEMM_CLBLAST)
    return TRUE;
  if (provider != DDIM_GEMM_MMA64 && provider != DDIM_GEMM_MMA128)
    return !context->profile.row_loop;
  return half && ddim_cl_has_mma(context, provider);
}

static guint64
weight_bytes(const DdimConvShape *shape, gboolean half, DdimConvMethod method)
{
  return ddim_cl_matrix_bytes(ddim_conv_method_packing(method), half, shape->out, shape->in,
                              shape->taps * shape->taps);
}

/* What gathering the taps for a library's product reads and writes. */
static double
im2col_bytes(const DdimConvShape *shape, DdimGemmProvider provider)
{
  if (provider != DDIM_GEMM_CLBLAST || shape->taps == 1)
    return 0;
  return 8.0 * shape->n * shape->h * shape->w * shape->taps * shape->taps * shape->in;
}

/* Columns as they are multiplied, the padding included. */
static double
columns(const DdimConvShape *shape)
{
  return (shape->out + DDIM_CL_COLUMN_PADDING - 1) / DDIM_CL_COLUMN_PADDING *
         DDIM_CL_COLUMN_PADDING;
}

/* Products and preparation of the input, margins included. */
static double
amx_seconds(const DdimConvShape *shape, const Rates *rates)
{
  const guint margin = shape->taps / 2;
  const double positions = (double)shape->n * (shape->h + margin) * (shape->w + margin);
  /* Whole tiles of pixels leave the margins out. */
  const double multiplied = shape->w % AMX_TILE == 0 ? (double)shape->n * shape->h * shape->w
                                                     : ceil(positions / AMX_BLOCK) * AMX_BLOCK;
  const double products = 2 * multiplied * shape->taps * shape->taps * shape->in * columns(shape);
  const double input = 8 * positions * shape->stride * shape->stride * shape->in;
  return products / rates->amx_flops + input / rates->amx_input_bytes;
}

/* The same for F(4,3), where a position is four pixels and becomes six points. A panel of weights
 * is multiplied by `each` blocks of positions. To read it takes as long as multiplying CACHE_BLOCKS
 * blocks more. */
#define CACHE_BLOCKS 1.3

static double
amx_winograd_seconds(DdimContext *context, const DdimConvShape *shape, const Rates *rates)
{
  guint64 blocks, each;
  ddim_cl_conv_amx_winograd_blocks(context, shape, &blocks, &each);
  const double products = 2.0 * blocks * AMX_BLOCK * AMX_POINTS * 3 * shape->in * columns(shape);
  const double input = 8.0 * blocks * AMX_BLOCK * AMX_POINTS * shape->in;
  return products / rates->amx_flops * (1 + CACHE_BLOCKS / each) + input / rates->amx_input_bytes;
}

/* Transforming the weights on the way costs as much as multiplying so many tiles more. */
#define LEAN_TILES 7

static double
combine(const Rates *rates, double computing, double weights)
{
  return rates->overlap ? MAX(computing, weights) : computing + weights;
}

static double
winograd_seconds(const DdimConvShape *shape, DdimConvMethod method, const Rates *rates)
{
  const guint tile = method == DDIM_CONV_WINOGRAD2 ? 2 : 4;
  const double tiles =
      (double)shape->n * ((shape->h + tile - 1) / tile) * ((shape->w + tile - 1) / tile);
  const double points = (tile + 2) * (tile + 2);
  const double extra = method == DDIM_CONV_WINOGRAD4_LEAN ? LEAN_TILES : 0;
  const double products = 2 * points * (tiles + extra) * shape->in * columns(shape);
  const double transforms = 4 * points * tiles * (shape->in + columns(shape));
  return products / rates->flops + transforms / rates->transform_bytes;
}

double
ddim_cl_estimate(DdimContext *context, const DdimConvShape *shape, gboolean half,
                 DdimClChoice choice)
{
  const Rates rates = device_rates(context);
  const double weights = weight_bytes(shape, half, choice.method) / rates.weight_bytes;
  if (choice.method == DDIM_CONV_DIRECT)
    return combine(&rates, ddim_conv_flops(shape) / shape->out * columns(shape) / rates.flops,
                   weights) +
           im2col_bytes(shape, choice.provider) / rates.transform_bytes;
  if (choice.method == DDIM_CONV_AMX)
    return amx_seconds(shape, &rates) + weights * (half ? 5 : 1); /* widened first */
  if (choice.method == DDIM_CONV_AMX_WINOGRAD)
    return amx_winograd_seconds(context, shape, &rates) + weights;
  return combine(&rates, winograd_seconds(shape, choice.method, &rates), weights);
}

/* For the block of transformed weights in kernels/winograd-lean.cl. */
#define LEAN_BYTES (64 << 10)

static gboolean
has_local_memory(DdimContext *context)
{
  cl_ulong bytes = 0;
  clGetDeviceInfo(context->device, CL_DEVICE_LOCAL_MEM_SIZE, sizeof bytes, &bytes, NULL);
  return bytes >= LEAN_BYTES;
}

gboolean
ddim_cl_can_use(DdimContext *context, const DdimConvShape *shape, gboolean half,
                DdimClChoice choice)
{
  if (!is_trusted(context, choice))
    return FALSE;
  switch (choice.method) {
  case DDIM_CONV_AMX:
    return choice.provider == DDIM_GEMM_PACKED && ddim_cl_has_amx(context);
  case DDIM_CONV_AMX_WINOGRAD:
    return shape->taps == 3 && shape->stride == 1 && !half && choice.provider == DDIM_GEMM_PACKED &&
           ddim_cl_has_amx(context);
  case DDIM_CONV_WINOGRAD4_LEAN:
    return shape->taps == 3 && shape->stride == 1 && choice.provider == DDIM_GEMM_PACKED &&
           context->profile.row_loop && has_local_memory(context);
  case DDIM_CONV_WINOGRAD2:
  case DDIM_CONV_WINOGRAD4:
    return shape->taps == 3 && shape->stride == 1 &&
           !(half && choice.method == DDIM_CONV_WINOGRAD4);
  default:
    return TRUE;
  }
}

/* The seconds of one convolution by each method, and the provider that takes so long. Infinite
 * where a method cannot be used. */
typedef struct {
  double seconds[DDIM_N_CONV_METHODS];
  DdimGemmProvider provider[DDIM_N_CONV_METHODS];
} Costs;

static Costs
estimate_costs(DdimContext *context, const DdimConvShape *shape, gboolean half)
{
  const DdimGemmProvider provider = ddim_cl_default_provider(context, half);
  Costs costs;
  for (DdimConvMethod m = 0; m < DDIM_N_CONV_METHODS; m++) {
    costs.provider[m] = provider;
    const DdimClChoice choice = {m, provider};
    costs.seconds[m] = ddim_cl_can_use(context, shape, half, choice)
                           ? ddim_cl_estimate(context, shape, half, choice)
                           : INFINITY;
  }
  return costs;
}

/* An estimate and a measurement cannot be compared. So this is FALSE unless every method was
 * measured with the provider that is used without measurements. Other providers are compared where
 * they were measured as well. */
static gboolean
measured_costs(DdimContext *context, const DdimClTuning *tuning, const DdimConvShape *shape,
               gboolean half, Costs *costs)
{
  const DdimGemmProvider own = ddim_cl_default_provider(context, half);
  for (DdimConvMethod m = 0; m < DDIM_N_CONV_METHODS; m++) {
    costs->provider[m] = own;
    costs->seconds[m] = INFINITY;
    if (!ddim_cl_can_use(context, shape, half, (DdimClChoice){m, own}))
      continue;
    costs->seconds[m] = ddim_cl_tuning_get(tuning, shape, half, (DdimClChoice){m, own});
    if (costs->seconds[m] < 0)
      return FALSE;
    for (DdimGemmProvider p = 0; p < DDIM_N_GEMM_PROVIDERS; p++) {
      const double seconds = ddim_cl_tuning_get(tuning, shape, half, (DdimClChoice){m, p});
      if (seconds < 0 || seconds >= costs->seconds[m] ||
          !ddim_cl_can_use(context, shape, half, (DdimClChoice){m, p}) ||
          !ddim_cl_provider_suits(context, p, half))
        continue;
      costs->seconds[m] = seconds;
      costs->provider[m] = p;
    }
  }
  return TRUE;
}

/* Costs of all shapes. All shapes compete for one budget of memory. So where only some were
 * measured, the estimates of the others are scaled by the ratio of measurements to estimates of
 * those. */
static Costs *
find_costs(DdimContext *context, const DdimClTuning *tuning, const DdimConvShape *shapes, guint n,
           gboolean half)
{
  Costs *costs = g_new(Costs, n);
  g_autofree gboolean *measured = g_new0(gboolean, n);
  double seconds = 0, estimated = 0;
  for (guint i = 0; i < n; i++) {
    const Costs estimate = estimate_costs(context, &shapes[i], half);
    measured[i] = tuning && measured_costs(context, tuning, &shapes[i], half, &costs[i]);
    if (measured[i]) {
      seconds += costs[i].seconds[DDIM_CONV_DIRECT];
      estimated += estimate.seconds[DDIM_CONV_DIRECT];
    } else {
      costs[i] = estimate;
    }
  }
  for (guint i = 0; i < n; i++)
    for (DdimConvMethod m = 0; !measured[i] && estimated > 0 && m < DDIM_N_CONV_METHODS; m++)
      costs[i].seconds[m] *= seconds / estimated;
  return costs;
}

/* The fastest way whose weights take no more than the direct convolution's. */
static DdimClChoice
cheapest_of_same_size(const DdimConvShape *shape, gboolean half, const Costs *costs)
{
  const guint64 bytes = weight_bytes(shape, half, DDIM_CONV_DIRECT);
  DdimConvMethod best = DDIM_CONV_DIRECT;
  for (DdimConvMethod m = 0; m < DDIM_N_CONV_METHODS; m++)
    if (weight_bytes(shape, half, m) <= bytes && costs->seconds[m] < costs->seconds[best])
      best = m;
  return (DdimClChoice){best, costs->provider[best]};
}

/* Another way for one convolution, which saves time and takes more memory. */
typedef struct {
  guint index;
  DdimConvMethod method;
  guint64 bytes; /* how many more */
  double gain;   /* seconds saved for each of them */
} Upgrade;

/* The upgrade from @choices that saves most time per byte, of those that take at most @left bytes;
 * none has a gain of 0. What counts is the step from the present choice: from F(2x2) to F(4x4) it
 * may save little, even where F(4x4) saves much over a direct convolution. */
static Upgrade
find_upgrade(const DdimConvShape *shapes, guint n, gboolean half, const Costs *costs,
             const DdimClChoice *choices, guint64 left)
{
  Upgrade best = {.gain = 0};
  for (guint i = 0; i < n; i++) {
    const guint64 now = weight_bytes(&shapes[i], half, choices[i].method);
    for (DdimConvMethod m = 0; m < DDIM_N_CONV_METHODS; m++) {
      const guint64 then = weight_bytes(&shapes[i], half, m);
      const double saved = costs[i].seconds[choices[i].method] - costs[i].seconds[m];
      if (saved > 0 && then > now && then - now <= left && saved / (then - now) > best.gain)
        best = (Upgrade){i, m, then - now, saved / (then - now)};
    }
  }
  return best;
}

void
ddim_cl_choose(DdimContext *context, const DdimClTuning *tuning, const DdimConvShape *shapes,
               guint n, gboolean half, guint64 budget, DdimClChoice *choices)
{
  g_autofree Costs *costs = find_costs(context, tuning, shapes, n, half);
  guint64 used = 0;
  for (guint i = 0; i < n; i++) {
    choices[i] = cheapest_of_same_size(&shapes[i], half, &costs[i]);
    used += weight_bytes(&shapes[i], half, choices[i].method);
  }
  while (used < budget) {
    const Upgrade up = find_upgrade(shapes, n, half, costs, choices, budget - used);
    if (up.gain == 0)
      return;
    used += up.bytes;
    choices[up.index] = (DdimClChoice){up.method, costs[up.index].provider[up.method]};
  }
}
