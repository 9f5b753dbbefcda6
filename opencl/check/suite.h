/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

#include "opencl/device/context.h"

typedef enum {
  DDIM_CHECK_RIGHT,
  DDIM_CHECK_WRONG,
  DDIM_CHECK_NOT_HERE /**< it cannot run on this device, which therefore never uses it */
} DdimCheckVerdict;

/** What was found out about one way to compute an operation. Valid during the callback. */
typedef struct {
  const char *way; /**< "winograd4-packed", see opencl/device/ways.h */
  gboolean half;   /**< with weights and activations that are kept as half */
  gboolean usual;  /**< what this device uses when nothing was measured, if it suits */
  DdimCheckVerdict verdict;
  double error, bound; /**< of the worst case; the error is relative to the largest value */
  double seconds;      /**< of all cases together, without building kernels */
  guint left_out;      /**< cases that did not run because the device is too slow for them */
  const char *reason;  /**< (nullable) why it is wrong or cannot run, beyond the error */
} DdimCheckRow;

/** @row      NULL before the way of this number is checked
 *  @fraction of the whole that is done */
typedef void (*DdimCheckRowFunc)(const DdimCheckRow *row, const char *way, double fraction,
                                 gpointer user_data);

/** Check every way that there is to compute on @context's device, distrusted ones included. */
gboolean ddim_check_suite(DdimContext *context, DdimCheckRowFunc func, gpointer user_data,
                          GCancellable *cancellable, GError **error);
