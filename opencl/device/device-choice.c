/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/device/device-choice.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* What counts, in this order. */
typedef enum { KIND, MEMORY, DRIVER, UNITS, N_CRITERIA } Criterion;

enum { IMITATED, PROCESSOR, ACCELERATOR, GRAPHICS };

static gboolean
is_mesa(const DdimDeviceInfo *info)
{
  return strcmp(info->platform, "rusticl") == 0 || strcmp(info->platform, "Clover") == 0;
}

/* Mesa's llvmpipe and softpipe, and Oclgrind, which says that it is a device of every kind. */
static gboolean
is_imitated(const DdimDeviceInfo *info)
{
  return strncmp(info->name, "llvmpipe", 8) == 0 || strncmp(info->name, "softpipe", 8) == 0 ||
         strcmp(info->platform, "Oclgrind") == 0;
}

static guint
get_kind(const DdimDeviceInfo *info)
{
  if (is_imitated(info))
    return IMITATED;
  return info->kind == DDIM_DEVICE_GPU   ? GRAPHICS
         : info->kind == DDIM_DEVICE_CPU ? PROCESSOR
                                         : ACCELERATOR;
}

static guint
get_value(const DdimDeviceInfo *info, Criterion criterion)
{
  switch (criterion) {
  case KIND:
    return get_kind(info);
  case MEMORY:
    return get_kind(info) == GRAPHICS && info->has_own_memory;
  case DRIVER:
    return !is_mesa(info);
  default:
    return info->compute_units;
  }
}

/* The first criterion by which they differ, or N_CRITERIA. */
static Criterion
find_difference(const DdimDeviceInfo *a, const DdimDeviceInfo *b)
{
  Criterion c = KIND;
  while (c < N_CRITERIA && get_value(a, c) == get_value(b, c))
    c++;
  return c;
}

gboolean
ddim_device_is_better(const DdimDeviceInfo *a, const DdimDeviceInfo *b)
{
  const Criterion c = find_difference(a, b);
  return c < N_CRITERIA && get_value(a, c) > get_value(b, c);
}

/* The device that would be used if @chosen were not there, or NULL. */
static const DdimDeviceInfo *
find_second(GPtrArray *infos, const DdimDeviceInfo *chosen)
{
  const DdimDeviceInfo *second = NULL;
  for (guint i = 0; i < infos->len; i++) {
    const DdimDeviceInfo *info = infos->pdata[i];
    if (info->index != chosen->index && (!second || ddim_device_is_better(info, second)))
      second = info;
  }
  return second;
}

static const char *
explain_kind(const DdimDeviceInfo *chosen)
{
  switch (get_kind(chosen)) {
  case GRAPHICS:
    return _("is the only graphics card");
  case ACCELERATOR:
    return _("is an accelerator, and there is no graphics card");
  default:
    return _("is a processor with a driver of its own, and the others only imitate a device");
  }
}

char *
ddim_device_explain(GPtrArray *infos, const DdimDeviceInfo *chosen)
{
  const char *wanted = g_getenv("DDIM_DEVICE");
  const DdimDeviceInfo *second = find_second(infos, chosen);
  if (wanted && *wanted)
    return g_strdup(_("is what DDIM_DEVICE asks for"));
  if (!second)
    return g_strdup(_("is the only device"));
  switch (find_difference(chosen, second)) {
  case KIND:
    return g_strdup(explain_kind(chosen));
  case MEMORY:
    return g_strdup(_("is the only graphics card with memory of its own"));
  case DRIVER:
    return g_strdup(_("has a driver that is not Mesa's"));
  case UNITS:
    return g_strdup_printf(_("has the most compute units of its kind, %u"), chosen->compute_units);
  default:
    return g_strdup(_("is the first of several that are alike"));
  }
}

static gboolean
contains(const char *text, const char *part)
{
  g_autofree char *a = g_utf8_casefold(text, -1), *b = g_utf8_casefold(part, -1);
  return strstr(a, b) != NULL;
}

static char *
describe_devices(GPtrArray *infos)
{
  GString *text = g_string_new(NULL);
  for (guint i = 0; i < infos->len; i++) {
    const DdimDeviceInfo *info = infos->pdata[i];
    g_string_append_printf(text, "%s%u: %s (%s)", i ? ", " : "", i, info->name, info->platform);
  }
  return g_string_free(text, FALSE);
}

/* The position in @infos that @spec means, or -1 with @error set. */
static int
choose(GPtrArray *infos, const char *spec, GError **error)
{
  if (!spec || !*spec)
    spec = g_getenv("DDIM_DEVICE");
  g_autofree char *valid = spec ? g_utf8_make_valid(spec, -1) : NULL;
  spec = valid;
  const gboolean any = !spec || !*spec;
  guint64 index;
  if (!any && g_ascii_string_to_unsigned(spec, 10, 0, infos->len - 1, &index, NULL))
    return (int)index;
  /* "3" means the fourth device, not whichever has a 3 in its name; "3090" may well be in one. */
  const gboolean index_only =
      !any && strlen(spec) < 3 && strspn(spec, "0123456789") == strlen(spec);
  int best = -1;
  for (guint i = 0; i < infos->len; i++) {
    const DdimDeviceInfo *info = infos->pdata[i];
    if (!any && (index_only || (!contains(info->name, spec) && !contains(info->platform, spec))))
      continue;
    if (best < 0 || ddim_device_is_better(info, infos->pdata[best]))
      best = (int)i;
  }
  if (best < 0) {
    g_autofree char *all = describe_devices(infos);
    g_set_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_NO_MATCH,
                _("no OpenCL device matches \"%s\"; there is %s"), spec, all);
  }
  return best;
}

cl_device_id
ddim_cl_device_choose(const char *spec, DdimDeviceInfo **info, GError **error)
{
  g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(cl_device_id));
  g_autoptr(GPtrArray) infos = ddim_cl_device_list(ids, error);
  if (!infos)
    return NULL;
  int i = choose(infos, spec, error);
  if (i < 0)
    return NULL;
  *info = g_steal_pointer(&infos->pdata[i]);
  return g_array_index(ids, cl_device_id, i);
}

DdimDeviceInfo *
ddim_device_choose(const char *spec, GError **error)
{
  DdimDeviceInfo *info = NULL;
  ddim_cl_device_choose(spec, &info, error);
  return info;
}
