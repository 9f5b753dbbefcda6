/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/diffusion/schedule.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "core/data/error.h"

/* One message shows at most this much of what the user wrote, escaped to printable ASCII. */
#define QUOTE_LENGTH 40

static gboolean
check_total(guint steps, GError **error)
{
  if (steps >= 1 && steps <= DDIM_MAX_DIFFUSION_STEPS)
    return TRUE;
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
              _("%u diffusion steps: expected a number from 1 to %u"), steps,
              DDIM_MAX_DIFFUSION_STEPS);
  return FALSE;
}

/* numpy.linspace(start, stop, n): the last value is stop itself, not what the stride adds up to. */
static void
fill_linear(double *betas, guint steps)
{
  const double scale = 1000.0 / steps;
  const double start = scale * 0.0001, stop = scale * 0.02;
  const double stride = (stop - start) / (steps - 1);

  for (guint i = 0; i < steps; i++)
    betas[i] = i * stride + start;
  betas[steps - 1] = stop;
}

/* The function of get_named_beta_schedule("cosine"): the share of signal left at @u in [0, 1]. The
 * square is pow()'s, as Python's ** is, and not x * x: the two differ in the last bit now and then,
 * and the early betas, differences of nearly equal numbers, magnify that to 1e-11. */
static double
cosine_alpha_bar(double u)
{
  const volatile double square = 2; /* volatile: the compiler would turn pow(x, 2) into x * x */
  return pow(cos((u + 0.008) / 1.008 * G_PI / 2), square);
}

static void
fill_cosine(double *betas, guint steps)
{
  const double max_beta = 0.999;

  for (guint i = 0; i < steps; i++) {
    const double from = cosine_alpha_bar((double)i / steps);
    const double to = cosine_alpha_bar((i + 1.0) / steps);
    betas[i] = MIN(1 - to / from, max_beta);
  }
}

gboolean
ddim_noise_schedule_is_known(const char *name)
{
  g_auto(GStrv) names = g_strsplit(DDIM_NOISE_SCHEDULES, ", ", -1);

  return g_strv_contains((const char *const *)names, name);
}

/* numpy.linspace(start, stop, n)[i] */
static double
linspace_at(double start, double stop, guint n, guint i)
{
  if (n > 1 && i == n - 1)
    return stop;
  return n > 1 ? i * ((stop - start) / (n - 1)) + start : start;
}

/* get_beta_schedule of ermongroup/ddim, with the beta_start and beta_end of its configurations. */
static gboolean
fill_other(const char *name, double *betas, guint steps)
{
  const double start = 0.0001, stop = 0.02;

  if (!name || !ddim_noise_schedule_is_known(name))
    return FALSE;
  for (guint i = 0; i < steps; i++) {
    const double root = linspace_at(sqrt(start), sqrt(stop), steps, i);
    if (g_str_equal(name, "quad"))
      betas[i] = root * root;
    else if (g_str_equal(name, "const"))
      betas[i] = stop;
    else if (g_str_equal(name, "jsd"))
      betas[i] = 1 / linspace_at(steps, 1, steps, i);
    else
      betas[i] = 1 / (exp(-linspace_at(-6, 6, steps, i)) + 1) * (stop - start) + start;
  }
  return TRUE;
}

double *
ddim_betas_new(const char *name, guint steps, GError **error)
{
  g_autofree double *betas = NULL;

  if (!check_total(steps, error))
    return NULL;
  betas = g_new(double, steps);
  if (g_strcmp0(name, "linear") == 0) {
    if (steps < 20) {
      g_set_error(
          error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
          _("the linear noise schedule needs at least 20 diffusion steps, not %u: with fewer "
            "a beta would exceed 1"),
          steps);
      return NULL;
    }
    fill_linear(betas, steps);
  } else if (g_strcmp0(name, "cosine") == 0) {
    fill_cosine(betas, steps);
  } else if (!fill_other(name, betas, steps)) {
    g_autofree char *shown = g_strescape(name ? name : "", NULL);
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("unknown noise schedule \"%.*s\": expected one of: %s"), QUOTE_LENGTH, shown,
                DDIM_NOISE_SCHEDULES);
    return NULL;
  }
  return g_steal_pointer(&betas);
}

static void
set_count_error(GError **error, const char *spec, const char *item, gboolean too_large, guint limit)
{
  g_autofree char *shown_item = g_strescape(item, NULL);
  g_autofree char *shown_spec = g_strescape(spec, NULL);

  if (too_large)
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("timestep respacing \"%.*s\" asks for %.*s steps, but the process has only %u"),
                QUOTE_LENGTH, shown_spec, QUOTE_LENGTH, shown_item, limit);
  else
    g_set_error(
        error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
        _("timestep respacing \"%.*s\": \"%.*s\" is not a number of steps; expected \"N\", "
          "\"A,B,C\" (steps for each equal section), \"ddimN\", \"uniform:N\" or \"quad:N\""),
        QUOTE_LENGTH, shown_spec, QUOTE_LENGTH, shown_item);
}

/* Read one number of steps out of @spec, as Python's int() does: spaces around it and a plus sign
 * are fine. There are at most @limit steps to ask for. */
static gboolean
parse_count(const char *spec, const char *text, gsize length, guint limit, guint *count,
            GError **error)
{
  g_autofree char *copy = g_strndup(text, length);
  g_autoptr(GError) why = NULL;
  guint64 value = 0;

  g_strstrip(copy);
  if (g_ascii_string_to_unsigned(copy[0] == '+' ? copy + 1 : copy, 10, 0, limit, &value, &why)) {
    *count = (guint)value;
    return TRUE;
  }
  set_count_error(error, spec, copy,
                  g_error_matches(why, G_NUMBER_PARSER_ERROR, G_NUMBER_PARSER_ERROR_OUT_OF_BOUNDS),
                  limit);
  return FALSE;
}

/* len(range(0, total, stride)) */
static guint
stride_count(guint total, guint stride)
{
  return (total - 1) / stride + 1;
}

/* Set an error that says which "ddimN" around @wanted are possible. */
static void
set_stride_error(GError **error, guint total, guint wanted)
{
  guint below = 0, above = 0;

  /* Counts fall as the stride grows; the original tries no stride beyond total - 1. */
  for (guint stride = 1; stride < total; stride++) {
    const guint count = stride_count(total, stride);
    if (count > wanted)
      above = count;
    else if (below == 0)
      below = count;
  }
  if (below != 0 && above != 0)
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("no whole stride takes exactly %u of %u steps; the nearest that exist are "
                  "\"ddim%u\" and \"ddim%u\""),
                wanted, total, below, above);
  else if (below != 0 || above != 0)
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("no whole stride takes exactly %u of %u steps; the nearest that exists is "
                  "\"ddim%u\""),
                wanted, total, MAX(below, above));
  else
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("no whole stride takes exactly %u of %u steps; use \"1\" instead"), wanted,
                total);
}

/* "ddimN": the stride of the DDIM paper. */
static guint *
space_by_stride(guint total, const char *spec, guint *count, GError **error)
{
  const char *number = spec + strlen("ddim");
  guint wanted;

  if (!parse_count(spec, number, strlen(number), total, &wanted, error))
    return NULL;
  for (guint stride = 1; stride < total; stride++) {
    if (stride_count(total, stride) == wanted) {
      guint *kept = g_new(guint, wanted);
      for (guint i = 0; i < wanted; i++)
        kept[i] = i * stride;
      *count = wanted;
      return kept;
    }
  }
  set_stride_error(error, total, wanted);
  return NULL;
}

/* "uniform:N" and "quad:N": the timesteps of ermongroup/ddim, each once. */
static guint *
space_like_ermon(guint total, const char *spec, guint *count, GError **error)
{
  const gboolean quad = g_str_has_prefix(spec, "quad:");
  const char *number = strchr(spec, ':') + 1;
  guint wanted, *kept;

  if (!parse_count(spec, number, strlen(number), total, &wanted, error))
    return NULL;
  if (wanted == 0) {
    g_set_error_literal(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                        _("timestep respacing keeps no step; expected at least 1"));
    return NULL;
  }
  const guint stride = total / wanted, n = quad ? wanted : stride_count(total, stride);
  kept = g_new(guint, n);
  *count = 0;
  for (guint i = 0; i < n; i++) {
    const double root = linspace_at(0, sqrt(total * 0.8), wanted, i);
    const guint t = quad ? (guint)(root * root) : i * stride;
    if (*count == 0 || kept[*count - 1] < t)
      kept[(*count)++] = t;
  }
  return kept;
}

/* @wanted timesteps spread over a section of @size that begins at @start. */
static void
append_section(GArray *kept, guint start, guint size, guint wanted)
{
  const double stride = wanted <= 1 ? 1 : (size - 1.0) / (wanted - 1.0);
  double position = 0;

  for (guint i = 0; i < wanted; i++) {
    /* nearbyint() rounds halves to even, like Python's round(). The stride is added up, not
     * multiplied, because the original does so and the last bit decides how a half rounds. */
    const guint step = start + (guint)nearbyint(position);
    if (kept->len == 0 || g_array_index(kept, guint, kept->len - 1) < step)
      g_array_append_val(kept, step);
    position += stride;
  }
}

/* "A,B,C": so many steps of each equal section. */
static guint *
space_by_sections(guint total, const char *spec, guint *count, GError **error)
{
  g_autoptr(GArray) kept = g_array_new(FALSE, FALSE, sizeof(guint));
  gsize sections = 1, section = 0, n_kept;
  guint start = 0;

  for (const char *p = spec; *p; p++)
    sections += *p == ',';
  for (const char *item = spec; section < sections; section++) {
    const gsize length = strcspn(item, ",");
    /* The first total % sections sections are one longer. */
    const guint size = (guint)(total / sections + (section < total % sections));
    guint wanted;

    if (!parse_count(spec, item, length, total, &wanted, error))
      return NULL;
    if (wanted > size) {
      g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                  _("timestep respacing: section %zu of %zu"
                    " has %u of the %u steps and cannot give %u"),
                  section + 1, sections, size, total, wanted);
      return NULL;
    }
    append_section(kept, start, size, wanted);
    start += size;
    item += length + 1;
  }
  if (kept->len == 0) {
    g_set_error_literal(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                        _("timestep respacing keeps no step; expected at least 1"));
    return NULL;
  }
  guint *result = g_array_steal(kept, &n_kept);
  *count = (guint)n_kept;
  return result;
}

guint *
ddim_space_timesteps(guint num_timesteps, const char *spec, guint *count, GError **error)
{
  g_return_val_if_fail(count != NULL, NULL);

  if (!check_total(num_timesteps, error))
    return NULL;
  if (spec == NULL || *spec == '\0') {
    guint *all = g_new(guint, num_timesteps);
    for (guint i = 0; i < num_timesteps; i++)
      all[i] = i;
    *count = num_timesteps;
    return all;
  }
  if (g_str_has_prefix(spec, "uniform:") || g_str_has_prefix(spec, "quad:"))
    return space_like_ermon(num_timesteps, spec, count, error);
  if (g_str_has_prefix(spec, "ddim"))
    return space_by_stride(num_timesteps, spec, count, error);
  return space_by_sections(num_timesteps, spec, count, error);
}
