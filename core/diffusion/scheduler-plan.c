/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Betas, timesteps and sigmas of diffusers' schedulers, operation by operation as torch and numpy
 * compute them there. */
#include "core/diffusion/scheduler-plan.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "core/data/error.h"

static gpointer
try_new(gsize count, gsize size, GError **error)
{
  gpointer memory = g_try_malloc0_n(MAX(count, 1), size);

  if (!memory)
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("not enough memory for a list of %u steps: take fewer"), (guint)count);
  return memory;
}

/* torch.linspace in float32: from both ends to the middle, each with one rounding. */
static void
fill_linspace(float start, float end, guint n, float *out)
{
  const float step = n > 1 ? (end - start) / (float)(n - 1) : 0;

  for (guint i = 0; i < n; i++)
    out[i] = i < n / 2 ? fmaf(step, (float)i, start) : fmaf(-step, (float)(n - 1 - i), end);
  if (n == 1)
    out[0] = start;
}

static double
cosine_alpha_bar(double t)
{
  const double c = cos((t + 0.008) / 1.008 * G_PI / 2);

  return c * c;
}

static double
laplace_alpha_bar(double t)
{
  const double lambda = -0.5 * copysign(1, 0.5 - t) * log(1 - 2 * fabs(0.5 - t) + 1e-6);
  const double snr = exp(lambda);

  return sqrt(snr / (1 + snr));
}

/* betas_for_alpha_bar */
static void
fill_alpha_bar(double (*alpha_bar)(double t), guint n, float *out)
{
  for (guint i = 0; i < n; i++)
    out[i] = (float)MIN(1 - alpha_bar((i + 1.0) / n) / alpha_bar((double)i / n), 0.999);
}

/* torch.cumprod in float32: the product itself is kept in float64. */
static void
fill_cumprod(const float *betas, guint n, float *out)
{
  double product = 1;

  for (guint i = 0; i < n; i++) {
    product *= 1 - betas[i];
    out[i] = (float)product;
  }
}

/* rescale_zero_terminal_snr. @work  [n] */
static void
rescale_to_zero_snr(float *betas, guint n, float *work)
{
  float first, last;

  fill_cumprod(betas, n, work);
  first = sqrtf(work[0]);
  last = sqrtf(work[n - 1]);
  for (guint i = 0; i < n; i++) {
    const float scaled = (sqrtf(work[i]) - last) * (first / (first - last));
    work[i] = scaled * scaled;
  }
  betas[0] = 1 - work[0];
  for (guint i = 1; i < n; i++)
    betas[i] = 1 - work[i] / work[i - 1];
}

/* @work  [n] */
static void
fill_betas(const DdimScheduler *s, float *betas, float *work)
{
  const guint n = s->num_train_timesteps;

  if (s->trained_betas) {
    for (guint i = 0; i < n; i++)
      betas[i] = (float)s->trained_betas[i];
  } else if (s->beta_schedule == DDIM_BETAS_LINEAR) {
    fill_linspace((float)s->beta_start, (float)s->beta_end, n, betas);
  } else if (s->beta_schedule == DDIM_BETAS_SCALED_LINEAR) {
    fill_linspace((float)sqrt(s->beta_start), (float)sqrt(s->beta_end), n, betas);
    for (guint i = 0; i < n; i++)
      betas[i] *= betas[i];
  } else if (s->beta_schedule == DDIM_BETAS_SIGMOID) {
    fill_linspace(-6, 6, n, betas);
    for (guint i = 0; i < n; i++)
      betas[i] =
          1 / (1 + expf(-betas[i])) * (float)(s->beta_end - s->beta_start) + (float)s->beta_start;
  } else {
    fill_alpha_bar(s->beta_schedule == DDIM_BETAS_LAPLACE ? laplace_alpha_bar : cosine_alpha_bar, n,
                   betas);
  }
  if (s->rescale_betas_zero_snr)
    rescale_to_zero_snr(betas, n, work);
}

double *
ddim_scheduler_new_betas(const DdimScheduler *scheduler, GError **error)
{
  const guint n = scheduler->num_train_timesteps;
  g_autofree float *betas = try_new(n, sizeof *betas, error);
  g_autofree float *work = betas ? try_new(n, sizeof *work, error) : NULL;
  double *result = work ? try_new(n, sizeof *result, error) : NULL;

  if (!result)
    return NULL;
  fill_betas(scheduler, betas, work);
  for (guint i = 0; i < n; i++)
    result[i] = betas[i];
  return result;
}

static gboolean
has_sigmas(const DdimScheduler *s)
{
  return s->type == DDIM_SCHEDULER_DPM || s->type == DDIM_SCHEDULER_UNIPC;
}

static gboolean
fill_alphas_cumprod(DdimSchedulerPlan *plan, GError **error)
{
  const DdimScheduler *s = plan->scheduler;
  const guint n = s->num_train_timesteps;
  g_autofree float *betas = try_new(n, sizeof *betas, error);

  if (!betas || !(plan->alphas_cumprod = try_new(n, sizeof *plan->alphas_cumprod, error)))
    return FALSE;
  fill_betas(s, betas, plan->alphas_cumprod);
  fill_cumprod(betas, n, plan->alphas_cumprod);
  /* DDPM has no such field: 1 */
  plan->final_alpha_cumprod =
      s->set_alpha_to_one || s->type == DDIM_SCHEDULER_DDPM ? 1 : plan->alphas_cumprod[0];
  if (has_sigmas(s) && s->rescale_betas_zero_snr)
    plan->alphas_cumprod[n - 1] = 0x1p-24f;
  return TRUE;
}

float
ddim_scheduler_plan_get_previous(const DdimSchedulerPlan *plan, gint64 timestep)
{
  return timestep >= 0 ? plan->alphas_cumprod[timestep] : plan->final_alpha_cumprod;
}

/* sqrt((1 - abar) / abar) */
static float
get_sigma(const DdimSchedulerPlan *plan, gint64 t)
{
  const float abar = plan->alphas_cumprod[t];

  return sqrtf((1 - abar) / abar);
}

/* numpy.linspace(0, @last, @n)[@i].round(), halves to even. */
static gint64
linspace_at(double last, guint n, guint i)
{
  if (n > 1 && i == n - 1)
    return (gint64)nearbyint(last);
  return n > 1 ? (gint64)nearbyint(i * (last / (n - 1))) : 0;
}

/* The timesteps below @last, falling. Those of DPM and UniPC have one more place, at the end,
 * which is cut off. */
static void
fill_spaced(DdimSchedulerPlan *plan, guint last)
{
  const DdimScheduler *s = plan->scheduler;
  const guint n = plan->n;
  const gint64 places = has_sigmas(s) ? (gint64)n + 1 : n;
  const double ratio = (double)s->num_train_timesteps / plan->run->n_steps;
  const double stride = (last - ratio) - last;

  for (guint i = 0; i < n; i++)
    switch (s->timestep_spacing) {
    case DDIM_SPACING_LINSPACE:
      plan->timesteps[i] = linspace_at(last - 1.0, (guint)places, (guint)places - 1 - i);
      break;
    case DDIM_SPACING_LEADING:
      plan->timesteps[i] = (places - 1 - i) * (last / places) + s->steps_offset;
      break;
    case DDIM_SPACING_TRAILING:
      plan->timesteps[i] = (gint64)nearbyint(last + i * stride) - 1;
      break;
    }
}

/* len(numpy.arange(last, 0, -ratio)), which by rounding is sometimes one more than asked for. */
static guint
count_trailing(const DdimSchedulerPlan *plan, guint last)
{
  const double ratio = (double)plan->scheduler->num_train_timesteps / plan->run->n_steps;

  return (guint)ceil((0 - (double)last) / -ratio);
}

/* The last of DPM's timesteps, by lambda_min_clipped. */
static guint
find_last(const DdimSchedulerPlan *plan)
{
  const DdimScheduler *s = plan->scheduler;
  guint last = s->num_train_timesteps;

  if (s->type != DDIM_SCHEDULER_DPM)
    return last;
  while (last > 0) {
    const float abar = plan->alphas_cumprod[last - 1];
    if (!(logf(sqrtf(abar)) - logf(sqrtf(1 - abar)) < s->lambda_min_clipped))
      break;
    last--;
  }
  return last;
}

/* _sigma_to_t: where @sigma lies among the schedule's, between two of them. Sigmas that are asked
 * for one after the other fall, so that the search goes on where it was.
 * @above  in and out: the schedule's sigmas from this one on are larger; at first all of them */
static double
sigma_to_t(const DdimSchedulerPlan *plan, double sigma, guint *above)
{
  const double log_sigma = log(MAX(sigma, 1e-10));
  const guint n = plan->scheduler->num_train_timesteps;

  while (*above > 0 && !(log_sigma >= logf(get_sigma(plan, *above - 1))))
    (*above)--;
  if (n == 1)
    return 0;
  const guint low = MIN(MAX(*above, 1) - 1, n - 2);
  const double from = logf(get_sigma(plan, low)), to = logf(get_sigma(plan, low + 1));
  const double w = CLAMP((from - log_sigma) / (from - to), 0, 1);
  /* A sigma that is not finite gives a step that cannot be computed, which is told then. */
  return isnan(w) ? low : (1 - w) * low + w * (low + 1);
}

/* _convert_to_karras, Karras et al. 2022 (arXiv 2206.00364), equation 5 with rho = 7. */
static void
fill_karras(DdimSchedulerPlan *plan)
{
  const DdimScheduler *s = plan->scheduler;
  const double rho = 7, least = pow(get_sigma(plan, 0), 1 / rho);
  const double most = pow(get_sigma(plan, s->num_train_timesteps - 1), 1 / rho);
  const gboolean whole = s->type == DDIM_SCHEDULER_UNIPC ||
                         s->beta_schedule != DDIM_BETAS_SQUAREDCOS_CAP_V2 || s->trained_betas;
  guint above = s->num_train_timesteps;

  for (guint i = 0; i < plan->n; i++) {
    const double ramp = plan->n > 1 && i == plan->n - 1 ? 1 : i * (1.0 / MAX(plan->n - 1, 1));
    const double sigma = pow(most + ramp * (least - most), rho);
    const double t = sigma_to_t(plan, sigma, &above);
    plan->sigmas[i] = (float)sigma;
    plan->timesteps[i] = (gint64)(whole ? nearbyint(t) : t);
  }
}

static void
fill_sigmas(DdimSchedulerPlan *plan)
{
  const DdimScheduler *s = plan->scheduler;

  if (s->use_karras_sigmas)
    fill_karras(plan);
  else
    for (guint i = 0; i < plan->n; i++)
      plan->sigmas[i] = get_sigma(plan, MAX(plan->timesteps[i], 0));
  if (s->final_sigmas_type == DDIM_FINAL_SIGMA_MIN)
    plan->sigmas[plan->n] = s->use_karras_sigmas && s->type == DDIM_SCHEDULER_UNIPC
                                ? plan->sigmas[plan->n - 1]
                                : get_sigma(plan, 0);
}

/* Timesteps are indices of the schedule; -1 is its last, as in Python. */
static gboolean
check_timesteps(const DdimSchedulerPlan *plan, GError **error)
{
  const guint n = plan->scheduler->num_train_timesteps;

  for (guint i = 0; i < plan->n; i++)
    if (plan->timesteps[i] < -1 || plan->timesteps[i] >= n) {
      g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                  _("%u steps lead to timestep %d, but the model knows 0 to %u"),
                  plan->run->n_steps, (int)CLAMP(plan->timesteps[i], -1, G_MAXINT), n - 1);
      return FALSE;
    }
  return TRUE;
}

gboolean
ddim_scheduler_plan_init(DdimSchedulerPlan *plan, const DdimScheduler *scheduler,
                         const DdimSchedulerRun *run, GError **error)
{
  guint last;

  *plan = (DdimSchedulerPlan){.scheduler = scheduler, .run = run, .n = run->n_steps};
  if (run->n_steps < 1 || run->n_steps > scheduler->num_train_timesteps) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("%u steps: this model takes 1 to %u steps"), run->n_steps,
                scheduler->num_train_timesteps);
    return FALSE;
  }
  if (!fill_alphas_cumprod(plan, error))
    return FALSE;
  last = find_last(plan);
  if (last == 0) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("%s is %g: it leaves no timestep of the model"), "lambda_min_clipped",
                scheduler->lambda_min_clipped);
    return FALSE;
  }
  if (scheduler->timestep_spacing == DDIM_SPACING_TRAILING && !scheduler->use_karras_sigmas)
    plan->n = count_trailing(plan, last);
  if (!(plan->timesteps = try_new(plan->n, sizeof *plan->timesteps, error)) ||
      !(plan->sigmas = try_new(plan->n + 1, sizeof *plan->sigmas, error)))
    return FALSE;
  fill_spaced(plan, last);
  /* Sigmas are looked up at these timesteps, unless Karras' sigmas replace both. */
  if (!scheduler->use_karras_sigmas && !check_timesteps(plan, error))
    return FALSE;
  if (has_sigmas(scheduler))
    fill_sigmas(plan);
  return check_timesteps(plan, error);
}

void
ddim_scheduler_plan_clear(DdimSchedulerPlan *plan)
{
  g_free(plan->alphas_cumprod);
  g_free(plan->timesteps);
  g_free(plan->sigmas);
}
