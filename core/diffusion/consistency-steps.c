/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/diffusion/consistency-steps.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "core/data/error.h"

#define SIGMA_DATA 0.5
#define RHO 7.0
#define USUAL_SCALES 40
#define MAX_SCALES 100000

/* c_skip, c_out and c_in at one sigma, in float32 as there. */
typedef struct {
  double skip, out, in;
} Scalings;

static Scalings
get_scalings(const DdimConsistencyRun *run, float sigma)
{
  const float data = SIGMA_DATA, square = data * data;
  const float above = run->distilled ? sigma - (float)run->sigma_min : sigma;
  const float root = sqrtf(sigma * sigma + square);

  return (Scalings){
      .skip = square / (above * above + square), .out = above * data / root, .in = 1 / root};
}

/* The place of @ramp, from 0 to 1, between sigma_max and sigma_min. */
static double
get_sigma(const DdimConsistencyRun *run, double ramp)
{
  const double most = pow(run->sigma_max, 1 / RHO), least = pow(run->sigma_min, 1 / RHO);

  return pow(most + ramp * (least - most), RHO);
}

/* An evaluation at @sigma: x0 from c_in * x. */
static DdimTableStep
evaluate(const DdimConsistencyRun *run, float sigma, const Scalings *scalings)
{
  return (DdimTableStep){.kind = DDIM_STEP_EVALUATION,
                         .timestep = 1000 * 0.25f * logf(sigma),
                         .draws_noise = TRUE,
                         .arithmetic = {.x0_x = scalings->skip / scalings->in,
                                        .x0_m = scalings->out,
                                        .clip = run->clip,
                                        .sigma_type = DDIM_SIGMA_FIXED}};
}

/* ---- several steps ---- */

/* Read the list `ts`; of a single number make one. */
static GArray *
parse_list(const char *spec, GError **error)
{
  g_auto(GStrv) parts = g_strsplit(spec, ",", MAX_SCALES);
  g_autoptr(GArray) ts = g_array_new(FALSE, FALSE, sizeof(guint));
  guint64 value;

  for (guint i = 0; parts[i]; i++) {
    if (!g_ascii_string_to_unsigned(g_strstrip(parts[i]), 10, 0, MAX_SCALES, &value, NULL) ||
        (i > 0 && value <= g_array_index(ts, guint, i - 1))) {
      g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                  _("'%s': this model takes a number of steps, or a list of rising numbers such as "
                    "0,22,39"),
                  spec);
      return NULL;
    }
    g_array_append_vals(ts, &(guint){(guint)value}, 1);
  }
  if (ts->len != 1)
    return g_steal_pointer(&ts);
  const guint n = g_array_index(ts, guint, 0), last = MAX(USUAL_SCALES - 1, n);
  g_array_set_size(ts, 0);
  for (guint i = 0; n > 0 && i <= n; i++)
    g_array_append_vals(ts, &(guint){(guint)nearbyint((double)i * last / n)}, 1);
  return g_steal_pointer(&ts);
}

/* x = x0 + sqrt(next^2 - sigma_min^2) * z, or x0 at the end, where the draw is not used. */
static gboolean
append_multistep(const DdimConsistencyRun *run, const GArray *ts, DdimStepTable *table,
                 GError **error)
{
  const guint n = ts->len - 1, last = g_array_index(ts, guint, n);

  for (guint i = 0; i < n; i++) {
    const double sigma = get_sigma(run, (double)g_array_index(ts, guint, i) / last);
    const double wanted = get_sigma(run, (double)g_array_index(ts, guint, i + 1) / last);
    const double next = CLAMP(wanted, run->sigma_min, run->sigma_max);
    const Scalings now = get_scalings(run, (float)sigma);
    const double scale = i + 1 < n ? get_scalings(run, (float)next).in : 1;
    DdimTableStep step = evaluate(run, (float)sigma, &now);

    /* One step draws nothing: sample_onestep. */
    step.draws_noise = n > 1;
    step.arithmetic.next_x0 = scale;
    step.arithmetic.sigma = scale * sqrt(MAX(next * next - run->sigma_min * run->sigma_min, 0));
    if (i + 1 == n)
      step.arithmetic.sigma = 0;
    if (!ddim_step_table_append_step(table, &step, error))
      return FALSE;
  }
  return TRUE;
}

/* ---- Heun's method ---- */

/* With d = (x - x0) / sigma: x2 = x + (next - sigma) d, then x2 + (next - sigma) / 2 * (d2 - d),
 * where (d2 - d) next = x0 - x0(x2), as x2 - x0 = next * d. */
static gboolean
append_heun_step(const DdimConsistencyRun *run, float sigma, float next, DdimStepTable *table,
                 GError **error)
{
  const Scalings from = get_scalings(run, sigma), to = get_scalings(run, next);
  const double scale = next > 0 ? to.in : 1, share = (double)next / sigma;
  DdimTableStep step = evaluate(run, sigma, &from);

  step.arithmetic.next_x = share * scale / from.in;
  step.arithmetic.next_x0 = (1 - share) * scale;
  step.arithmetic.keep = next > 0;
  step.arithmetic.keep_x0 = next > 0 ? 1 : 0;
  if (!ddim_step_table_append_step(table, &step, error) || next == 0)
    return next == 0;

  const double weight = ((double)next - sigma) / 2 / next;
  step = evaluate(run, next, &to);
  step.draws_noise = FALSE;
  step.arithmetic.next_x = 1;
  step.arithmetic.history[0] = weight * scale;
  step.arithmetic.next_x0 = -weight * scale;
  return ddim_step_table_append_step(table, &step, error);
}

/* get_sigmas_karras in float32: its ramp is torch.linspace's. */
static float
get_karras(const DdimConsistencyRun *run, guint n, guint i)
{
  const double most = pow(run->sigma_max, 1 / RHO), least = pow(run->sigma_min, 1 / RHO);
  const float step = n > 1 ? 1 / (float)(n - 1) : 0;
  const float ramp = i < n / 2 ? step * (float)i : fmaf(-step, (float)(n - 1 - i), n > 1 ? 1 : 0);

  return powf((float)most + ramp * (float)(least - most), (float)RHO);
}

static gboolean
append_heun(const DdimConsistencyRun *run, guint n, DdimStepTable *table, GError **error)
{
  for (guint i = 0; i < n; i++)
    if (!append_heun_step(run, get_karras(run, n, i), i + 1 < n ? get_karras(run, n, i + 1) : 0,
                          table, error))
      return FALSE;
  return TRUE;
}

DdimStepTable *
ddim_consistency_new_steps(const DdimConsistencyRun *run, GError **error)
{
  const gboolean heun = run->sampler == DDIM_CONSISTENCY_HEUN;
  g_autoptr(GArray) ts = NULL;
  g_autoptr(DdimStepTable) table = NULL;
  gboolean done;

  if (!(run->sigma_min > 0 && run->sigma_min < run->sigma_max && run->sigma_max < 1e6)) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("sigma_min is %g and sigma_max %g: expected 0 < sigma_min < sigma_max"),
                run->sigma_min, run->sigma_max);
    return NULL;
  }
  if (!(ts = parse_list(run->spec, error)))
    return NULL;
  if (ts->len < 2 || (heun && strchr(run->spec, ','))) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("'%s': expected a number of steps, at least 1"), run->spec);
    return NULL;
  }
  const guint n = ts->len - 1;
  if (!(table = ddim_step_table_new_plain(heun ? 2 * n - 1 : n, error)))
    return NULL;
  done = heun ? append_heun(run, n, table, error) : append_multistep(run, ts, table, error);
  if (!done)
    return NULL;
  ddim_step_table_set_start_scale(table,
                                  run->sigma_max * get_scalings(run, (float)run->sigma_max).in);
  return g_steal_pointer(&table);
}
