/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/diffusion/scheduler.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "core/data/error.h"
#include "core/data/printable.h"
#include "core/diffusion/schedule.h"

/* Classes as a set. */
enum {
  DDIM = 1 << DDIM_SCHEDULER_DDIM,
  DDPM = 1 << DDIM_SCHEDULER_DDPM,
  PNDM = 1 << DDIM_SCHEDULER_PNDM,
  DPM = 1 << DDIM_SCHEDULER_DPM,
  UNIPC = 1 << DDIM_SCHEDULER_UNIPC,
  ALL = (1 << DDIM_N_SCHEDULERS) - 1
};

typedef enum { BOOLEAN, COUNT, NUMBER, CHOICE, NUMBERS, INDICES, ONLY_FALSE, ONLY_NULL } Kind;

typedef struct {
  const char *name;
  Kind kind;
  guint classes;
  gsize offset;
  double least, most;         /* of a COUNT or NUMBER */
  const char *const *choices; /* of a CHOICE, in the order of its enumeration */
} Field;

static const char *const class_names[] = {"DDIMScheduler",           "DDPMScheduler",
                                          "PNDMScheduler",           "DPMSolverMultistepScheduler",
                                          "UniPCMultistepScheduler", NULL};
static const char *const schedules[] = {"linear",  "scaled_linear", "squaredcos_cap_v2",
                                        "laplace", "sigmoid",       NULL};
static const char *const spacings[] = {"leading", "trailing", "linspace", NULL};
static const char *const predictions[] = {"epsilon", "sample", "v_prediction", NULL};
static const char *const variances[] = {
    "fixed_small", "fixed_small_log", "fixed_large", "fixed_large_log",
    "learned",     "learned_range",   NULL};
static const char *const final_sigmas[] = {"zero", "sigma_min", NULL};
static const char *const algorithms[] = {"dpmsolver", "dpmsolver++", "sde-dpmsolver",
                                         "sde-dpmsolver++", NULL};
static const char *const solvers[] = {"midpoint", "heun", "bh1", "bh2", NULL};

#define AT(member) offsetof(DdimScheduler, member)

static const Field fields[] = {
    {"num_train_timesteps", COUNT, ALL, AT(num_train_timesteps), 1, DDIM_MAX_DIFFUSION_STEPS, NULL},
    {"beta_start", NUMBER, ALL, AT(beta_start), 0, 1, NULL},
    {"beta_end", NUMBER, ALL, AT(beta_end), 0, 1, NULL},
    {"beta_schedule", CHOICE, ALL, AT(beta_schedule), 0, 0, schedules},
    {"trained_betas", NUMBERS, ALL, AT(trained_betas), 0, 1, NULL},
    {"timestep_spacing", CHOICE, ALL, AT(timestep_spacing), 0, 0, spacings},
    {"steps_offset", COUNT, ALL, AT(steps_offset), 0, DDIM_MAX_DIFFUSION_STEPS, NULL},
    {"prediction_type", CHOICE, ALL, AT(prediction_type), 0, 0, predictions},
    {"rescale_betas_zero_snr", BOOLEAN, ALL & ~PNDM, AT(rescale_betas_zero_snr), 0, 0, NULL},
    {"set_alpha_to_one", BOOLEAN, DDIM | PNDM, AT(set_alpha_to_one), 0, 0, NULL},
    {"clip_sample", BOOLEAN, DDIM | DDPM, AT(clip_sample), 0, 0, NULL},
    {"clip_sample_range", NUMBER, DDIM | DDPM, AT(clip_sample_range), 0, 1e6, NULL},
    {"thresholding", BOOLEAN, ALL & ~PNDM, AT(thresholding), 0, 0, NULL},
    {"dynamic_thresholding_ratio", NUMBER, ALL & ~PNDM, AT(dynamic_thresholding_ratio), 0, 1, NULL},
    {"sample_max_value", NUMBER, ALL & ~PNDM, AT(sample_max_value), 0, 1e6, NULL},
    {"variance_type", CHOICE, DDPM | DPM, AT(variance_type), 0, 0, variances},
    {"final_sigmas_type", CHOICE, DPM | UNIPC, AT(final_sigmas_type), 0, 0, final_sigmas},
    {"lower_order_final", BOOLEAN, DPM | UNIPC, AT(lower_order_final), 0, 0, NULL},
    {"euler_at_final", BOOLEAN, DPM, AT(euler_at_final), 0, 0, NULL},
    {"solver_order", COUNT, DPM | UNIPC, AT(solver_order), 1, 4, NULL},
    {"solver_type", CHOICE, DPM | UNIPC, AT(solver_type), 0, 0, solvers},
    {"algorithm_type", CHOICE, DPM, AT(algorithm_type), 0, 0, algorithms},
    {"use_karras_sigmas", BOOLEAN, DPM | UNIPC, AT(use_karras_sigmas), 0, 0, NULL},
    {"lambda_min_clipped", NUMBER, DPM, AT(lambda_min_clipped), -INFINITY, 1e6, NULL},
    {"skip_prk_steps", BOOLEAN, PNDM, AT(skip_prk_steps), 0, 0, NULL},
    {"predict_x0", BOOLEAN, UNIPC, AT(predict_x0), 0, 0, NULL},
    {"disable_corrector", INDICES, UNIPC, AT(disable_corrector), 0, DDIM_MAX_DIFFUSION_STEPS, NULL},
    {"solver_p", ONLY_NULL, UNIPC, 0, 0, 0, NULL},
    {"use_exponential_sigmas", ONLY_FALSE, DPM | UNIPC, 0, 0, 0, NULL},
    {"use_beta_sigmas", ONLY_FALSE, DPM | UNIPC, 0, 0, 0, NULL},
    {"use_lu_lambdas", ONLY_FALSE, DPM, 0, 0, 0, NULL},
    {"use_flow_sigmas", ONLY_FALSE, DPM | UNIPC, 0, 0, 0, NULL},
    {"use_dynamic_shifting", ONLY_FALSE, DPM | UNIPC, 0, 0, 0, NULL},
    {"sigma_min", ONLY_NULL, UNIPC, 0, 0, 0, NULL},
    {"sigma_max", ONLY_NULL, UNIPC, 0, 0, 0, NULL},
    {"shift_terminal", ONLY_NULL, UNIPC, 0, 0, 0, NULL},
};

DdimScheduler *
ddim_scheduler_new(const char *name, GError **error)
{
  g_autofree char *shown = ddim_printable(name ? name : ""), *list = NULL;

  for (guint i = 0; i < DDIM_N_SCHEDULERS; i++)
    if (g_strcmp0(name, class_names[i]) == 0) {
      DdimScheduler *self = g_new0(DdimScheduler, 1);
      const gboolean sigmas = i == DDIM_SCHEDULER_DPM || i == DDIM_SCHEDULER_UNIPC;

      *self = (DdimScheduler){
          .type = (DdimSchedulerClass)i,
          .num_train_timesteps = 1000,
          .beta_start = 0.0001,
          .beta_end = 0.02,
          .timestep_spacing = sigmas ? DDIM_SPACING_LINSPACE : DDIM_SPACING_LEADING,
          .set_alpha_to_one = i == DDIM_SCHEDULER_DDIM,
          .clip_sample = i == DDIM_SCHEDULER_DDIM || i == DDIM_SCHEDULER_DDPM,
          .clip_sample_range = 1,
          .dynamic_thresholding_ratio = 0.995,
          .sample_max_value = 1,
          .lower_order_final = TRUE,
          .solver_order = 2,
          .solver_type = i == DDIM_SCHEDULER_UNIPC ? DDIM_SOLVER_BH2 : DDIM_SOLVER_MIDPOINT,
          .algorithm_type = DDIM_ALGORITHM_DPMSOLVER_PP,
          .lambda_min_clipped = -INFINITY,
          .predict_x0 = TRUE};
      return self;
    }
  list = g_strjoinv(", ", (char **)class_names);
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED, _("%s: '%s' is none of: %s"),
              "_class_name", shown, list);
  return NULL;
}

DdimScheduler *
ddim_scheduler_copy(const DdimScheduler *scheduler)
{
  DdimScheduler *copy = g_memdup2(scheduler, sizeof *scheduler);

  copy->trained_betas = g_memdup2(scheduler->trained_betas,
                                  scheduler->n_trained_betas * sizeof *scheduler->trained_betas);
  copy->disable_corrector =
      g_memdup2(scheduler->disable_corrector,
                scheduler->n_disable_corrector * sizeof *scheduler->disable_corrector);
  return copy;
}

void
ddim_scheduler_free(DdimScheduler *scheduler)
{
  if (!scheduler)
    return;
  g_free(scheduler->trained_betas);
  g_free(scheduler->disable_corrector);
  g_free(scheduler);
}

const char *
ddim_scheduler_get_name(const DdimScheduler *scheduler)
{
  return class_names[scheduler->type];
}

/* The field of this name, or NULL when the scheduler's class has none. */
static const Field *
find(const DdimScheduler *scheduler, const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS(fields); i++)
    if (g_str_equal(fields[i].name, name))
      return fields[i].classes & (1u << scheduler->type) ? &fields[i] : NULL;
  return NULL;
}

static gboolean
set_wrong(const Field *field, GError **error)
{
  g_autofree char *list = NULL;

  switch (field->kind) {
  case BOOLEAN:
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("%s: expected true or false"), field->name);
    return FALSE;
  case COUNT:
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("%s: expected a whole number, %g to %g"),
                field->name, field->least, field->most);
    return FALSE;
  case NUMBER:
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("%s: expected a number, %g to %g"),
                field->name, field->least, field->most);
    return FALSE;
  case CHOICE:
    list = g_strjoinv(", ", (char **)field->choices);
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("%s: expected one of: %s"), field->name,
                list);
    return FALSE;
  case NUMBERS:
  case INDICES:
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT,
                _("%s: expected a list of numbers, %g to %g each"), field->name, field->least,
                field->most);
    return FALSE;
  case ONLY_FALSE:
  case ONLY_NULL:
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
                _("%s: only the default is known here, not what the file says"), field->name);
    return FALSE;
  }
  g_return_val_if_reached(FALSE);
}

gboolean
ddim_scheduler_set_boolean(DdimScheduler *scheduler, const char *name, gboolean value,
                           GError **error)
{
  const Field *field = find(scheduler, name);

  if (!field || (field->kind == ONLY_FALSE && !value))
    return TRUE;
  if (field->kind != BOOLEAN)
    return set_wrong(field, error);
  G_STRUCT_MEMBER(gboolean, scheduler, field->offset) = value != FALSE;
  return TRUE;
}

gboolean
ddim_scheduler_set_number(DdimScheduler *scheduler, const char *name, double value, GError **error)
{
  const Field *field = find(scheduler, name);

  if (!field)
    return TRUE;
  if ((field->kind != COUNT && field->kind != NUMBER) ||
      !(value >= field->least && value <= field->most) ||
      (field->kind == COUNT && value != floor(value)))
    return set_wrong(field, error);
  if (field->kind == COUNT)
    G_STRUCT_MEMBER(guint, scheduler, field->offset) = (guint)value;
  else
    G_STRUCT_MEMBER(double, scheduler, field->offset) = value;
  return TRUE;
}

/* Names that the other solver's class knows stand for a class's own default, as in diffusers. */
static const char *
replace_choice(const DdimScheduler *scheduler, const char *name, const char *value)
{
  const gboolean dpm = scheduler->type == DDIM_SCHEDULER_DPM;

  if (dpm && g_str_equal(name, "algorithm_type") && g_str_equal(value, "deis"))
    return "dpmsolver++";
  if (!g_str_equal(name, "solver_type"))
    return value;
  if (g_str_equal(value, "logrho") || g_str_has_prefix(value, dpm ? "bh" : "midpoint") ||
      (!dpm && g_str_equal(value, "heun")))
    return dpm ? "midpoint" : "bh2";
  return value;
}

gboolean
ddim_scheduler_set_text(DdimScheduler *scheduler, const char *name, const char *value,
                        GError **error)
{
  const Field *field = find(scheduler, name);

  if (!field)
    return TRUE;
  /* JSON has no infinity; diffusers writes it as text. */
  if (field->kind == NUMBER && g_str_equal(value, "-Infinity"))
    return ddim_scheduler_set_number(scheduler, name, -INFINITY, error);
  if (field->kind != CHOICE)
    return set_wrong(field, error);
  value = replace_choice(scheduler, name, value);
  for (guint i = 0; field->choices[i]; i++)
    if (g_str_equal(field->choices[i], value)) {
      G_STRUCT_MEMBER(int, scheduler, field->offset) = (int)i;
      return TRUE;
    }
  return set_wrong(field, error);
}

gboolean
ddim_scheduler_set_null(DdimScheduler *scheduler, const char *name, GError **error)
{
  const Field *field = find(scheduler, name);

  /* DPM's variance_type is null where the output has no variances. */
  if (!field || field->kind == NUMBERS || field->kind == INDICES || field->kind == ONLY_NULL ||
      (scheduler->type == DDIM_SCHEDULER_DPM && g_str_equal(name, "variance_type")))
    return TRUE;
  return set_wrong(field, error);
}

gboolean
ddim_scheduler_set_numbers(DdimScheduler *scheduler, const char *name, const double *values,
                           gsize n, GError **error)
{
  const Field *field = find(scheduler, name);

  if (!field)
    return TRUE;
  if ((field->kind != NUMBERS && field->kind != INDICES) || n > DDIM_MAX_DIFFUSION_STEPS ||
      (field->kind == NUMBERS && n == 0))
    return set_wrong(field, error);
  for (gsize i = 0; i < n; i++)
    if (!(values[i] >= field->least && values[i] <= field->most) ||
        (field->kind == INDICES && values[i] != floor(values[i])))
      return set_wrong(field, error);
  if (field->kind == NUMBERS) {
    g_free(scheduler->trained_betas);
    scheduler->trained_betas = g_memdup2(values, n * sizeof *values);
    scheduler->n_trained_betas = (guint)n;
    return TRUE;
  }
  g_free(scheduler->disable_corrector);
  scheduler->disable_corrector = g_new(guint, n);
  scheduler->n_disable_corrector = (guint)n;
  for (gsize i = 0; i < n; i++)
    scheduler->disable_corrector[i] = (guint)values[i];
  return TRUE;
}

gboolean
ddim_scheduler_set_other(DdimScheduler *scheduler, const char *name, GError **error)
{
  const Field *field = find(scheduler, name);

  return !field || set_wrong(field, error);
}

static gboolean
refuse(const char *field, const char *why, GError **error)
{
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED, "%s: %s", field, why);
  return FALSE;
}

static gboolean
check_solver(const DdimScheduler *s, GError **error)
{
  const gboolean pp = s->algorithm_type == DDIM_ALGORITHM_DPMSOLVER_PP ||
                      s->algorithm_type == DDIM_ALGORITHM_SDE_DPMSOLVER_PP;

  if (s->type == DDIM_SCHEDULER_DPM) {
    if (s->solver_order > 3)
      return refuse("solver_order", _("this class has orders 1 to 3"), error);
    if (!pp && s->final_sigmas_type == DDIM_FINAL_SIGMA_ZERO)
      return refuse("final_sigmas_type", _("with this algorithm_type it must be 'sigma_min'"),
                    error);
    if (s->algorithm_type == DDIM_ALGORITHM_SDE_DPMSOLVER && s->solver_order > 2)
      return refuse("solver_order", _("with this algorithm_type there are orders 1 and 2"), error);
  }
  return TRUE;
}

/* A limit of x0 that is in use: x0 would be divided by 0, or lose all of its colors. */
static gboolean
check_limit(gboolean used, const char *field, double limit, GError **error)
{
  const double least = 1e-6;

  if (!used || limit >= least)
    return TRUE;
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("%s: expected a number, %g to %g"), field,
              least, 1e6);
  return FALSE;
}

gboolean
ddim_scheduler_check(const DdimScheduler *s, GError **error)
{
  if (!check_limit(s->clip_sample, "clip_sample_range", s->clip_sample_range, error) ||
      !check_limit(s->thresholding, "sample_max_value", s->sample_max_value, error))
    return FALSE;
  if (s->trained_betas && s->n_trained_betas != s->num_train_timesteps) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("%s: %u numbers, but %s is %u"),
                "trained_betas", s->n_trained_betas, "num_train_timesteps", s->num_train_timesteps);
    return FALSE;
  }
  if (s->steps_offset >= s->num_train_timesteps)
    return refuse("steps_offset", _("it is not below num_train_timesteps"), error);
  if (s->type != DDIM_SCHEDULER_DDPM && s->beta_schedule > DDIM_BETAS_SQUAREDCOS_CAP_V2)
    return refuse("beta_schedule", _("only DDPMScheduler knows this name"), error);
  if (s->type == DDIM_SCHEDULER_PNDM && s->prediction_type == DDIM_PREDICTION_SAMPLE)
    return refuse("prediction_type", _("this class knows epsilon and v_prediction"), error);
  if (s->type == DDIM_SCHEDULER_DDPM && s->variance_type == DDIM_VARIANCE_FIXED_LARGE_LOG)
    return refuse("variance_type",
                  _("with fixed_large_log diffusers makes numbers that are not "
                    "finite"),
                  error);
  if (s->type == DDIM_SCHEDULER_DPM && s->variance_type != DDIM_VARIANCE_FIXED_SMALL &&
      s->variance_type < DDIM_VARIANCE_LEARNED)
    return refuse("variance_type", _("this class knows learned and learned_range"), error);
  return check_solver(s, error);
}

static char *
print_number(double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  return g_strdup(isinf(value) ? "\"-Infinity\"" : g_ascii_dtostr(text, sizeof text, value));
}

static char *
print_list(const double *numbers, const guint *indices, guint n)
{
  GString *text = g_string_new("[");

  for (guint i = 0; i < n; i++) {
    g_autofree char *number = print_number(numbers ? numbers[i] : indices[i]);
    g_string_append_printf(text, "%s%s", i ? ", " : "", number);
  }
  g_string_append_c(text, ']');
  return g_string_free(text, FALSE);
}

/* The value of @field as JSON; NULL for one that has only its default. */
static char *
print(const DdimScheduler *s, const Field *field)
{
  switch (field->kind) {
  case BOOLEAN:
    return g_strdup(G_STRUCT_MEMBER(gboolean, s, field->offset) ? "true" : "false");
  case COUNT:
    return g_strdup_printf("%u", G_STRUCT_MEMBER(guint, s, field->offset));
  case NUMBER:
    return print_number(G_STRUCT_MEMBER(double, s, field->offset));
  case CHOICE:
    if (s->type == DDIM_SCHEDULER_DPM && field->choices == variances &&
        s->variance_type == DDIM_VARIANCE_FIXED_SMALL)
      return NULL;
    return g_strdup_printf("\"%s\"", field->choices[G_STRUCT_MEMBER(int, s, field->offset)]);
  case NUMBERS:
    return s->trained_betas ? print_list(s->trained_betas, NULL, s->n_trained_betas) : NULL;
  case INDICES:
    return s->n_disable_corrector ? print_list(NULL, s->disable_corrector, s->n_disable_corrector)
                                  : NULL;
  case ONLY_FALSE:
  case ONLY_NULL:
    return NULL;
  }
  g_return_val_if_reached(NULL);
}

void
ddim_scheduler_foreach(const DdimScheduler *scheduler, DdimSchedulerFieldFunc func,
                       gpointer user_data)
{
  for (guint i = 0; i < G_N_ELEMENTS(fields); i++) {
    g_autofree char *json = NULL;

    if (fields[i].classes & (1u << scheduler->type))
      json = print(scheduler, &fields[i]);
    if (json)
      func(fields[i].name, json, user_data);
  }
}
