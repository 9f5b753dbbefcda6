/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* `ddim predict`: the UNet once, for comparing with other implementations. */

#include <glib/gi18n-lib.h>

#include "cli/commands/commands.h"
#include "cli/commands/inputs.h"
#include "cli/terminal/command.h"
#include "core/data/error.h"
#include "core/data/npy.h"
#include "core/data/out-file.h"
#include "core/job/low-res.h"
#include "core/job/request-private.h"
#include "core/model/config-details.h"
#include "cli/terminal/options.h"

typedef struct {
  char *input, *timesteps, *labels, *output;
} Paths;

static gboolean
parse_labels(DdimConfig *config, const char *text, gsize n, gint64 *labels, GError **error)
{
  const gboolean given = text && *text, classes = ddim_config_get_n_classes(config) > 0;

  if (given != classes) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                classes ? _("labels: %s is class-conditional and needs them")
                        : _("labels: %s has no classes"),
                ddim_config_get_name(config));
    return FALSE;
  }
  return !given || ddim_inputs_parse_labels(config, text, n, labels, error);
}

/* What can go wrong with the output does so before the model is loaded. */
static gboolean
check_space(DdimSession *session, const gsize *shape, const char *path, GError **error)
{
  const guint64 size = sizeof(float) * shape[0] * shape[2] * shape[3] *
                       ddim_config_get_out_channels(session->config);

  return ddim_out_file_check(path, size, error);
}

static gboolean
evaluate(DdimSession *session, DdimEvaluator *evaluator, DdimSamples *x, const char *path,
         GError **error)
{
  const gsize *in = ddim_samples_get_shape(x);
  const gsize out[4] = {in[0], ddim_config_get_out_channels(session->config), in[2], in[3]};
  g_autoptr(DdimArray) input = ddim_array_new(DDIM_DTYPE_F32, 4, in, error);
  g_autoptr(DdimArray) output = input ? ddim_array_new(DDIM_DTYPE_F32, 4, out, error) : NULL;

  return output && ddim_samples_read(x, 0, in[0], ddim_array_get_data(input), error) &&
         ddim_evaluator_set_x(evaluator, ddim_array_get_data(input), error) &&
         ddim_evaluator_evaluate(evaluator, 0, error) &&
         ddim_evaluator_get_output(evaluator, ddim_array_get_data(output), error) &&
         ddim_inputs_check_result(session->config, output, error) &&
         ddim_npy_write(path, &output->tensor, error);
}

static gboolean
predict(DdimRequest *request, const Paths *paths, GError **error)
{
  g_autoptr(DdimSession) session = ddim_session_new(request, error);
  g_autoptr(DdimSamples) x = session ? ddim_samples_open_noise(paths->input, error) : NULL;
  const gsize *shape = x ? ddim_samples_get_shape(x) : NULL;
  g_autoptr(DdimSamples) low_res = NULL;
  g_autoptr(DdimEvaluator) evaluator = NULL;
  g_autofree double *timesteps = NULL;
  g_autofree gint64 *labels = NULL;
  gsize n;

  if (!x ||
      !ddim_inputs_check_shape(shape, ddim_session_get_channels(session), paths->input, error) ||
      !ddim_low_res_open(session, request, shape[0], shape[2], shape[3], &low_res, error))
    return FALSE;
  n = shape[0];
  timesteps = g_new(double, n);
  labels = g_new0(gint64, n);
  if (!ddim_inputs_parse_timesteps(paths->timesteps, n, timesteps, error) ||
      !parse_labels(session->config, paths->labels, n, labels, error) ||
      !check_space(session, shape, paths->output, error) ||
      !ddim_session_start(session, request, NULL, error))
    return FALSE;
  ddim_inputs_warn_of_tuning(session->context);
  const DdimEvaluatorSize size = {.batch = n,
                                  .height = shape[2],
                                  .width = shape[3],
                                  .wrap = ddim_request_get_axes(request, "seamless")};
  const DdimNetworkParams params = {.message = ddim_inputs_on_message};
  evaluator = ddim_evaluator_new(session->network, &size, &params, error);
  /* The evaluator must be freed before the session, which owns its device. The order of the
   * declarations above ensures that. */
  return evaluator &&
         ddim_evaluator_set_conditions(evaluator, timesteps, 1, paths->labels ? labels : NULL,
                                       error) &&
         ddim_low_res_set(evaluator, low_res, 0, n, error) &&
         evaluate(session, evaluator, x, paths->output, error);
}

int
ddim_cmd_predict(DdimCli *cli, int argc, char **argv)
{
  static const char *const names[] = {"model",      "low-res", "seamless",  "flags",
                                      "model-path", "device",  "precision", NULL};
  g_autoptr(DdimOptions) options = ddim_options_new(names);
  g_autoptr(DdimRequest) request = ddim_request_new();
  g_autofree char *input = NULL, *timesteps = NULL, *labels = NULL, *output = NULL;
  g_autoptr(GError) error = NULL;
  const GOptionEntry entries[] = {
      {"input", 0, 0, G_OPTION_ARG_FILENAME, &input, N_("the noisy images, float N,C,H,W"),
       "X.npy"},
      {"timesteps", 0, 0, G_OPTION_ARG_STRING, &timesteps,
       N_("as the model receives them, one for each image or one for all"), "T,..."},
      {"labels", 0, 0, G_OPTION_ARG_STRING, &labels,
       N_("classes by name or number, one for each image or one for all"), "L,..."},
      {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output,
       N_("the file to write, float32; - is standard output"), "OUT.npy"},
      G_OPTION_ENTRY_NULL};
  const DdimHelp help = {
      .description =
          N_("Evaluate a model's UNet once and write its output, for comparing with other "
             "implementations."),
      .examples =
          "ddim predict -m model.pt --input x.npy --timesteps 3,871 --labels 1,2 -o out.npy"};
  int code;

  ddim_options_add(options, entries);
  if (!ddim_cli_parse(cli, &help, ddim_options_get_entries(options), request, &argc, &argv, &code))
    return code;
  if (!input || !timesteps || !output)
    return ddim_cli_usage(_("--input, --timesteps and -o are needed"));
  const Paths paths = {input, timesteps, labels, output};
  return predict(request, &paths, &error) ? DDIM_EXIT_OK : ddim_cli_fail(error);
}
