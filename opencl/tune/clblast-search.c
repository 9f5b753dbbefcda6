/* SPDX-License-Identifier: LGPL-3.0-or-later
 * The search is a kind of hill climbing: it tries the starts, then neighbours of the best, one
 * kernel at a time, as long as time is left. Every try compiles CLBlast's kernels anew, which takes
 * about a second with a GPU's driver. So only a small part of the hundred thousand valid sets can
 * be tried. */
#include "opencl/tune/clblast-search.h"

#include <gio/gio.h>
#include <string.h>

#include "opencl/ops/matrix/clblast-use.h"

/* After so many draws without a new valid neighbour there is none left. */
#define MAX_DRAWS 1000
#define ALL_LARGE 0
#define ALL_SMALL 65536

typedef struct {
  DdimContext *context;
  const DdimClblastSearch *search;
  GHashTable *seen; /* of GBytes */
  gint64 start;     /* microseconds */
  guint tried;
  DdimClblastParameters best[DDIM_CLBLAST_N_KERNELS]; /* for only large, only small, and mixed */
  double cost[DDIM_CLBLAST_N_KERNELS];                /* negative: none yet */
} Climb;

static double
elapsed(const Climb *climb)
{
  return (g_get_monotonic_time() - climb->start) * 1e-6;
}

/* The threshold that makes all products use @kernel. */
static void
use_only(DdimClblastParameters *parameters, DdimClblastKernel kernel)
{
  if (kernel != DDIM_CLBLAST_GEMM_ROUTINE)
    parameters->values[DDIM_CLBLAST_GEMM_ROUTINE][0] =
        kernel == DDIM_CLBLAST_XGEMM ? ALL_LARGE : ALL_SMALL;
}

/* Time @parameters unless they were tried before; keep them when they are the best for @kernel.
 * FALSE: cancelled. */
static gboolean
try_parameters(Climb *climb, DdimClblastKernel kernel, const DdimClblastParameters *parameters,
               GError **error)
{
  const DdimClblastSearch *search = climb->search;
  g_autoptr(GError) why = NULL;
  g_hash_table_add(climb->seen, g_bytes_new(parameters, sizeof *parameters));
  climb->tried++;
  if (search->progress)
    search->progress(climb->tried, MIN(elapsed(climb) / search->seconds, 1), search->user_data);
  double cost = -1;
  if (ddim_clblast_use(climb->context, parameters, &why))
    cost = search->cost(parameters, search->user_data, &why);
  if (g_error_matches(why, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
  }
  if (cost >= 0 && (climb->cost[kernel] < 0 || cost < climb->cost[kernel])) {
    climb->cost[kernel] = cost;
    climb->best[kernel] = *parameters;
  }
  return TRUE;
}

static gboolean
is_new(Climb *climb, const DdimClblastParameters *parameters)
{
  g_autoptr(GBytes) bytes = g_bytes_new_static(parameters, sizeof *parameters);
  return ddim_clblast_is_valid(climb->context->info, parameters) &&
         !g_hash_table_contains(climb->seen, bytes);
}

static gboolean
try_starts(Climb *climb, DdimClblastKernel kernel, double until, GError **error)
{
  for (guint i = 0; i < ddim_clblast_n_starts(); i++) {
    DdimClblastParameters parameters = ddim_clblast_start(i);
    use_only(&parameters, kernel);
    if (climb->tried && elapsed(climb) >= until)
      return TRUE;
    if (is_new(climb, &parameters) && !try_parameters(climb, kernel, &parameters, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
try_neighbours(Climb *climb, DdimClblastKernel kernel, GRand *rand, double until, GError **error)
{
  for (guint draws = 0; climb->cost[kernel] >= 0 && draws < MAX_DRAWS && elapsed(climb) < until;
       draws++) {
    DdimClblastParameters parameters = climb->best[kernel];
    ddim_clblast_vary(&parameters, kernel, rand);
    if (!is_new(climb, &parameters))
      continue;
    if (!try_parameters(climb, kernel, &parameters, error))
      return FALSE;
    draws = 0;
  }
  return TRUE;
}

/* The best of both kernels together, with every threshold between them. */
static gboolean
try_mixed(Climb *climb, GError **error)
{
  static const guint thresholds[] = {128, 256, 512, 1024};
  const double *cost = climb->cost;
  if (cost[DDIM_CLBLAST_XGEMM] < 0 || cost[DDIM_CLBLAST_XGEMM_DIRECT] < 0)
    return TRUE;
  DdimClblastParameters parameters = climb->best[DDIM_CLBLAST_XGEMM];
  memcpy(parameters.values[DDIM_CLBLAST_XGEMM_DIRECT],
         climb->best[DDIM_CLBLAST_XGEMM_DIRECT].values[DDIM_CLBLAST_XGEMM_DIRECT],
         sizeof parameters.values[0]);
  for (guint i = 0; i < G_N_ELEMENTS(thresholds); i++) {
    parameters.values[DDIM_CLBLAST_GEMM_ROUTINE][0] = thresholds[i];
    if (elapsed(climb) >= climb->search->seconds)
      return TRUE;
    if (!try_parameters(climb, DDIM_CLBLAST_GEMM_ROUTINE, &parameters, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
run(Climb *climb, GError **error)
{
  /* Starts and neighbours of the kernel for large matrices, then of the one for small. */
  static const double shares[] = {0.2, 0.35, 0.68, 0.85};
  const double seconds = climb->search->seconds;
  GRand *rand = g_rand_new_with_seed(climb->search->seed);
  gboolean ok = try_starts(climb, DDIM_CLBLAST_XGEMM, shares[0] * seconds, error) &&
                try_starts(climb, DDIM_CLBLAST_XGEMM_DIRECT, shares[1] * seconds, error);
  /* Time goes to the better of the two first. */
  const gboolean large_first =
      climb->cost[DDIM_CLBLAST_XGEMM] >= 0 &&
      climb->cost[DDIM_CLBLAST_XGEMM] < climb->cost[DDIM_CLBLAST_XGEMM_DIRECT];
  const DdimClblastKernel first = large_first ? DDIM_CLBLAST_XGEMM : DDIM_CLBLAST_XGEMM_DIRECT;
  const DdimClblastKernel second = large_first ? DDIM_CLBLAST_XGEMM_DIRECT : DDIM_CLBLAST_XGEMM;
  ok = ok && try_neighbours(climb, first, rand, shares[2] * seconds, error) &&
       try_neighbours(climb, second, rand, shares[3] * seconds, error) && try_mixed(climb, error);
  g_rand_free(rand);
  return ok;
}

double
ddim_clblast_search(DdimContext *context, const DdimClblastSearch *search,
                    DdimClblastParameters *best, guint *tried, GError **error)
{
  Climb climb = {.context = context,
                 .search = search,
                 .start = g_get_monotonic_time(),
                 .seen = g_hash_table_new_full(g_bytes_hash, g_bytes_equal,
                                               (GDestroyNotify)g_bytes_unref, NULL)};
  for (guint k = 0; k < DDIM_CLBLAST_N_KERNELS; k++)
    climb.cost[k] = -1;
  double cost = -1;
  if (run(&climb, error))
    for (guint k = 0; k < DDIM_CLBLAST_N_KERNELS; k++)
      if (climb.cost[k] >= 0 && (cost < 0 || climb.cost[k] < cost)) {
        cost = climb.cost[k];
        *best = climb.best[k];
      }
  g_hash_table_unref(climb.seen);
  *tried = climb.tried;
  if (cost >= 0 && !ddim_clblast_use(context, best, error))
    return -1;
  return cost;
}
