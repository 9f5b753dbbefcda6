/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/job/tune.h"

#include <glib/gi18n-lib.h>

#include "core/network/shapes.h"
#include "opencl/tune/choice.h"
#include "opencl/tune/clblast-search.h"
#include "opencl/tune/measure.h"
#include "opencl/tune/tuning.h"
#include "opencl/ops/units/verify.h"

/* A provider other than the device's own is given up when it takes this many times as long for the
 * shape that matters most. */
#define HOPELESS 5
/* How many shapes the parameters of CLBlast are judged by: those with the most arithmetic. */
#define SEARCH_SHAPES 4
/* New parameters must take less than this share of the time of the database's, because both times
 * are uncertain. */
#define WORTHWHILE 0.97

typedef struct {
  DdimConvShape shape;
  guint uses;
} Candidate;

typedef struct {
  DdimNetwork *network;
  const DdimNetworkParams *params;
  DdimClTuning *tuning;
  DdimClBuffer *cold;
  GArray *candidates;    /* distinct shapes, those that matter most first */
  guint measured, total; /* measurements */
  double search_seconds;
  DdimTuneSearch *search;
  const DdimConvMethod *methods; /* of the shapes that a search measures */
} Tune;

static gboolean
same_shape(const DdimConvShape *a, const DdimConvShape *b)
{
  return a->in == b->in && a->out == b->out && a->taps == b->taps && a->stride == b->stride &&
         !a->up == !b->up && a->n == b->n && a->h == b->h && a->w == b->w;
}

static int
compare_candidates(gconstpointer a, gconstpointer b)
{
  const Candidate *x = a, *y = b;
  const double left = ddim_conv_flops(&x->shape) * x->uses;
  const double right = ddim_conv_flops(&y->shape) * y->uses;
  return left < right ? 1 : left > right ? -1 : 0;
}

static GArray *
find_candidates(const DdimConvShape *shapes, guint n)
{
  GArray *candidates = g_array_new(FALSE, FALSE, sizeof(Candidate));
  for (guint i = 0; i < n; i++) {
    guint c = 0;
    while (c < candidates->len &&
           !same_shape(&g_array_index(candidates, Candidate, c).shape, &shapes[i]))
      c++;
    if (c == candidates->len) {
      const Candidate candidate = {.shape = shapes[i]};
      g_array_append_val(candidates, candidate);
    }
    g_array_index(candidates, Candidate, c).uses++;
  }
  g_array_sort(candidates, compare_candidates);
  return candidates;
}

static void
report_shape(Tune *tune, const DdimConvShape *shape)
{
  if (!tune->params->status)
    return;
  /* Translators: taps of a convolution, its channels in and out, width and height */
  g_autofree char *what =
      g_strdup_printf(_("Measuring %ux%u, %u to %u channels, %ux%u pixels"), shape->taps,
                      shape->taps, shape->in, shape->out, shape->w, shape->h);
  tune->params->status(what, (double)tune->measured / tune->total, tune->params->status_data);
}

/* Measure every method for @candidate with @provider. */
static gboolean
measure_shape(Tune *tune, const Candidate *candidate, DdimGemmProvider provider, GError **error)
{
  const DdimConvShape *shape = &candidate->shape;
  for (DdimConvMethod m = 0; m < DDIM_N_CONV_METHODS; m++) {
    const DdimClChoice choice = {m, provider};
    if (!ddim_cl_can_use(tune->network->context, shape, tune->network->half, choice))
      continue;
    if (g_cancellable_set_error_if_cancelled(tune->params->cancellable, error))
      return FALSE;
    report_shape(tune, shape);
    const double seconds = ddim_cl_measure_conv(tune->network->context, tune->cold, shape,
                                                tune->network->half, choice, error);
    if (seconds < 0)
      return FALSE;
    ddim_cl_tuning_set(tune->tuning, shape, tune->network->half, choice, seconds);
    tune->measured++;
  }
  return TRUE;
}

/* The least time of @candidate with @provider. */
static double
best_time(Tune *tune, const Candidate *candidate, DdimGemmProvider provider)
{
  double best = -1;
  for (DdimConvMethod m = 0; m < DDIM_N_CONV_METHODS; m++) {
    const double seconds = ddim_cl_tuning_get(tune->tuning, &candidate->shape, tune->network->half,
                                              (DdimClChoice){m, provider});
    if (seconds >= 0 && (best < 0 || seconds < best))
      best = seconds;
  }
  return best;
}

static gboolean
measure_provider(Tune *tune, DdimGemmProvider provider, GError **error)
{
  const DdimGemmProvider own =
      ddim_cl_default_provider(tune->network->context, tune->network->half);
  for (guint i = 0; i < tune->candidates->len; i++) {
    const Candidate *candidate = &g_array_index(tune->candidates, Candidate, i);
    if (!measure_shape(tune, candidate, provider, error))
      return FALSE;
    if (i == 0 && best_time(tune, candidate, provider) > HOPELESS * best_time(tune, candidate, own))
      break;
  }
  return TRUE;
}

/* The fastest method of @candidate with CLBlast, as measured. */
static DdimConvMethod
best_method(Tune *tune, const Candidate *candidate)
{
  const double best = best_time(tune, candidate, DDIM_GEMM_CLBLAST);
  DdimConvMethod m = 0;
  while (m + 1 < DDIM_N_CONV_METHODS &&
         ddim_cl_tuning_get(tune->tuning, &candidate->shape, tune->network->half,
                            (DdimClChoice){m, DDIM_GEMM_CLBLAST}) != best)
    m++;
  return m;
}

static double
largest_seconds(Tune *tune, GError **error)
{
  double cost = 0;
  for (guint i = 0; i < MIN(tune->candidates->len, SEARCH_SHAPES); i++) {
    const Candidate *candidate = &g_array_index(tune->candidates, Candidate, i);
    if (g_cancellable_set_error_if_cancelled(tune->params->cancellable, error))
      return -1;
    const double seconds = ddim_cl_measure_conv(
        tune->network->context, tune->cold, &candidate->shape, tune->network->half,
        (DdimClChoice){tune->methods[i], DDIM_GEMM_CLBLAST}, error);
    if (seconds < 0)
      return -1;
    cost += candidate->uses * seconds;
  }
  return cost;
}

static double
search_cost(const DdimClblastParameters *parameters, gpointer data, GError **error)
{
  Tune *tune = data;
  if (!ddim_cl_verify_provider(tune->network->context, DDIM_GEMM_CLBLAST, tune->network->half,
                               error))
    return -1;
  return largest_seconds(tune, error);
}

static void
search_progress(guint tried, double fraction, gpointer data)
{
  Tune *tune = data;
  if (!tune->params->status)
    return;
  g_autofree char *what = g_strdup_printf(_("Searching parameters of CLBlast, number %u"), tried);
  tune->params->status(what, fraction, tune->params->status_data);
}

/* Whether a search for CLBlast's parameters is due: CLBlast must be of use at all, and nobody must
 * have searched before. */
static gboolean
wants_search(Tune *tune)
{
  const DdimGemmProvider own =
      ddim_cl_default_provider(tune->network->context, tune->network->half);
  if (tune->search_seconds == 0 || !tune->candidates->len ||
      (tune->search_seconds < 0 && ddim_cl_tuning_get_clblast(tune->tuning)))
    return FALSE;
  for (guint i = 0; i < tune->candidates->len; i++) {
    const Candidate *candidate = &g_array_index(tune->candidates, Candidate, i);
    const double library = best_time(tune, candidate, DDIM_GEMM_CLBLAST);
    if (library < 0 || (i == 0 && library > HOPELESS * best_time(tune, candidate, own)))
      return FALSE;
  }
  return TRUE;
}

/* Look for parameters of CLBlast that are better than its database's, and measure all shapes again
 * with them. If the new ones are no better, the measurements with the database's are kept. */
static gboolean
search_parameters(Tune *tune, GError **error)
{
  if (!wants_search(tune))
    return TRUE;
  DdimConvMethod methods[SEARCH_SHAPES];
  tune->methods = methods;
  for (guint i = 0; i < MIN(tune->candidates->len, SEARCH_SHAPES); i++)
    methods[i] = best_method(tune, &g_array_index(tune->candidates, Candidate, i));
  const DdimClblastSearch search = {
      .cost = search_cost,
      .progress = search_progress,
      .user_data = tune,
      .seconds = tune->search_seconds < 0 ? (double)DDIM_TUNE_SEARCH_SECONDS : tune->search_seconds,
      .seed = 1};
  g_autoptr(GError) why = NULL;
  DdimClblastParameters best;
  DdimTuneSearch *result = tune->search;
  result->before = largest_seconds(tune, error);
  if (result->before < 0)
    return FALSE;
  result->after = ddim_clblast_search(tune->network->context, &search, &best, &result->tried, &why);
  if (g_error_matches(why, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
  }
  result->found = result->after >= 0 && result->after < WORTHWHILE * result->before;
  if (!result->found)
    return TRUE;
  ddim_cl_tuning_set_clblast(tune->tuning, &best);
  tune->total += tune->total / DDIM_N_GEMM_PROVIDERS;
  return measure_provider(tune, DDIM_GEMM_CLBLAST, error);
}

static gboolean
measure_all(Tune *tune, GError **error)
{
  const DdimGemmProvider own =
      ddim_cl_default_provider(tune->network->context, tune->network->half);
  if (!(tune->cold = ddim_cl_cold_memory_new(tune->network->context, error)) ||
      !measure_provider(tune, own, error))
    return FALSE;
  for (DdimGemmProvider p = 0; p < DDIM_N_GEMM_PROVIDERS; p++) {
    g_autoptr(GError) why = NULL;
    /* A library that does not work on this device is no candidate on it. */
    if (p == own || !ddim_cl_provider_suits(tune->network->context, p, tune->network->half) ||
        (ddim_cl_verify_provider(tune->network->context, p, tune->network->half, &why) &&
         measure_provider(tune, p, &why)) ||
        !g_error_matches(why, G_IO_ERROR, G_IO_ERROR_CANCELLED))
      continue;
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
  }
  return search_parameters(tune, error);
}

static guint
count_measurements(Tune *tune)
{
  guint n = 0;
  for (guint i = 0; i < tune->candidates->len; i++) {
    const DdimConvShape *shape = &g_array_index(tune->candidates, Candidate, i).shape;
    for (DdimConvMethod m = 0; m < DDIM_N_CONV_METHODS; m++)
      for (DdimGemmProvider p = 0; p < DDIM_N_GEMM_PROVIDERS; p++)
        n += ddim_cl_provider_suits(tune->network->context, p, tune->network->half) &&
             ddim_cl_can_use(tune->network->context, shape, tune->network->half,
                             (DdimClChoice){m, p});
  }
  return n;
}

static int
compare_rows(gconstpointer a, gconstpointer b)
{
  const DdimTuneRow *x = a, *y = b;
  const double left = x->seconds * x->uses, right = y->seconds * y->uses;
  return left < right ? 1 : left > right ? -1 : 0;
}

static DdimTuneRow
make_row(Tune *tune, const DdimConvShape *shape, DdimClChoice choice, DdimClChoice builtin)
{
  const gboolean half = tune->network->half;
  return (DdimTuneRow){
      .in = shape->in,
      .out = shape->out,
      .taps = shape->taps,
      .stride = shape->stride,
      .up = shape->up,
      .batch = shape->n,
      .width = shape->w,
      .height = shape->h,
      .uses = 1,
      .method = ddim_conv_method_name(choice.method),
      .provider = ddim_gemm_provider_name(choice.provider),
      .seconds = ddim_cl_tuning_get(tune->tuning, shape, half, choice),
      .builtin_method = ddim_conv_method_name(builtin.method),
      .builtin_provider = ddim_gemm_provider_name(builtin.provider),
      .builtin_seconds = ddim_cl_tuning_get(tune->tuning, shape, half, builtin),
  };
}

/* Layers of one shape may differ in their choice, as not all may fit the memory for weights. */
static gboolean
same_row(const DdimTuneRow *a, const DdimTuneRow *b)
{
  return a->in == b->in && a->out == b->out && a->taps == b->taps && a->stride == b->stride &&
         !a->up == !b->up && a->width == b->width && a->height == b->height &&
         a->method == b->method && a->provider == b->provider &&
         a->builtin_method == b->builtin_method && a->builtin_provider == b->builtin_provider;
}

static GArray *
make_rows(Tune *tune, const DdimConvShape *shapes)
{
  GArray *rows = g_array_new(FALSE, FALSE, sizeof(DdimTuneRow));
  const guint n = tune->network->n_forward;
  g_autofree DdimClChoice *choices = ddim_network_choose(tune->network, tune->tuning, shapes, n);
  g_autofree DdimClChoice *builtin = ddim_network_choose(tune->network, NULL, shapes, n);
  for (guint i = 0; i < n; i++) {
    const DdimTuneRow row = make_row(tune, &shapes[i], choices[i], builtin[i]);
    guint r = 0;
    while (r < rows->len && !same_row(&g_array_index(rows, DdimTuneRow, r), &row))
      r++;
    if (r < rows->len)
      g_array_index(rows, DdimTuneRow, r).uses++;
    else
      g_array_append_val(rows, row);
  }
  g_array_sort(rows, compare_rows);
  return rows;
}

GArray *
ddim_tune(DdimSession *session, guint batch, guint height, guint width, double search_seconds,
          const DdimNetworkParams *params, DdimTuneSearch *search, char **path, GError **error)
{
  DdimTuneSearch unused;
  static const DdimNetworkParams none = {0};
  g_return_val_if_fail(session->network, NULL);
  if (!ddim_network_check_size(session->network, batch, height, width, error))
    return NULL;
  g_autofree DdimConvShape *shapes =
      ddim_network_get_shapes(session->network, batch, height, width, DDIM_WRAP_NONE);
  g_autoptr(GArray) candidates = find_candidates(shapes, session->network->n_forward);
  Tune tune = {.network = session->network,
               .params = params ? params : &none,
               .tuning = ddim_cl_context_tuning(session->context),
               .candidates = candidates,
               .search_seconds = search_seconds,
               .search = search ? search : &unused};
  tune.total = count_measurements(&tune);
  g_autofree char *file = ddim_cl_tuning_path(tune.tuning);
  g_autoptr(GError) why = NULL;
  *tune.search = (DdimTuneSearch){0};
  /* Save before measuring, so that nobody waits for measurements that then cannot be saved. */
  if (!ddim_cl_tuning_save(tune.tuning, file, error))
    return NULL;
  const gboolean ok = measure_all(&tune, &why);
  ddim_cl_buffer_free(tune.cold);
  if (tune.measured > 0 && !ddim_cl_tuning_save(tune.tuning, file, error))
    return NULL;
  if (g_error_matches(why, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_CANCELLED,
                _("interrupted; %u of %u measurements are made and kept"), tune.measured,
                tune.total);
  else if (!ok)
    g_propagate_error(error, g_steal_pointer(&why));
  if (ok && path)
    *path = g_steal_pointer(&file);
  return ok ? make_rows(&tune, shapes) : NULL;
}
