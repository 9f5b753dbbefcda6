/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/diffusion/step.h"

G_BEGIN_DECLS

/** What happens in a sampling loop: a list of steps in the order in which they are taken. It is
 * written before the loop begins, so bad settings are refused before the model runs, and the host
 * and the device read the same list. ddim_sampling_run() takes the steps.
 *
 * A list need not go from pure noise straight to an image. It may begin at any noise level, end at
 * any, go in reverse, and jump back in time by adding noise. One thread at a time while it is
 * written; any number of threads may read it. */
typedef struct _DdimStepTable DdimStepTable;

typedef enum {
  DDIM_STEP_EVALUATION, /**< the model is evaluated at x, then x is replaced */
  DDIM_STEP_RENOISING   /**< noise is added to x; the model is not evaluated */
} DdimStepKind;

typedef struct {
  DdimStepKind kind;
  /** Respaced index. EVALUATION: of the x that the model sees. RENOISING: of the x that results.
   * In a table without a diffusion: how many steps follow. */
  guint t;
  double timestep;      /**< EVALUATION: what the model receives for t */
  guint condition;      /**< EVALUATION: its place in ddim_step_table_get_timesteps() */
  gboolean draws_noise; /**< one draw of noise is made, also when the step does not use it */
  DdimStep arithmetic;
} DdimTableStep;

/** An empty table for the steps of @diffusion, which must outlive it.
 * DDIM_ERROR_ARGUMENT when there is no memory for it. */
DdimStepTable *ddim_step_table_new(const DdimDiffusion *diffusion, GError **error);
/** An empty table for @n_steps steps, each of which is appended with ddim_step_table_append_step(),
 * with a timestep of its own: for programs whose steps are not those of a DdimDiffusion.
 * DDIM_ERROR_ARGUMENT when there is no memory for it. */
DdimStepTable *ddim_step_table_new_plain(guint n_steps, GError **error);
/** The whole loop of a sampler: the original's ddim_sample_loop, p_sample_loop or
 * ddim_reverse_sample_loop. Errors: as ddim_step_table_append(). */
DdimStepTable *ddim_step_table_new_loop(const DdimDiffusion *diffusion,
                                        const DdimSampleParams *params, GError **error);
void ddim_step_table_free(DdimStepTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimStepTable, ddim_step_table_free)

/** Append one evaluation at each respaced index from @first to @last, both included, with the step
 * of @params' sampler; two for each with Heun's method, but one for the step to the image. The
 * samplers go down, so @first >= @last, and DDIM_SAMPLER_REVERSE goes up. x must have the noise
 * level of @first when the loop comes here. After @last it has that of
 * @last - 1, or is the image when @last is 0; in reverse that of @last + 1, or is noise alone.
 * A solver that uses a history starts with an empty one. DDIM, DDPM and SDE-DPM-Solver++ draw noise
 * in every step, as the original does; the other samplers draw none. Errors, which leave the table
 * as it was: DDIM_ERROR_ARGUMENT for indices out of range or in the wrong order, an eta out of
 * range, an unknown sampler, no memory. */
gboolean ddim_step_table_append(DdimStepTable *table, const DdimSampleParams *params, guint first,
                                guint last, GError **error);
/** Append one step back in time, from the x of respaced index @from to that of @to > @from, by
 * adding noise (RePaint's time travel, arXiv 2201.09865, section 4.2). It draws noise.
 * Errors: as above. */
gboolean ddim_step_table_append_renoising(DdimStepTable *table, guint from, guint to,
                                          GError **error);

/** Append one step of the caller's own making, for solvers that are not listed at DdimSampler. Its
 * `condition` is set here, and so is its `timestep`, or its `t` in a table without a diffusion. It
 * may neither read nor drop more than steps before it have kept.
 * Errors: DDIM_ERROR_ARGUMENT, no memory, or a coefficient that is not finite. */
gboolean ddim_step_table_append_step(DdimStepTable *table, const DdimTableStep *step,
                                     GError **error);

/** What standard normal noise is multiplied by to be the x before the first step; usually 1. */
double ddim_step_table_get_start_scale(const DdimStepTable *table);
void ddim_step_table_set_start_scale(DdimStepTable *table, double scale);

guint ddim_step_table_get_n_steps(const DdimStepTable *table);
/** (transfer none) Valid until the next append. */
const DdimTableStep *ddim_step_table_get_step(const DdimStepTable *table, guint index);
/** How much noise the x of @step, an evaluation, has: the standard deviation of its noise over the
 * factor of the image in it. INFINITY where that factor is 0; 0 in a table without a diffusion. */
double ddim_step_table_get_noise_level(const DdimStepTable *table, const DdimTableStep *step);
/** The different values that the model receives, in the order in which they are first needed. Fewer
 * than there are steps where the list visits a t twice; at most num_timesteps. (transfer none)
 * Valid until the next append. */
const double *ddim_step_table_get_timesteps(const DdimStepTable *table, guint *count);
/** Arrays of earlier predictions that the loop needs: as many as a step reads, and room for what is
 * kept for a while and dropped; at most DDIM_STEP_RING. */
guint ddim_step_table_get_history(const DdimStepTable *table);
/** Whether some step reads its noise. */
gboolean ddim_step_table_uses_noise(const DdimStepTable *table);
/** Whether some step draws noise, read or not. */
gboolean ddim_step_table_draws_noise(const DdimStepTable *table);
/** Whether every step uses the model's output only through x0, so that correcting x0 corrects the
 * step; see DdimStep about next_m. */
gboolean ddim_step_table_follows_x0(const DdimStepTable *table);

G_END_DECLS
