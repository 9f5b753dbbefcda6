/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/diffusion/ermon-steps.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "core/data/error.h"
#include "core/diffusion/schedule.h"

/* The kind of @spec and its N. */
static gboolean
parse(const char *spec, gboolean *quad, guint *n)
{
  guint64 value = 0;

  if (!spec)
    return FALSE;
  *quad = g_str_has_prefix(spec, "quad:");
  if (*quad || g_str_has_prefix(spec, "uniform:"))
    spec = strchr(spec, ':') + 1;
  if (!g_ascii_string_to_unsigned(spec, 10, 1, DDIM_MAX_DIFFUSION_STEPS, &value, NULL))
    return FALSE;
  *n = (guint)value;
  return TRUE;
}

gboolean
ddim_ermon_takes(const char *spec)
{
  gboolean quad;
  guint n;

  return parse(spec, &quad, &n);
}

/* compute_alpha: the product of 1 - beta up to each t, in torch's float32. [n_train] */
static float *
try_new_alphas(const DdimErmonRun *run)
{
  float *alphas = g_try_new(float, MAX(run->n_train, 1));
  double product = 1;

  for (guint t = 0; alphas && t < run->n_train; t++) {
    product *= 1 - (float)run->betas[t];
    alphas[t] = (float)product;
  }
  return alphas;
}

/* One update, from alpha @at to @next. */
static gboolean
append(DdimStepTable *table, const DdimErmonRun *run, guint t, float at, float next, GError **error)
{
  const float c1 = (float)run->eta * sqrtf((1 - at / next) * (1 - next) / (1 - at));
  const float rest = (1 - next) - c1 * c1;
  const double c2 = sqrtf(MAX(rest, 0)), alpha = sqrtf(at), sigma = sqrtf(1 - at);
  const DdimTableStep step = {.kind = DDIM_STEP_EVALUATION,
                              .timestep = t,
                              .draws_noise = TRUE,
                              .arithmetic = {.x0_x = 1 / alpha,
                                             .x0_m = -sigma / alpha,
                                             .next_x = c2 / sigma,
                                             .next_x0 = sqrtf(next) - c2 * alpha / sigma,
                                             .clip = run->clip,
                                             .sigma_type = DDIM_SIGMA_FIXED,
                                             .sigma = c1}};

  if (run->eta > 1 && rest < 0) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("eta is %g: too large, step %u would add more noise than it may hold; at most %g "
                  "fits there, and 1 always"),
                run->eta, t, run->eta * sqrt(1 - next) / c1);
    return FALSE;
  }
  return ddim_step_table_append_step(table, &step, error);
}

/* Timestep number @i of @n, rising. */
static guint
get_timestep(const DdimErmonRun *run, gboolean quad, guint wanted, guint i)
{
  if (!quad)
    return i * (run->n_train / wanted);
  const double last = sqrt(run->n_train * 0.8);
  const double root = wanted > 1 && i + 1 == wanted ? last : i * (last / MAX(wanted - 1, 1));
  return (guint)(root * root);
}

DdimStepTable *
ddim_ermon_new_steps(const DdimErmonRun *run, GError **error)
{
  gboolean quad = FALSE;
  guint wanted = 0, n;
  g_autofree float *alphas = NULL;
  g_autoptr(DdimStepTable) table = NULL;

  if (!parse(run->spec, &quad, &wanted) || wanted > run->n_train) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("steps: expected uniform:N or quad:N, with N from 1 to %u"), run->n_train);
    return NULL;
  }
  if (!(run->eta >= 0) || isinf(run->eta)) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("eta is %g: expected a number from 0 (deterministic) to 1 (as noisy as DDPM)"),
                run->eta);
    return NULL;
  }
  n = quad ? wanted : (run->n_train - 1) / (run->n_train / wanted) + 1;
  alphas = try_new_alphas(run);
  if (!alphas || !(table = ddim_step_table_new_plain(n, error))) {
    if (!alphas)
      g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                  _("not enough memory for a list of %u steps: take fewer"), n);
    return NULL;
  }
  for (guint i = n; i-- > 0;) {
    const guint t = get_timestep(run, quad, wanted, i);
    const float next = i > 0 ? alphas[get_timestep(run, quad, wanted, i - 1)] : 1;
    if (!append(table, run, t, alphas[t], next, error))
      return NULL;
  }
  return g_steal_pointer(&table);
}
