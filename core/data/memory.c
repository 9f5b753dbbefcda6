/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/data/memory.h"

#include <glib/gi18n-lib.h>

#include "core/data/error.h"

gpointer
ddim_try_alloc(gsize n, gsize size, GError **error)
{
  gsize bytes;
  gpointer memory;

  if (!g_size_checked_mul(&bytes, n, size)) {
    g_set_error_literal(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT, _("the array is too large"));
    return NULL;
  }
  memory = g_try_malloc0(MAX(bytes, 1));
  if (!memory)
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("not enough memory for an array of %zu bytes"), bytes);
  return memory;
}
