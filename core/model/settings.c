/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/model/settings.h"

DdimSettings *
ddim_settings_new(const char *origin)
{
  DdimSettings *settings = g_new0(DdimSettings, 1);

  settings->origin = g_strdup(origin);
  settings->notes = g_ptr_array_new_with_free_func(g_free);
  return settings;
}

void
ddim_settings_free(DdimSettings *settings)
{
  if (!settings)
    return;
  for (guint key = 0; key < DDIM_N_KEYS; key++)
    g_free(settings->values[key]);
  g_free(settings->origin);
  g_free(settings->reason);
  g_free(settings->name);
  g_free(settings->description);
  g_free(settings->license);
  g_strfreev(settings->class_names);
  g_clear_pointer(&settings->scheduler, ddim_scheduler_free);
  g_clear_pointer(&settings->notes, g_ptr_array_unref);
  g_free(settings);
}

void
ddim_settings_note(DdimSettings *settings, const char *format, ...)
{
  va_list args;

  va_start(args, format);
  g_ptr_array_add(settings->notes, g_strdup_vprintf(format, args));
  va_end(args);
}
