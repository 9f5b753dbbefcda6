/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/diffusion/step.h"

G_BEGIN_DECLS

/** Steps of solvers between noise levels of any kind: those of a DdimDiffusion in float64, or those
 * of a program that computes its scalars in float32. A level is x = alpha * x0 + sigma * eps. */
typedef struct {
  double alpha, sigma;
  double lambda; /**< log(alpha / sigma): -inf for noise alone, inf for an image */
} DdimNoiseLevel;

/** The levels that a run visits: levels[i] is that of the x before step i, 0 <= i < n, and
 * levels[n] that of the result. */
typedef struct {
  const DdimNoiseLevel *levels; /**< [n + 1] */
  guint n;
  gboolean single; /**< each operation on scalars is rounded to float32 */
} DdimSolverRun;

/** alpha = sqrt(alpha_bar), sigma = sqrt(1 - alpha_bar). */
DdimNoiseLevel ddim_noise_level_from_alpha_bar(double alpha_bar);
/** Of @sigma / alpha, a float32, with diffusers' _sigma_to_alpha_sigma_t in float32. */
DdimNoiseLevel ddim_noise_level_from_sigma(float sigma);

/** Weights of the present eps and of k earlier ones, row k: the Adams-Bashforth formula of order
 * k + 1, as PLMS and PNDM take it. */
extern const double ddim_solver_adams_bashforth[4][4];

/** What a solver works on: predictions of x0 (DPM-Solver++), or of eps (DPM-Solver). */
typedef enum { DDIM_SOLVE_X0, DDIM_SOLVE_EPS } DdimSolverSpace;

typedef struct {
  DdimSolverSpace space;
  gboolean sde;  /**< with noise: SDE-DPM-Solver */
  gboolean heun; /**< solver_type "heun" instead of "midpoint", for order 2 */
} DdimDpmParams;

/* These fill next_x, next_x0, history, sigma, keep, keep_x and keep_x0 of @step; how x0 comes from
 * the model's output is the caller's. h_k is the prediction of step @i - 1 - k. */

/** DPM-Solver, Lu et al. 2022 (arXiv 2206.00927), and DPM-Solver++ (arXiv 2211.01095, algorithm 2
 * and appendix), multistep, as diffusers' DPMSolverMultistepScheduler has them.
 * @order  1 to 3, at most @i + 1; an infinite lambda among those that it needs lowers it */
void ddim_solver_dpm_step(const DdimSolverRun *run, guint i, guint order,
                          const DdimDpmParams *params, DdimStep *step);

typedef struct {
  DdimSolverSpace space;
  gboolean bh1; /**< B(h) = h instead of exp(h) - 1 */
} DdimUnipcParams;

/** UniPC, Zhao et al. 2023 (arXiv 2302.04867, algorithms 1 and 2), as diffusers'
 * UniPCMultistepScheduler: correct x with the prediction that was made from it, then predict the
 * next. Both are linear, so they are one step here.
 * @order      1 to 4, at most @i + 1: of the predictor
 * @corrector  order of the predictor that made this x; 0: x is not corrected */
void ddim_solver_unipc_step(const DdimSolverRun *run, guint i, guint order, guint corrector,
                            const DdimUnipcParams *params, DdimStep *step);

G_END_DECLS
