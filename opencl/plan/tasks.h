/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/device/context-private.h"

/** Who runs tasks. Tasks are operations of which many in a row are one launch, because launching
 * each would take longer than the work. They hold addresses of the host's memory, so the device
 * must compute in it. A plan knows nothing else of them. */
typedef struct {
  /** A table of @count tasks, to be set. @half: some of their tensors are of half precision. */
  gpointer (*new_table)(DdimContext *context, guint count, gboolean half, GError **error);
  void (*free_table)(gpointer table);
  /** Say what task number @index does: @task, a number that the runner knows, over a range of work
   * items, with arguments of one word of 64 bits each. */
  gboolean (*set)(gpointer table, guint index, guint task, const gsize range[3],
                  const guint64 *words, guint n_words, GError **error);
  /** Enqueue tasks [first, first + count). They begin when what was enqueued before has ended. */
  gboolean (*enqueue)(gpointer table, guint first, guint count, GError **error);
  /** How long task number @index took when it last ran, in any unit. */
  guint64 (*get_ticks)(gpointer table, guint index);
} DdimClTaskRunner;
