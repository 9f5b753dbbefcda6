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

static guint
count_commas(const char *text)
{
  guint n = 0;

  for (; (text = strchr(text, ',')); text++)
    n++;
  return n;
}

/* The most commas that the name of a class has. */
static guint
find_most_commas(DdimConfig *config)
{
  guint most = 0;

  for (guint i = 0; i < ddim_config_get_n_classes(config); i++) {
    const char *name = ddim_config_get_class_name(config, i);
    most = name ? MAX(most, count_commas(name)) : most;
  }
  return most;
}

/* What stands in front of the comma behind @commas others, or all of @text when it has no more of
 * them; NULL when it has fewer. (transfer full) */
static char *
take_part(const char *text, guint commas)
{
  const char *end = text;

  while ((end = strchr(end, ',')) && commas > 0) {
    commas--;
    end++;
  }
  if (commas > 0)
    return NULL;
  return g_strstrip(end ? g_strndup(text, end - text) : g_strdup(text));
}

/* The class that @text begins with, where a name may have up to @most commas: the longest name
 * counts. Returns how many commas it has; -1: an error. */
static int
read_first(DdimConfig *config, const char *text, guint most, gint64 *label, double *weight,
           GError **error)
{
  for (guint commas = most; commas > 0; commas--) {
    g_autofree char *part = take_part(text, commas);
    if (part && parse_part(config, part, label, weight, NULL))
      return (int)commas;
  }
  g_autofree char *part = take_part(text, 0);
  return parse_part(config, part, label, weight, error) ? 0 : -1;
}

/* What is behind @commas commas of @text and the one that follows; NULL: nothing. */
static const char *
skip_part(const char *text, int commas)
{
  for (; (text = strchr(text, ',')); commas--) {
    text++;
    if (commas == 0)
      return text;
  }
  return NULL;
}

gboolean
ddim_classes_read(DdimClasses *classes, DdimConfig *config, const char *text, GError **error)
{
  g_autoptr(GArray) weights = g_array_new(FALSE, FALSE, sizeof(double));
  gboolean is_blend = FALSE;
  guint most;

  classes->labels = g_array_new(FALSE, FALSE, sizeof(gint64));
  if (!text)
    return TRUE;
  if (ddim_config_get_n_classes(config) == 0)
    return ddim_classes_refuse(error, _("class: the model %s has no classes to choose from"),
                               ddim_config_get_name(config));
  most = find_most_commas(config);
  for (const char *rest = *text ? text : NULL; rest;) {
    gint64 label;
    double weight;
    const int commas = read_first(config, rest, most, &label, &weight, error);
    if (commas < 0)
      return FALSE;
    rest = skip_part(rest, commas);
    g_array_append_val(classes->labels, label);
    g_array_append_val(weights, weight);
    is_blend = is_blend || weight >= 0;
  }
  if (classes->labels->len == 0)
    return ddim_classes_refuse(error, _("class: '%s' names no class"), text);
  return !is_blend || blend(classes, weights, text, error);
}
