/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** What a scheduler_config.json of huggingface/diffusers says, without its file. Names of members
 * and of choices are diffusers' own. The steps that such a scheduler takes are made in
 * core/diffusion/scheduler-steps.h. */

typedef enum {
  DDIM_SCHEDULER_DDIM,  /**< "DDIMScheduler" */
  DDIM_SCHEDULER_DDPM,  /**< "DDPMScheduler" */
  DDIM_SCHEDULER_PNDM,  /**< "PNDMScheduler" */
  DDIM_SCHEDULER_DPM,   /**< "DPMSolverMultistepScheduler" */
  DDIM_SCHEDULER_UNIPC, /**< "UniPCMultistepScheduler" */
  DDIM_N_SCHEDULERS
} DdimSchedulerClass;

typedef enum {
  DDIM_BETAS_LINEAR,
  DDIM_BETAS_SCALED_LINEAR,
  DDIM_BETAS_SQUAREDCOS_CAP_V2,
  DDIM_BETAS_LAPLACE, /**< DDPM only */
  DDIM_BETAS_SIGMOID  /**< DDPM only */
} DdimBetaSchedule;

typedef enum { DDIM_SPACING_LEADING, DDIM_SPACING_TRAILING, DDIM_SPACING_LINSPACE } DdimSpacing;

typedef enum {
  DDIM_PREDICTION_EPSILON,
  DDIM_PREDICTION_SAMPLE,
  DDIM_PREDICTION_V
} DdimPredictionType;

typedef enum {
  DDIM_VARIANCE_FIXED_SMALL,
  DDIM_VARIANCE_FIXED_SMALL_LOG,
  DDIM_VARIANCE_FIXED_LARGE,
  DDIM_VARIANCE_FIXED_LARGE_LOG,
  DDIM_VARIANCE_LEARNED,
  DDIM_VARIANCE_LEARNED_RANGE
} DdimVarianceType;

typedef enum { DDIM_FINAL_SIGMA_ZERO, DDIM_FINAL_SIGMA_MIN } DdimFinalSigma;

typedef enum {
  DDIM_ALGORITHM_DPMSOLVER,
  DDIM_ALGORITHM_DPMSOLVER_PP,
  DDIM_ALGORITHM_SDE_DPMSOLVER,
  DDIM_ALGORITHM_SDE_DPMSOLVER_PP
} DdimAlgorithmType;

typedef enum {
  DDIM_SOLVER_MIDPOINT, /**< of DPM, like the next */
  DDIM_SOLVER_HEUN,
  DDIM_SOLVER_BH1, /**< of UniPC, like the next */
  DDIM_SOLVER_BH2
} DdimSolverType;

/** Members that a class does not have keep their defaults. */
typedef struct {
  DdimSchedulerClass type;
  guint num_train_timesteps;
  double beta_start, beta_end;
  DdimBetaSchedule beta_schedule;
  double *trained_betas; /**< (nullable) owned; num_train_timesteps of them */
  guint n_trained_betas;
  DdimSpacing timestep_spacing;
  guint steps_offset;
  DdimPredictionType prediction_type;
  gboolean rescale_betas_zero_snr;
  gboolean set_alpha_to_one;
  gboolean clip_sample;
  double clip_sample_range;
  gboolean thresholding;
  double dynamic_thresholding_ratio, sample_max_value;
  DdimVarianceType variance_type; /**< DDPM; DPM's only says how many channels the output has */
  DdimFinalSigma final_sigmas_type;
  gboolean lower_order_final, euler_at_final;
  guint solver_order;
  DdimSolverType solver_type;
  DdimAlgorithmType algorithm_type;
  gboolean use_karras_sigmas;
  double lambda_min_clipped; /**< -inf: nothing is clipped */
  gboolean skip_prk_steps;
  gboolean predict_x0;
  guint *disable_corrector; /**< (nullable) owned; [n_disable_corrector] indices of steps */
  guint n_disable_corrector;
} DdimScheduler;

/** A scheduler with all defaults of the class @name, "DDIMScheduler".
 * DDIM_ERROR_UNSUPPORTED for another name. (transfer full) */
DdimScheduler *ddim_scheduler_new(const char *name, GError **error);
DdimScheduler *ddim_scheduler_copy(const DdimScheduler *scheduler);
void ddim_scheduler_free(DdimScheduler *scheduler);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimScheduler, ddim_scheduler_free)

/** The name of its class. */
const char *ddim_scheduler_get_name(const DdimScheduler *scheduler);

/* Set one field from what its JSON holds. A field that the scheduler's class does not have is
 * ignored, as diffusers ignores it; so are names that begin with "_", and those that no class has.
 * A value of the wrong type or out of range is DDIM_ERROR_FORMAT, and one that asks for something
 * unknown here DDIM_ERROR_UNSUPPORTED; the message begins with the field's name. */
gboolean ddim_scheduler_set_boolean(DdimScheduler *scheduler, const char *field, gboolean value,
                                    GError **error);
gboolean ddim_scheduler_set_number(DdimScheduler *scheduler, const char *field, double value,
                                   GError **error);
gboolean ddim_scheduler_set_text(DdimScheduler *scheduler, const char *field, const char *value,
                                 GError **error);
gboolean ddim_scheduler_set_null(DdimScheduler *scheduler, const char *field, GError **error);
/** A list of @n numbers. */
gboolean ddim_scheduler_set_numbers(DdimScheduler *scheduler, const char *field,
                                    const double *values, gsize n, GError **error);
/** Anything else: an object. */
gboolean ddim_scheduler_set_other(DdimScheduler *scheduler, const char *field, GError **error);

/** Whether all fields together make sense; call it when all are set. DDIM_ERROR_FORMAT or
 * DDIM_ERROR_UNSUPPORTED with the field's name. */
gboolean ddim_scheduler_check(const DdimScheduler *scheduler, GError **error);

/** Called for each field that the class has, with its value as JSON: "0.0001", "\"linear\"",
 * "true", "[1, 2]". */
typedef void (*DdimSchedulerFieldFunc)(const char *field, const char *json, gpointer user_data);
void ddim_scheduler_foreach(const DdimScheduler *scheduler, DdimSchedulerFieldFunc func,
                            gpointer user_data);

G_END_DECLS
