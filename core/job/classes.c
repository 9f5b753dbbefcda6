/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/job/classes.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "core/data/error.h"
#include "core/data/printable.h"

void
ddim_classes_clear(DdimClasses *classes)
{
  g_clear_pointer(&classes->labels, g_array_unref);
  g_clear_pointer(&classes->mix, ddim_class_mix_free);
  g_clear_pointer(&classes->name, g_free);
}

gboolean
ddim_classes_refuse(GError **error, const char *format, const char *what)
{
  g_autofree char *shown = ddim_printable(what);

  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT, format, shown);
  return FALSE;
}

/* @text is a number that a blend may have. */
static gboolean
parse_weight(const char *text, double *weight, GError **error)
{
  char *end = NULL;

  *weight = g_ascii_strtod(text, &end);
  if (end != text && *end == '\0' && isfinite(*weight) && *weight >= 0)
    return TRUE;
  return ddim_classes_refuse(error,
                             _("class: '%s' is no weight; expected a number from 0 on, as in "
                               "lava:0.7,rust:0.3"),
                             text);
}

/* One class, with its weight if it has one; else @weight becomes -1. */
static gboolean
parse_part(DdimConfig *config, char *part, gint64 *label, double *weight, GError **error)
{
  char *colon = strrchr(part, ':');

  *weight = -1;
  if (!colon || ddim_config_parse_class(config, part, label, NULL))
    return ddim_config_parse_class(config, part, label, error);
  *colon = '\0';
  return ddim_config_parse_class(config, g_strstrip(part), label, error) &&
         parse_weight(g_strstrip(colon + 1), weight, error);
}

/* Make the blend of @labels. The class that it has most of stands for it. */
static gboolean
blend(DdimClasses *classes, GArray *weights, const char *text, GError **error)
{
  double *w = (double *)weights->data, sum = 0;
  guint most = 0;

  for (guint i = 0; i < weights->len; i++) {
    if (w[i] < 0)
      return ddim_classes_refuse(
          error, _("class: '%s' has weights for some classes; give every class one, or none"),
          text);
    sum += w[i];
    most = w[i] > w[most] ? i : most;
  }
  if (sum <= 0 || !isfinite(sum))
    return ddim_classes_refuse(
        error,
        _("class: the weights in '%s' have no sum to divide by; one must be more "
          "than 0"),
        text);
  for (guint i = 0; i < weights->len; i++)
    w[i] /= sum;
  classes->mix = ddim_class_mix_new(weights->len, (const gint64 *)classes->labels->data, w);
  classes->name = g_strdup(text);
  const gint64 label = g_array_index(classes->labels, gint64, most);
  g_array_set_size(classes->labels, 0);
  g_array_append_val(classes->labels, label);
  return TRUE;
}

gboolean
ddim_classes_read(DdimClasses *classes, DdimConfig *config, const char *text, GError **error)
{
  g_autoptr(GArray) weights = g_array_new(FALSE, FALSE, sizeof(double));
  g_auto(GStrv) parts = NULL;
  gboolean is_blend = FALSE;

  classes->labels = g_array_new(FALSE, FALSE, sizeof(gint64));
  if (!text)
    return TRUE;
  if (ddim_config_get_n_classes(config) == 0)
    return ddim_classes_refuse(error, _("class: the model %s has no classes to choose from"),
                               ddim_config_get_name(config));
  parts = g_strsplit(text, ",", -1);
  for (guint i = 0; parts[i]; i++) {
    gint64 label;
    double weight;
    if (!parse_part(config, g_strstrip(parts[i]), &label, &weight, error))
      return FALSE;
    g_array_append_val(classes->labels, label);
    g_array_append_val(weights, weight);
    is_blend = is_blend || weight >= 0;
  }
  if (classes->labels->len == 0)
    return ddim_classes_refuse(error, _("class: '%s' names no class"), text);
  return !is_blend || blend(classes, weights, text, error);
}
