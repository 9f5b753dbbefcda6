/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/plan/plan.h"

/** Seeded data on a device and on the host, for comparing what a device computes with a reference
 * in double. The first error is kept in the check, and nothing else is done after it, so that a
 * check looks for errors once, at its end. */
typedef struct {
  DdimContext *context;
  GError *error; /**< the first; NULL: none */
} DdimCheck;

/** What one operation did. */
typedef struct {
  double error;   /**< largest difference, relative to the largest expected value */
  double bound;   /**< what it may be */
  double seconds; /**< of a second run, when everything is built */
} DdimCheckResult;

/** Uniform in [low, high). The same seed gives the same numbers everywhere. (transfer full) */
float *ddim_check_random(guint32 seed, gsize count, double low, double high);
/** @value rounded to IEEE half, to nearest even. */
double ddim_check_round_to_half(double value);

/** Numbers on the device and their first contents on the host. */
typedef struct {
  DdimClBuffer *buffer; /**< NULL after an error */
  float *host;          /**< of a type that has them without rounding */
  gsize count;
  DdimClType type; /**< on the device */
} DdimCheckArray;

/** @values copied. */
DdimCheckArray ddim_check_array(DdimCheck *check, const float *values, gsize count);
/** Replace the contents by @host's values, which are rounded to the array's type there as well. */
void ddim_check_array_write(DdimCheck *check, DdimCheckArray *array);
/** Uniform in [-scale, scale). */
DdimCheckArray ddim_check_array_random(DdimCheck *check, guint32 seed, gsize count, double scale);
void ddim_check_array_clear(DdimCheckArray *array);
/** The device's numbers now; NULL after an error. (transfer full) (nullable) */
float *ddim_check_array_read(DdimCheck *check, const DdimCheckArray *array);
DdimClMem ddim_check_array_mem(const DdimCheckArray *array);

/** A tensor of random values in a buffer of its own, with other values in front, behind and, when
 * sliced, between its pixels. */
typedef struct {
  DdimClTensor tensor;
  DdimCheckArray array;
} DdimCheckTensor;

/** @sliced  a slice of channels of a wider tensor */
DdimCheckTensor ddim_check_tensor(DdimCheck *check, guint32 seed, guint n, guint h, guint w,
                                  guint c, gboolean sliced, double scale);
/** The same of elements of @type. */
DdimCheckTensor ddim_check_tensor_of(DdimCheck *check, DdimClType type, guint32 seed, guint n,
                                     guint h, guint w, guint c, gboolean sliced, double scale);
void ddim_check_tensor_clear(DdimCheckTensor *tensor);
/** What an operation's error may be larger, relative to its largest result, for @stores results of
 * half precision: each is rounded to 11 bits. 0 for float32. */
double ddim_check_rounding(DdimClType type, guint stores);
/** Where its first number lies in the array. */
gsize ddim_check_tensor_first(const DdimCheckTensor *tensor);
/** First contents at (pixel of all images, channel). */
float ddim_check_tensor_at(const DdimCheckTensor *tensor, gsize pixel, guint channel);
/** Largest error of the first @channels channels against @expected [pixel][channels], relative to
 * its largest magnitude. A value that is not finite, or a write outside of the tensor, is an error
 * of the check. Infinite after any error. */
double ddim_check_tensor_error(DdimCheck *check, const DdimCheckTensor *tensor,
                               const double *expected, guint channels);

/** Seal, run, wait. */
void ddim_check_run(DdimCheck *check, DdimClPlan *plan);
/** Run a plan that was run before once more, and return its seconds. */
double ddim_check_time(DdimCheck *check, DdimClPlan *plan);
/** Whether there was no error, which is moved to @error otherwise. */
gboolean ddim_check_end(DdimCheck *check, GError **error);
