/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/diffusion/travel.h"

/* The highest index where jumps begin; FALSE when there is none. */
static gboolean
find_highest(guint first, guint length, guint *at)
{
  const guint n = first + 1; /* the number of steps */

  if (n <= length)
    return FALSE;
  *at = (n - length - 1) / length * length;
  return TRUE;
}

gboolean
ddim_step_table_append_travel(DdimStepTable *table, const DdimSampleParams *params, guint first,
                              guint length, guint count, GError **error)
{
  guint from = first, at = 0;
  gboolean jumps;

  g_return_val_if_fail(length > 0 && count > 0, FALSE);
  jumps = count > 1 && find_highest(first, length, &at);
  while (jumps) {
    /* x has the level of `from`; the steps down to `at` end with the step of at + 1. */
    if (from > at && !ddim_step_table_append(table, params, from, at + 1, error))
      return FALSE;
    for (guint i = 1; i < count; i++)
      if (!ddim_step_table_append_renoising(table, at, at + length, error) ||
          !ddim_step_table_append(table, params, at + length, at + 1, error))
        return FALSE;
    from = at;
    jumps = at > 0;
    at -= MIN(at, length);
  }
  return ddim_step_table_append(table, params, from, 0, error);
}
