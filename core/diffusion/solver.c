/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/diffusion/solver.h"

#include <math.h>

/* x_next = x * x_i + m * m_i + sum_k h[k] * m_{i-1-k} + noise * z, for predictions m of x0 or of
 * eps. */
typedef struct {
  double x, m, noise;
  double h[DDIM_STEP_HISTORY];
} Combination;

const double ddim_solver_adams_bashforth[4][4] = {{1},
                                                  {3.0 / 2, -1.0 / 2},
                                                  {23.0 / 12, -16.0 / 12, 5.0 / 12},
                                                  {55.0 / 24, -59.0 / 24, 37.0 / 24, -9.0 / 24}};

DdimNoiseLevel
ddim_noise_level_from_alpha_bar(double alpha_bar)
{
  return (DdimNoiseLevel){.alpha = sqrt(alpha_bar),
                          .sigma = sqrt(1 - alpha_bar),
                          .lambda = 0.5 * (log(alpha_bar) - log1p(-alpha_bar))};
}

DdimNoiseLevel
ddim_noise_level_from_sigma(float sigma)
{
  const float alpha = 1 / sqrtf(sigma * sigma + 1), noise = sigma * alpha;

  return (DdimNoiseLevel){.alpha = alpha, .sigma = noise, .lambda = logf(alpha) - logf(noise)};
}

/* One operation's result, as precise as the run's numbers are. */
static double
rounded(const DdimSolverRun *run, double value)
{
  return run->single ? (float)value : value;
}

/* The difference of lambda between steps @i - @back and @i. */
static double
get_distance(const DdimSolverRun *run, guint i, guint back)
{
  return rounded(run, run->levels[i].lambda - run->levels[i - back].lambda);
}

/* Put @c into @step. A solver of eps reads it as (x - alpha * x0) / sigma. */
static void
set_step(const DdimNoiseLevel *level, DdimSolverSpace space, const Combination *c, DdimStep *step)
{
  const gboolean eps = space == DDIM_SOLVE_EPS;

  step->keep = TRUE;
  step->keep_x = eps ? 1 / level->sigma : 0;
  step->keep_x0 = eps ? -level->alpha / level->sigma : 1;
  step->next_x = c->x + (eps ? c->m * step->keep_x : 0);
  step->next_x0 = c->m * step->keep_x0;
  step->sigma_type = DDIM_SIGMA_FIXED;
  step->sigma = c->noise;
  for (guint k = 0; k < DDIM_STEP_HISTORY; k++)
    step->history[k] = c->h[k];
}

/* ---- DPM-Solver ---- */

/* The weights of D0, D1 and D2, the prediction and its divided differences. h is the step in
 * lambda. With exponential e = exp(-h) - 1 for x0, exp(h) - 1 for eps, exp(-2h) - 1 for x0 with
 * noise. */
static void
get_dpm_weights(const DdimSolverRun *run, double h, guint order, const DdimDpmParams *params,
                double scale, double d[3])
{
  const gboolean x0 = params->space == DDIM_SOLVE_X0;
  const double exponent = x0 ? (params->sde ? -2 * h : -h) : h;
  const double e = rounded(run, rounded(run, exp(exponent)) - 1);
  /* For eps the noise adds the same again. */
  const double twice = !x0 && params->sde ? 2 : 1;
  const gboolean curved = order == 3 || params->heun;

  d[0] = -twice * scale * e;
  d[1] = d[2] = 0;
  if (order == 1)
    return;
  if (!curved) {
    d[1] = 0.5 * d[0];
    return;
  }
  d[1] = scale * twice * (x0 ? rounded(run, e / -exponent) + 1 : 1 - rounded(run, e / h));
  /* With noise diffusers adds 1/2 where the expansion subtracts it. */
  if (order == 3)
    d[2] = -scale * (rounded(run, rounded(run, e - exponent) / (exponent * exponent)) +
                     (params->sde ? 0.5 : -0.5));
}

/* D1 and D2 as differences of the predictions m_i, m_{i-1} and m_{i-2}. */
static void
add_differences(const DdimSolverRun *run, guint i, guint order, double h, const double d[3],
                Combination *c)
{
  c->m = d[0];
  if (order == 1)
    return;
  const double r0 = rounded(run, get_distance(run, i, 1) / h);
  if (order == 2) {
    c->m += d[1] / r0;
    c->h[0] = -d[1] / r0;
    return;
  }
  const double r1 = rounded(run, get_distance(run, i - 1, 1) / h), sum = rounded(run, r0 + r1);
  /* D1_0 = (m_i - m_{i-1}) / r0, D1_1 = (m_{i-1} - m_{i-2}) / r1 */
  const double first = d[1] * (1 + r0 / sum) + d[2] / sum;
  const double second = -d[1] * r0 / sum - d[2] / sum;
  c->m += first / r0;
  c->h[0] = -first / r0 + second / r1;
  c->h[1] = -second / r1;
}

/* Infinite distances, from noise alone and to the image, allow only lower orders. */
static guint
lower_order(const DdimSolverRun *run, guint i, guint order)
{
  if (isinf(run->levels[i + 1].lambda))
    return 1;
  while (order > 1 && isinf(run->levels[i - (order - 1)].lambda))
    order--;
  return order;
}

void
ddim_solver_dpm_step(const DdimSolverRun *run, guint i, guint order, const DdimDpmParams *params,
                     DdimStep *step)
{
  g_return_if_fail(i < run->n && order >= 1 && order <= 3 && order <= i + 1);

  const DdimNoiseLevel *s = &run->levels[i], *t = &run->levels[i + 1];
  const double h = rounded(run, t->lambda - s->lambda);
  const gboolean x0 = params->space == DDIM_SOLVE_X0;
  Combination c = {0};
  double d[3];

  order = lower_order(run, i, order);
  get_dpm_weights(run, h, order, params, x0 ? t->alpha : t->sigma, d);
  add_differences(run, i, order, h, d, &c);
  c.x = rounded(run, x0 ? t->sigma / s->sigma : t->alpha / s->alpha);
  if (params->sde) {
    c.noise = t->sigma * sqrt(fabs(rounded(run, rounded(run, exp(x0 ? -2 * h : 2 * h)) - 1)));
    if (x0)
      c.x *= rounded(run, exp(-h));
  }
  set_step(s, params->space, &c, step);
}

/* ---- UniPC ---- */

/* Solve the @n equations R rho = b, by elimination with pivots. Overwrites @r and @b. */
static void
solve(guint n, double r[][DDIM_STEP_HISTORY], double *b, double *rho)
{
  for (guint k = 0; k < n; k++) {
    guint pivot = k;
    for (guint i = k + 1; i < n; i++)
      if (fabs(r[i][k]) > fabs(r[pivot][k]))
        pivot = i;
    for (guint j = 0; j < n; j++) {
      const double swapped = r[k][j];
      r[k][j] = r[pivot][j];
      r[pivot][j] = swapped;
    }
    const double swapped = b[k];
    b[k] = b[pivot];
    b[pivot] = swapped;
    for (guint i = k + 1; i < n; i++) {
      const double factor = r[i][k] / r[k][k];
      for (guint j = k; j < n; j++)
        r[i][j] -= factor * r[k][j];
      b[i] -= factor * b[k];
    }
  }
  for (guint k = n; k-- > 0;) {
    rho[k] = b[k];
    for (guint j = k + 1; j < n; j++)
      rho[k] -= r[k][j] * rho[j];
    rho[k] /= r[k][k];
  }
}

/* The first @n of the paper's coefficients a for a step of @order from level @i to the next:
 * R(h) a = phi(h) / B(h), equation 9. @r  [order - 1]: the distances of earlier levels by h */
static void
get_rho(const DdimSolverRun *run, guint n, double hh, double b_h, const double *r, double *rho)
{
  double matrix[DDIM_STEP_HISTORY][DDIM_STEP_HISTORY], b[DDIM_STEP_HISTORY];
  double phi = rounded(run, rounded(run, rounded(run, expm1(hh)) / hh) - 1), factorial = 1;

  for (guint i = 0; i < n; i++) {
    for (guint k = 0; k < n; k++)
      matrix[i][k] = rounded(run, pow(r[k], i));
    b[i] = rounded(run, rounded(run, phi * factorial) / b_h);
    factorial *= i + 2;
    phi = rounded(run, rounded(run, phi / hh) - 1 / factorial);
  }
  solve(n, matrix, b, rho);
}

/* What a step from level @i to the next takes from the differences of earlier predictions and,
 * with @corrects, from that of the new one: weights of m_i, of m_{i-1-k} in h, and of m_{i+1}. */
typedef struct {
  double m, h[DDIM_STEP_HISTORY], next;
} Residual;

static Residual
get_residual(const DdimSolverRun *run, guint i, guint order, gboolean corrects,
             const DdimUnipcParams *params)
{
  const gboolean x0 = params->space == DDIM_SOLVE_X0;
  const DdimNoiseLevel *t = &run->levels[i + 1];
  const double h = rounded(run, t->lambda - run->levels[i].lambda), hh = x0 ? -h : h;
  const double b_h = params->bh1 ? hh : rounded(run, expm1(hh));
  const double scale = -(x0 ? t->alpha : t->sigma) * b_h;
  double r[DDIM_STEP_HISTORY], rho[DDIM_STEP_HISTORY];
  Residual residual = {0};

  for (guint k = 0; k + 1 < order; k++)
    r[k] = rounded(run, -get_distance(run, i, k + 1) / h);
  r[order - 1] = 1;
  /* Where one number is asked for, the paper and diffusers take 1/2. */
  if (corrects ? order == 1 : order == 2)
    rho[0] = 0.5;
  else
    get_rho(run, corrects ? order : order - 1, hh, b_h, r, rho);
  for (guint k = 0; k + 1 < order; k++) {
    residual.h[k] = scale * rho[k] / r[k];
    residual.m -= residual.h[k];
  }
  if (corrects) {
    residual.next = scale * rho[order - 1];
    residual.m -= residual.next;
  }
  return residual;
}

/* Correct x_i: take back what the predictor added to it beside the step of order 1, and add what
 * the corrector does. The prediction m_{i-1} is h_0 here. */
static void
correct(const DdimSolverRun *run, guint i, guint order, const DdimUnipcParams *params,
        Combination *c)
{
  const Residual corrector = get_residual(run, i - 1, order, TRUE, params);
  Residual predictor = {0};

  if (order > 1)
    predictor = get_residual(run, i - 1, order, FALSE, params);
  c->m = corrector.next;
  c->h[0] = corrector.m - predictor.m;
  for (guint k = 0; k + 1 < order; k++)
    c->h[k + 1] = corrector.h[k] - predictor.h[k];
}

void
ddim_solver_unipc_step(const DdimSolverRun *run, guint i, guint order, guint corrector,
                       const DdimUnipcParams *params, DdimStep *step)
{
  g_return_if_fail(i < run->n && order >= 1 && order <= DDIM_STEP_HISTORY && order <= i + 1);
  g_return_if_fail(corrector <= i && corrector <= DDIM_STEP_HISTORY);

  const DdimNoiseLevel *s = &run->levels[i], *t = &run->levels[i + 1];
  const double h = rounded(run, t->lambda - s->lambda);
  const gboolean x0 = params->space == DDIM_SOLVE_X0;
  const double ratio = rounded(run, x0 ? t->sigma / s->sigma : t->alpha / s->alpha);
  Combination c = {.x = 1};

  order = lower_order(run, i, order);
  /* A step from noise alone was of order 1, and there is nothing to interpolate. */
  if (corrector > 0 && !isinf(run->levels[i - 1].lambda))
    correct(run, i, lower_order(run, i - 1, corrector), params, &c);
  c.x *= ratio;
  c.m *= ratio;
  for (guint k = 0; k < DDIM_STEP_HISTORY; k++)
    c.h[k] *= ratio;
  c.m -= (x0 ? t->alpha : t->sigma) * rounded(run, expm1(x0 ? -h : h));
  if (order > 1) {
    const Residual residual = get_residual(run, i, order, FALSE, params);
    c.m += residual.m;
    for (guint k = 0; k + 1 < order; k++)
      c.h[k] += residual.h[k];
  }
  set_step(s, params->space, &c, step);
}
