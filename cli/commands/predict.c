/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* `ddim predict`: the UNet once, for comparing with other implementations. */

#include <glib/gi18n-lib.h>
#include <math.h>

#include "cli/commands/commands.h"
#include "cli/terminal/command.h"
#include "core/data/error.h"
#include "core/data/samples.h"
#include "core/job/session.h"
#include "cli/terminal/options.h"

typedef struct {
  char *input, *timesteps, *labels, *output;
} Paths;

/* "3,871.5" as @n numbers; one number serves for all. */
static gboolean
parse_timesteps(const char *text, gsize n, double *timesteps, GError **error)
{
  g_auto(GStrv) parts = g_strsplit(text, ",", -1);
  guint given = g_strv_length(parts);

  if (given != 1 && given != n) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("timesteps: %u given for %zu images; expected one, or one for each"), given, n);
    return FALSE;
  }
  for (gsize i = 0; i < n; i++) {
    const char *part = parts[given == 1 ? 0 : i];
    char *end = NULL;

    timesteps[i] = g_ascii_strtod(part, &end);
    if (end == part || *end || !isfinite(timesteps[i])) {
      g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT, _("timesteps: '%s' is no number"), part);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
parse_labels(DdimConfig *config, const char *text, gsize n, gint64 *labels, GError **error)
{
  g_auto(GStrv) parts = g_strsplit(text ? text : "", ",", -1);
  guint given = g_strv_length(parts), classes = ddim_config_get_n_classes(config);

  if ((given > 0) != (classes > 0)) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                classes ? _("labels: %s is class-conditional and needs them")
                        : _("labels: %s has no classes"),
                ddim_config_get_name(config));
    return FALSE;
  }
  if (given > 1 && given != n) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("labels: %u given for %zu images; expected one, or one for each"), given, n);
    return FALSE;
  }
  for (gsize i = 0; given && i < n; i++)
    if (!ddim_config_parse_class(config, parts[given == 1 ? 0 : i], &labels[i], error))
      return FALSE;
  return TRUE;
}

static gboolean
set_low_res(DdimSession *session, DdimRequest *request, DdimUNetPlan *plan, gsize n, GError **error)
{
  gboolean super_res = ddim_config_get_unet(session->config)->super_res;
  g_autofree char *path = NULL;
  g_autoptr(DdimArray) images = NULL, batch = NULL;
  gsize found;

  g_object_get(request, "low-res", &path, NULL);
  if (!path != !super_res) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                super_res ? _("low-res: %s enlarges pictures and needs one")
                          : _("low-res: %s is no super-resolution model"),
                ddim_config_get_name(session->config));
    return FALSE;
  }
  if (!path)
    return TRUE;
  images = ddim_samples_read_images(path, ddim_session_get_channels(session), error);
  if (!images)
    return FALSE;
  found = images->tensor.shape[0];
  if (found != 1 && found != n) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("low-res: %s holds %zu pictures; expected 1 or %zu"), path, found, n);
    return FALSE;
  }
  batch = ddim_samples_take(images, 0, n, error);
  return batch && ddim_unet_plan_set_low_res(plan, ddim_array_get_data(batch),
                                             batch->tensor.shape[2], batch->tensor.shape[3], error);
}

static gboolean
check_input(DdimSession *session, const DdimArray *x, const char *path, GError **error)
{
  const DdimTensor *tensor = &x->tensor;
  guint channels = ddim_session_get_channels(session);
  g_autofree char *shape = NULL;

  if (tensor->shape[1] == channels && tensor->shape[0] <= G_MAXUINT &&
      tensor->shape[2] <= G_MAXUINT && tensor->shape[3] <= G_MAXUINT)
    return TRUE;
  shape = ddim_tensor_shape_to_string(tensor);
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
              _("%s: its shape is %s; expected [N, %u, height, width]"), path, shape, channels);
  return FALSE;
}

static gboolean
evaluate(DdimUNetPlan *plan, guint channels, const DdimArray *x, const char *path, GError **error)
{
  const gsize *size = x->tensor.shape;
  gsize shape[4] = {size[0], channels, size[2], size[3]};
  g_autoptr(DdimArray) output = ddim_array_new(DDIM_DTYPE_F32, 4, shape, error);

  return output && ddim_unet_plan_set_x(plan, (const float *)x->tensor.data, error) &&
         ddim_unet_plan_evaluate(plan, 0, error) &&
         ddim_unet_plan_get_output(plan, ddim_array_get_data(output), error) &&
         ddim_npy_write(path, &output->tensor, error);
}

static gboolean
predict(DdimRequest *request, const Paths *paths, GError **error)
{
  g_autoptr(DdimSession) session = ddim_session_new(request, error);
  g_autoptr(DdimArray) x = session ? ddim_samples_read_noise(paths->input, error) : NULL;
  g_autoptr(DdimUNetPlan) plan = NULL;
  g_autofree double *timesteps = NULL;
  g_autofree gint64 *labels = NULL;
  const DdimUNetParams params = {0};
  gsize n;

  if (!x || !check_input(session, x, paths->input, error))
    return FALSE;
  n = x->tensor.shape[0];
  timesteps = g_new(double, n);
  labels = g_new0(gint64, n);
  if (!parse_timesteps(paths->timesteps, n, timesteps, error) ||
      !parse_labels(session->config, paths->labels, n, labels, error) ||
      !ddim_session_start(session, request, NULL, error))
    return FALSE;
  const char *problem = ddim_context_get_tuning_problem(session->context);
  if (problem)
    ddim_cli_warn("%s", problem);
  plan =
      ddim_unet_plan_new(session->unet, n, x->tensor.shape[2], x->tensor.shape[3], &params, error);
  /* The plan goes before the session that owns its UNet: the order of the declarations above sees
   * to that. */
  return plan &&
         ddim_unet_plan_set_conditions(plan, timesteps, 1, paths->labels ? labels : NULL, error) &&
         set_low_res(session, request, plan, n, error) &&
         evaluate(plan, ddim_config_get_unet(session->config)->out_channels, x, paths->output,
                  error);
}

int
ddim_cmd_predict(DdimCli *cli, int argc, char **argv)
{
  static const char *const names[] = {"model",  "low-res",   "flags", "model-path",
                                      "device", "precision", NULL};
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
