/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/model/values.h"

void
ddim_values_set(DdimValues *values, DdimKey key, char *text, DdimSource source)
{
  g_free(values->text[key]);
  values->text[key] = text;
  values->source[key] = source;
}

void
ddim_values_clear(DdimValues *values)
{
  for (guint key = 0; key < DDIM_N_KEYS; key++)
    g_clear_pointer(&values->text[key], g_free);
}

gboolean
ddim_values_get_bool(const DdimValues *values, DdimKey key)
{
  return g_strcmp0(values->text[key], "True") == 0;
}

guint
ddim_values_get_uint(const DdimValues *values, DdimKey key)
{
  const gint64 value = values->text[key] ? g_ascii_strtoll(values->text[key], NULL, 10) : 0;

  return CLAMP(value, 0, G_MAXINT32);
}
