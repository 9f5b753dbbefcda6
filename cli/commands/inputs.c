/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/commands/inputs.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "cli/terminal/command.h"
#include "core/data/error.h"

gboolean
ddim_inputs_parse_timesteps(const char *text, gsize n, double *timesteps, GError **error)
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

gboolean
ddim_inputs_parse_labels(DdimConfig *config, const char *text, gsize n, gint64 *labels,
                         GError **error)
{
  g_auto(GStrv) parts = g_strsplit(text, ",", -1);
  guint given = g_strv_length(parts);

  if (given != 1 && given != n) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("labels: %u given for %zu images; expected one, or one for each"), given, n);
    return FALSE;
  }
  for (gsize i = 0; i < n; i++)
    if (!ddim_config_parse_class(config, parts[given == 1 ? 0 : i], &labels[i], error))
      return FALSE;
  return TRUE;
}

gboolean
ddim_inputs_check_shape(const gsize *shape, guint channels, const char *path, GError **error)
{
  if (shape[1] == channels && shape[0] <= G_MAXUINT && shape[2] <= G_MAXUINT &&
      shape[3] <= G_MAXUINT)
    return TRUE;
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
              _("%s: its shape is [%zu, %zu, %zu, %zu]; expected [N, %u, height, width]"), path,
              shape[0], shape[1], shape[2], shape[3], channels);
  return FALSE;
}

void
ddim_inputs_on_message(const char *message, gpointer data)
{
  ddim_cli_warn("%s", message);
}

void
ddim_inputs_warn_of_tuning(DdimContext *context)
{
  const char *problem = ddim_context_get_tuning_problem(context);

  if (problem)
    ddim_cli_warn("%s", problem);
}

gboolean
ddim_inputs_check_result(DdimConfig *config, const DdimArray *result, GError **error)
{
  if (ddim_is_finite((const float *)result->tensor.data, ddim_tensor_count(&result->tensor)))
    return TRUE;
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
              _("%s gives numbers that are infinite or not numbers (NaN)"),
              ddim_config_get_name(config));
  return FALSE;
}
