/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* `ddim classify`: a classifier once, and the gradient that guides by it. */

#include <glib/gi18n-lib.h>
#include <math.h>

#include "cli/commands/commands.h"
#include "cli/commands/inputs.h"
#include "cli/terminal/command.h"
#include "cli/terminal/members.h"
#include "cli/terminal/options.h"
#include "cli/terminal/print.h"
#include "core/data/error.h"
#include "core/data/npy.h"
#include "core/data/printable.h"
#include "core/data/samples.h"
#include "core/job/classifier.h"
#include "core/job/request-private.h"
#include "core/model/config-details.h"

/* How many of the most likely classes are told. */
#define MOST_LIKELY 3

typedef struct {
  char *input, *timesteps, *labels, *output, *gradient;
  gboolean json;
} Choices;

/* One evaluation. */
typedef struct {
  const Choices *choices;
  DdimClassifier *classifier;
  DdimContext *context;
  gsize n, classes;
  double *timesteps;
  gint64 *labels; /* NULL: none are given */
  DdimArray *logits, *gradient;
} Run;

static void
run_clear(Run *run)
{
  g_clear_pointer(&run->classifier, ddim_classifier_free);
  g_clear_pointer(&run->context, ddim_context_unref);
  g_clear_pointer(&run->timesteps, g_free);
  g_clear_pointer(&run->labels, g_free);
  g_clear_pointer(&run->logits, ddim_array_free);
  g_clear_pointer(&run->gradient, ddim_array_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Run, run_clear)

/* log p of every class. */
static void
log_softmax(const float *logits, gsize classes, double *log_p)
{
  double top = -INFINITY, sum = 0;

  for (gsize c = 0; c < classes; c++)
    top = MAX(top, logits[c]);
  for (gsize c = 0; c < classes; c++)
    sum += exp(logits[c] - top);
  for (gsize c = 0; c < classes; c++)
    log_p[c] = logits[c] - top - log(sum);
}

static gsize
find_most_likely(double *log_p, gsize classes)
{
  gsize most = 0;

  for (gsize c = 1; c < classes; c++)
    most = log_p[c] > log_p[most] ? c : most;
  return most;
}

static void
add_class(JsonBuilder *builder, const Run *run, gsize label, double log_p)
{
  json_builder_begin_object(builder);
  ddim_member_int(builder, "class", label);
  ddim_member_string(builder, "name", ddim_config_get_class_name(run->classifier->config, label));
  ddim_member_double(builder, "log_p", log_p);
  json_builder_end_object(builder);
}

/* What image @i shows; @log_p is used up. */
static void
add_image(JsonBuilder *builder, const Run *run, gsize i, double *log_p)
{
  json_builder_begin_object(builder);
  ddim_member_int(builder, "image", i);
  ddim_member_double(builder, "timestep", run->timesteps[i]);
  if (run->labels) {
    json_builder_set_member_name(builder, "label");
    add_class(builder, run, run->labels[i], log_p[run->labels[i]]);
  }
  json_builder_set_member_name(builder, "most_likely");
  json_builder_begin_array(builder);
  for (gsize k = 0; k < MIN(MOST_LIKELY, run->classes); k++) {
    const gsize label = find_most_likely(log_p, run->classes);
    add_class(builder, run, label, log_p[label]);
    log_p[label] = -INFINITY;
  }
  json_builder_end_array(builder);
  json_builder_end_object(builder);
}

static void
append_class(GString *out, const Run *run, gsize label, double log_p)
{
  const char *name = ddim_config_get_class_name(run->classifier->config, label);
  g_autofree char *clean = name ? ddim_printable(name) : g_strdup("");

  g_string_append_printf(out, "%zu%s%s %.1f %%", label, *clean ? " " : "", clean, 100 * exp(log_p));
}

static void
append_image(GString *out, const Run *run, gsize i, double *log_p)
{
  /* Translators: an image and its timestep; then follow classes with percentages */
  g_string_append_printf(out, _("%zu at %g: "), i, run->timesteps[i]);
  for (gsize k = 0; k < MIN(MOST_LIKELY, run->classes); k++) {
    const gsize label = find_most_likely(log_p, run->classes);
    g_string_append(out, k ? ", " : "");
    append_class(out, run, label, log_p[label]);
    log_p[label] = -INFINITY;
  }
  g_string_append_c(out, '\n');
}

/* The classes, unless standard output is taken. */
static int
tell(const Run *run)
{
  const float *logits = (const float *)run->logits->tensor.data;
  g_autofree double *log_p = g_new(double, run->classes);
  g_autoptr(JsonBuilder) builder = json_builder_new();
  g_autoptr(GString) text = g_string_new(NULL);

  if (g_strcmp0(run->choices->output, "-") == 0 || g_strcmp0(run->choices->gradient, "-") == 0)
    return DDIM_EXIT_OK;
  json_builder_begin_array(builder);
  for (gsize i = 0; i < run->n; i++) {
    log_softmax(logits + i * run->classes, run->classes, log_p);
    if (run->choices->json)
      add_image(builder, run, i, log_p);
    else
      append_image(text, run, i, log_p);
  }
  json_builder_end_array(builder);
  return run->choices->json ? ddim_cli_print_json(builder) : ddim_cli_print_text(text->str);
}

/* Evaluate @input, and read what comes of it. */
static gboolean
compute(Run *run, DdimEvaluator *evaluator, DdimSamples *input, GError **error)
{
  const gsize *in = ddim_samples_get_shape(input), out[2] = {run->n, run->classes};
  g_autoptr(DdimArray) x = ddim_array_new(DDIM_DTYPE_F32, 4, in, error);

  if (!x || !(run->logits = ddim_array_new(DDIM_DTYPE_F32, 2, out, error)) ||
      (run->choices->gradient && !(run->gradient = ddim_array_new(DDIM_DTYPE_F32, 4, in, error))) ||
      !ddim_samples_read(input, 0, run->n, ddim_array_get_data(x), error) ||
      !ddim_evaluator_set_conditions(evaluator, run->timesteps, 1, NULL, error) ||
      (run->gradient && !ddim_evaluator_set_targets(evaluator, run->labels, error)) ||
      !ddim_evaluator_set_x(evaluator, ddim_array_get_data(x), error) ||
      !ddim_evaluator_evaluate(evaluator, 0, error) ||
      !ddim_evaluator_get_output(evaluator, ddim_array_get_data(run->logits), error) ||
      (run->gradient &&
       !ddim_evaluator_get_gradient(evaluator, ddim_array_get_data(run->gradient), error)))
    return FALSE;
  DdimConfig *config = run->classifier->config;
  return ddim_inputs_check_result(config, run->logits, error) &&
         (!run->gradient || ddim_inputs_check_result(config, run->gradient, error));
}

static gboolean
start(Run *run, DdimRequest *request, GError **error)
{
  g_autofree char *device = NULL;
  const DdimNetworkParams params = {.precision = ddim_request_get_precision(request),
                                    .message = ddim_inputs_on_message};

  g_object_get(request, "device", &device, NULL);
  if (!(run->context = ddim_context_new(device, error)))
    return FALSE;
  ddim_inputs_warn_of_tuning(run->context);
  return ddim_classifier_start(run->classifier, run->context, &params, error);
}

static gboolean
classify(Run *run, DdimRequest *request, GError **error)
{
  const Choices *choices = run->choices;
  const DdimNetworkParams params = {.message = ddim_inputs_on_message};
  g_autoptr(DdimSamples) input = NULL;
  DdimEvaluator *evaluator;

  if (!(run->classifier = ddim_classifier_new(request, error)) ||
      !(input = ddim_samples_open_noise(choices->input, error)))
    return FALSE;
  DdimConfig *config = run->classifier->config;
  const gsize *shape = ddim_samples_get_shape(input);
  if (!ddim_inputs_check_shape(shape, ddim_config_get_image_channels(config), choices->input,
                               error))
    return FALSE;
  run->n = shape[0];
  run->classes = ddim_config_get_n_classes(config);
  run->timesteps = g_new(double, run->n);
  run->labels = choices->labels ? g_new(gint64, run->n) : NULL;
  if (!ddim_inputs_parse_timesteps(choices->timesteps, run->n, run->timesteps, error) ||
      (run->labels &&
       !ddim_inputs_parse_labels(config, choices->labels, run->n, run->labels, error)) ||
      !start(run, request, error))
    return FALSE;
  const DdimEvaluatorSize size = {.batch = run->n,
                                  .height = shape[2],
                                  .width = shape[3],
                                  .gradient = choices->gradient != NULL};
  evaluator = ddim_classifier_get_evaluator(run->classifier, &size, &params, error);
  return evaluator && compute(run, evaluator, input, error) &&
         (!choices->output || ddim_npy_write(choices->output, &run->logits->tensor, error)) &&
         (!choices->gradient || ddim_npy_write(choices->gradient, &run->gradient->tensor, error));
}

static int
check_choices(DdimRequest *request, const Choices *choices)
{
  g_autofree char *classifier = NULL;

  g_object_get(request, "classifier", &classifier, NULL);
  if (!classifier || !choices->input || !choices->timesteps)
    return ddim_cli_usage(_("--classifier, --input and --timesteps are needed"));
  if (choices->gradient && !choices->labels)
    return ddim_cli_usage(_("--gradient is that of the log of a class's probability: "
                            "--labels is needed"));
  return DDIM_EXIT_OK;
}

int
ddim_cmd_classify(DdimCli *cli, int argc, char **argv)
{
  static const char *const names[] = {"classifier", "classifier-flags", "model-path",
                                      "device",     "precision",        NULL};
  g_autoptr(DdimOptions) options = ddim_options_new(names);
  g_autoptr(DdimRequest) request = ddim_request_new();
  g_autofree char *input = NULL, *timesteps = NULL, *labels = NULL, *output = NULL,
                  *gradient = NULL;
  g_autoptr(GError) error = NULL;
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
      {"input", 0, 0, G_OPTION_ARG_FILENAME, &input, N_("the noisy images, float N,C,H,W"),
       "X.npy"},
      {"timesteps", 0, 0, G_OPTION_ARG_STRING, &timesteps,
       N_("as the classifier receives them, one for each image or one for all"), "T,..."},
      {"labels", 0, 0, G_OPTION_ARG_STRING, &labels,
       N_("classes by name or number, one for each image or one for all"), "L,..."},
      {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output,
       N_("where to write the logits, float32 N,classes; - is standard output"), "OUT.npy"},
      {"gradient", 0, 0, G_OPTION_ARG_FILENAME, &gradient,
       N_("where to write the gradient of log p(label | image) with respect to the image"),
       "G.npy"},
      {"json", 0, 0, G_OPTION_ARG_NONE, &json, N_("print one JSON array"), NULL},
      G_OPTION_ENTRY_NULL};
  const DdimHelp help = {
      .description =
          N_("Tell which classes a classifier of guided-diffusion finds in noisy images, "
             "and write its logits and its gradient."),
      .examples = "ddim classify --classifier 64x64_classifier.pt --input x.npy --timesteps 40,700 "
                  "--labels 5,321 -o logits.npy --gradient g.npy"};
  int code;

  ddim_options_add(options, entries);
  if (!ddim_cli_parse(cli, &help, ddim_options_get_entries(options), request, &argc, &argv, &code))
    return code;
  const Choices choices = {input, timesteps, labels, output, gradient, json};
  if ((code = check_choices(request, &choices)) != DDIM_EXIT_OK)
    return code;
  g_auto(Run) run = {.choices = &choices};
  return classify(&run, request, &error) ? tell(&run) : ddim_cli_fail(error);
}
