/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/work/timing.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <stdlib.h>

/* More models, devices or sizes than these are not remembered: the oldest go. */
#define MAX_GROUPS 32
#define MAX_SIZES 16

static char *
get_path(void)
{
  return g_build_filename(g_get_user_cache_dir(), "ddim", "plug-in-times", NULL);
}

/* Nothing when there is no file, or a damaged one: times are measured again. */
static GKeyFile *
load(void)
{
  GKeyFile *file = g_key_file_new();
  g_autofree char *path = get_path();

  g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, NULL);
  return file;
}

/* A group's name may hold anything but brackets and control characters. */
static char *
get_group(const char *device, const char *model, const char *precision)
{
  char *group = g_strdup_printf("%s|%s|%s", device ? device : "", model, precision);

  for (char *p = group; *p; p++)
    if (g_ascii_iscntrl(*p) || *p == '[' || *p == ']')
      *p = ' ';
  return group;
}

static double
get_seconds(GKeyFile *file, const char *group, const char *size)
{
  double seconds = g_key_file_get_double(file, group, size, NULL);

  return isfinite(seconds) && seconds > 0 ? seconds : -1;
}

static void
forget_oldest(GKeyFile *file, const char *group)
{
  gsize n_groups = 0, n_sizes = 0;
  g_auto(GStrv) groups = g_key_file_get_groups(file, &n_groups);
  g_auto(GStrv) sizes = g_key_file_get_keys(file, group, &n_sizes, NULL);

  for (gsize i = 0; i + MAX_GROUPS < n_groups; i++)
    g_key_file_remove_group(file, groups[i], NULL);
  for (gsize i = 0; i + MAX_SIZES < n_sizes; i++)
    g_key_file_remove_key(file, group, sizes[i], NULL);
}

void
timing_note(const char *device, const char *model, const char *precision, guint width, guint height,
            double seconds)
{
  g_autoptr(GKeyFile) file = load();
  g_autofree char *group = get_group(device, model, precision);
  g_autofree char *size = g_strdup_printf("%ux%u", width, height);
  g_autofree char *path = get_path(), *folder = g_path_get_dirname(path);
  double before = get_seconds(file, group, size);

  if (!(isfinite(seconds) && seconds > 0))
    return;
  /* The newest comes last, and a single slow run does not say everything. */
  g_key_file_remove_key(file, group, size, NULL);
  g_key_file_set_double(file, group, size, before > 0 ? (before + seconds) / 2 : seconds);
  forget_oldest(file, group);
  g_mkdir_with_parents(folder, 0700);
  g_key_file_save_to_file(file, path, NULL);
}

double
timing_estimate(const char *device, const char *model, const char *precision, guint width,
                guint height)
{
  g_autoptr(GKeyFile) file = load();
  g_autofree char *group = get_group(device, model, precision);
  g_auto(GStrv) sizes = g_key_file_get_keys(file, group, NULL, NULL);
  double area = (double)width * height, best = -1, distance = INFINITY;

  for (guint i = 0; sizes && sizes[i]; i++) {
    char *end;
    double w = strtoul(sizes[i], &end, 10), h = *end == 'x' ? strtoul(end + 1, NULL, 10) : 0;
    double seconds = get_seconds(file, group, sizes[i]);
    if (w * h < 1 || seconds < 0 || fabs(log(area / (w * h))) >= distance)
      continue;
    distance = fabs(log(area / (w * h)));
    best = seconds * area / (w * h);
  }
  return best;
}

char *
timing_to_text(double seconds)
{
  if (seconds < 90)
    return g_strdup_printf(_("%d s"), MAX(1, (int)(seconds + 0.5)));
  if (seconds < 90 * 60)
    return g_strdup_printf(_("%d min"), (int)(seconds / 60 + 0.5));
  return g_strdup_printf(_("%d h"), (int)(seconds / 3600 + 0.5));
}
