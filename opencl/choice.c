/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/choice.h"

/* What a device does per second; only the ratios matter for a choice. A CPU's are per core,
 * measured with the packed kernel on an AVX-512 server core: 100 GFLOP/s in products, 8 GB/s of
 * weights streamed, 5 GB/s through the Winograd transforms. */
typedef struct {
  double flops, weight_bytes, transform_bytes;
} Rates;

static Rates
device_rates(DdimContext *context)
{
  const DdimDeviceInfo *info = ddim_context_get_device(context);
  if (info->kind == DDIM_DEVICE_CPU) {
    const double cores = info->compute_units;
    return (Rates){185e9 * cores, 20e9 * cores, 5.5e9 * cores};
  }
  return (Rates){8e12, 4e11, 2e11};
}

DdimGemmProvider
ddim_cl_default_provider(DdimContext *context)
{
  return ddim_context_get_device(context)->kind == DDIM_DEVICE_CPU ? DDIM_GEMM_PACKED
                                                                   : DDIM_GEMM_CLBLAST;
}

static guint64
weight_bytes(const DdimConvShape *shape, gboolean half, DdimConvMethod method)
{
  return ddim_cl_matrix_bytes(ddim_conv_method_packing(method), half, shape->out, shape->in,
                              shape->taps * shape->taps);
}

double
ddim_cl_estimate(DdimContext *context, const DdimConvShape *shape, gboolean half,
                 DdimClChoice choice)
{
  const Rates rates = device_rates(context);
  const double weights = weight_bytes(shape, half, choice.method) / rates.weight_bytes;
  if (choice.method == DDIM_CONV_DIRECT)
    return ddim_conv_flops(shape) / rates.flops + weights;
  const guint tile = choice.method == DDIM_CONV_WINOGRAD4 ? 4 : 2;
  const double tiles =
      (double)shape->n * ((shape->h + tile - 1) / tile) * ((shape->w + tile - 1) / tile);
  const double points = (tile + 2) * (tile + 2);
  const double products = 2 * points * tiles * shape->in * shape->out;
  const double transforms = 4 * points * tiles * ((double)shape->in + shape->out);
  return products / rates.flops + weights + transforms / rates.transform_bytes;
}

typedef struct {
  guint index;
  DdimConvMethod method;
  double gain; /* seconds saved per byte more */
} Upgrade;

static int
compare_upgrades(gconstpointer a, gconstpointer b)
{
  const Upgrade *x = a, *y = b;
  return x->gain < y->gain ? 1 : x->gain > y->gain ? -1 : 0;
}

void
ddim_cl_choose(DdimContext *context, const DdimConvShape *shapes, guint n, gboolean half,
               guint64 budget, DdimClChoice *choices)
{
  const DdimGemmProvider provider = ddim_cl_default_provider(context);
  g_autoptr(GArray) upgrades = g_array_new(FALSE, FALSE, sizeof(Upgrade));
  guint64 used = 0;
  for (guint i = 0; i < n; i++) {
    choices[i] = (DdimClChoice){DDIM_CONV_DIRECT, provider};
    const guint64 bytes = weight_bytes(&shapes[i], half, DDIM_CONV_DIRECT);
    used += bytes;
    if (shapes[i].taps != 3 || shapes[i].stride != 1)
      continue;
    const double base = ddim_cl_estimate(context, &shapes[i], half, choices[i]);
    for (DdimConvMethod m = DDIM_CONV_WINOGRAD2; m < DDIM_N_CONV_METHODS; m++) {
      const double seconds =
          ddim_cl_estimate(context, &shapes[i], half, (DdimClChoice){m, provider});
      if (seconds >= base)
        continue;
      const Upgrade upgrade = {i, m,
                               (base - seconds) / (weight_bytes(&shapes[i], half, m) - bytes)};
      g_array_append_val(upgrades, upgrade);
    }
  }
  g_array_sort(upgrades, compare_upgrades);
  /* A layer may be upgraded twice, from direct over F(2x2) to F(4x4), when the second saves time as
   * well. */
  for (guint i = 0; i < upgrades->len; i++) {
    const Upgrade *up = &g_array_index(upgrades, Upgrade, i);
    const DdimConvShape *shape = &shapes[up->index];
    DdimClChoice *choice = &choices[up->index];
    const DdimClChoice better = {up->method, provider};
    if (ddim_cl_estimate(context, shape, half, better) >=
        ddim_cl_estimate(context, shape, half, *choice))
      continue;
    const guint64 now = weight_bytes(shape, half, choice->method);
    const guint64 then = weight_bytes(shape, half, up->method);
    if (used - now + then > budget)
      continue;
    used = used - now + then;
    choice->method = up->method;
  }
}
