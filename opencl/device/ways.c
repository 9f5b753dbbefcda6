/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/device/ways.h"

/* The names of ways that are not trusted are the keys. */
static GHashTable *
distrusted(DdimContext *context)
{
  if (!context->ways.data)
    context->ways =
        (DdimClAttachment){.data = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                           .destroy = (GDestroyNotify)g_hash_table_unref};
  return context->ways.data;
}

gboolean
ddim_cl_way_is_trusted(DdimContext *context, const char *way)
{
  return !context->ways.data || !g_hash_table_contains(context->ways.data, way);
}

void
ddim_cl_way_distrust(DdimContext *context, const char *way)
{
  g_hash_table_add(distrusted(context), g_strdup(way));
}

void
ddim_cl_ways_trust_all(DdimContext *context)
{
  g_hash_table_remove_all(distrusted(context));
}

gboolean
ddim_cl_way_is_spoiled(const char *way)
{
  const char *spoiled = g_getenv("DDIM_SPOIL");
  if (!spoiled)
    return FALSE;
  g_auto(GStrv) ways = g_strsplit(spoiled, ",", -1);
  return g_strv_contains((const char *const *)ways, way);
}
