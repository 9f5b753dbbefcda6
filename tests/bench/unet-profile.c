/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Where an evaluation's time goes: unet-profile MODEL BATCH SIZE [FLAGS]. Prints the median time of
 * whole evaluations, then every kind of operation with its time and rate: of each operation the
 * least of several runs, as what disturbs a run only ever makes it longer. With $EACH set, every
 * operation in its order as well. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/model/config.h"
#include "core/network/evaluator.h"

#define EVALUATIONS 5

typedef struct {
  double seconds, flops;
  guint calls;
} Total;

static double
cpu_seconds(void)
{
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return now.tv_sec + now.tv_nsec * 1e-9;
}

typedef struct {
  const char *name;
  double seconds, flops;
} Operation;

typedef struct {
  GArray *operations; /* in the order of the run, each with its least time so far */
  guint at;           /* the next one in this run */
} Profile;

static void
add(const char *name, double seconds, double flops, gpointer user_data)
{
  Profile *profile = user_data;
  const Operation run = {name, seconds, flops};
  if (profile->at == profile->operations->len)
    g_array_append_val(profile->operations, run);
  Operation *least = &g_array_index(profile->operations, Operation, profile->at++);
  least->seconds = MIN(least->seconds, run.seconds);
}

/* char* -> Total */
static GHashTable *
sum_up(GArray *operations)
{
  GHashTable *totals = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  for (guint i = 0; i < operations->len; i++) {
    const Operation *operation = &g_array_index(operations, Operation, i);
    Total *total = g_hash_table_lookup(totals, operation->name);
    if (!total) {
      total = g_new0(Total, 1);
      g_hash_table_insert(totals, g_strdup(operation->name), total);
    }
    total->seconds += operation->seconds;
    total->flops += operation->flops;
    total->calls++;
    if (g_getenv("EACH"))
      printf("%-20s %10.3f ms %10.1f GFLOP/s\n", operation->name, operation->seconds * 1e3,
             operation->flops / operation->seconds * 1e-9);
  }
  return totals;
}

static int
by_time(gconstpointer a, gconstpointer b, gpointer totals)
{
  const Total *x = g_hash_table_lookup(totals, *(char **)a);
  const Total *y = g_hash_table_lookup(totals, *(char **)b);
  return x->seconds < y->seconds ? 1 : -1;
}

static void
print_profile(GHashTable *totals)
{
  guint n;
  g_autofree char **names = (char **)g_hash_table_get_keys_as_array(totals, &n);
  g_qsort_with_data(names, (int)n, sizeof *names, by_time, totals);
  printf("%-20s %6s %10s %10s\n", "operation", "calls", "ms", "GFLOP/s");
  for (guint i = 0; i < n; i++) {
    const Total *t = g_hash_table_lookup(totals, names[i]);
    printf("%-20s %6u %10.2f %10.1f\n", names[i], t->calls, t->seconds * 1e3,
           t->flops / t->seconds * 1e-9);
  }
}

static int
compare(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static gboolean
run(int argc, char **argv, GError **error)
{
  const guint batch = (guint)atoi(argv[2]), size = (guint)atoi(argv[3]);
  g_autoptr(DdimContext) context = ddim_context_new(NULL, error);
  g_autoptr(DdimCheckpoint) checkpoint = context ? ddim_checkpoint_open(argv[1], error) : NULL;
  g_autoptr(DdimConfig) config =
      checkpoint ? ddim_config_load(checkpoint, argc > 4 ? argv[4] : NULL, error) : NULL;
  if (!config)
    return FALSE;
  const DdimEvaluatorSize dimensions = {.batch = batch, .height = size, .width = size};
  g_autoptr(DdimNetwork) network = ddim_network_new(context, checkpoint, config, NULL, error);
  g_autoptr(DdimEvaluator) evaluator =
      network ? ddim_evaluator_new(network, &dimensions, NULL, error) : NULL;
  if (!evaluator)
    return FALSE;
  g_autofree double *timesteps = g_new0(double, batch);
  g_autofree gint64 *labels = g_new0(gint64, batch);
  g_autofree float *x =
      g_new0(float, batch *(gsize)ddim_config_get_image_channels(config) * size * size);
  if (!ddim_evaluator_set_conditions(evaluator, timesteps, 1, labels, error) ||
      !ddim_evaluator_set_x(evaluator, x, error))
    return FALSE;
  double times[EVALUATIONS + 1], cpu = 0;
  for (int i = 0; i <= EVALUATIONS; i++) {
    const gint64 start = g_get_monotonic_time();
    if (i == 1)
      cpu = cpu_seconds();
    if (!ddim_evaluator_evaluate(evaluator, 0, error) || !ddim_evaluator_wait(evaluator, error))
      return FALSE;
    times[i] = (g_get_monotonic_time() - start) * 1e-6;
  }
  cpu = (cpu_seconds() - cpu) / EVALUATIONS;
  qsort(times + 1, EVALUATIONS, sizeof *times, compare);
  const double median = times[1 + EVALUATIONS / 2], flops = ddim_evaluator_get_flops(evaluator);
  printf(
      "first %.1f ms, median %.1f ms, min %.1f ms, processor %.1f ms, %.2f GFLOP, %.1f GFLOP/s\n",
      times[0] * 1e3, median * 1e3, times[1] * 1e3, cpu * 1e3, flops * 1e-9, flops / median * 1e-9);
  g_autoptr(GArray) operations = g_array_new(FALSE, FALSE, sizeof(Operation));
  for (int i = 0; i < EVALUATIONS; i++) {
    Profile profile = {.operations = operations};
    if (!ddim_evaluator_profile(evaluator, add, &profile, error))
      return FALSE;
  }
  g_autoptr(GHashTable) totals = sum_up(operations);
  print_profile(totals);
  return TRUE;
}

int
main(int argc, char **argv)
{
  g_autoptr(GError) error = NULL;
  if (argc < 4) {
    fprintf(stderr, "usage: %s MODEL BATCH SIZE [FLAGS]\n", argv[0]);
    return 2;
  }
  if (run(argc, argv, &error))
    return 0;
  fprintf(stderr, "%s\n", error->message);
  return 1;
}
