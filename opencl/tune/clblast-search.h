/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/ops/matrix/clblast.h"

/** Check that products with @parameters, which are in use, are right, and return the seconds that
 * what matters takes; negative with @error set when they do not work. G_IO_ERROR_CANCELLED ends the
 * search. */
typedef double (*DdimClblastCostFunc)(const DdimClblastParameters *parameters, gpointer user_data,
                                      GError **error);
/** @fraction  of the search's time */
typedef void (*DdimClblastProgressFunc)(guint tried, double fraction, gpointer user_data);

typedef struct {
  DdimClblastCostFunc cost;
  DdimClblastProgressFunc progress; /**< (nullable) */
  gpointer user_data;
  double seconds; /**< no parameters are tried after this time; those being tried are finished */
  guint32 seed;
} DdimClblastSearch;

/** Look for the parameters that make @search->cost least on @context's device. Leaves them in use
 * on @context, because CLBlast has no way back to its database. @best holds them. Returns their
 * cost; negative when none works or, with @error set, when it was cancelled. */
double ddim_clblast_search(DdimContext *context, const DdimClblastSearch *search,
                           DdimClblastParameters *best, guint *tried, GError **error);
