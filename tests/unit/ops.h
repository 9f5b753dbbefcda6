/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

/* What the tests of the tensor operations share: one context, seeded random data, tensors that
 * notice writes outside of them, and errors against a reference computed in double. */

#include <math.h>

#include "opencl/check/data.h"
#include "opencl/ops/conv/conv.h"
#include "opencl/ops/matrix/gemm.h"

/** One for the whole program: libraries compile their kernels once per context. */
DdimContext *ops_context(void);
/** Whether @provider multiplies half-precision numbers with matrix units. The context emulates
 * them. */
gboolean ops_uses_matrix_unit(DdimGemmProvider provider);
/** Let the context use @unit as its matrix unit. FALSE if the device really has another one, which
 * needs no emulation. */
gboolean ops_use_unit(DdimClMatrixUnit unit);
/** Whether @provider is for devices whose kernels have the shape that is tested. */
gboolean ops_tests_provider(DdimGemmProvider provider);
/** Run the tests and free the context. */
int ops_run_tests(void);

float *ops_random(guint32 seed, gsize count, double low, double high);
double ops_round_to_half(double value);

/** A check of the shared context, and its end, which asserts that there was no error. The functions
 * below do both around one function of opencl/check/data.h each. */
DdimCheck ops_begin(void);
void ops_end(DdimCheck *check);

typedef DdimCheckArray OpsArray;

/** @values copied. */
OpsArray ops_array(const float *values, gsize count);
/** Uniform in [-scale, scale). */
OpsArray ops_array_random(guint32 seed, gsize count, double scale);
void ops_array_clear(OpsArray *array);
/** The device's floats now. (transfer full) */
float *ops_array_read(const OpsArray *array);
DdimClMem ops_array_mem(const OpsArray *array);

typedef DdimCheckTensor OpsTensor;

/** @sliced  a slice of channels of a wider tensor */
OpsTensor ops_tensor(guint32 seed, guint n, guint h, guint w, guint c, gboolean sliced,
                     double scale);
void ops_tensor_clear(OpsTensor *tensor);
/** Where its first float lies in the array. */
gsize ops_tensor_first(const OpsTensor *tensor);
/** First contents at (pixel of all images, channel). */
float ops_tensor_at(const OpsTensor *tensor, gsize pixel, guint channel);
double ops_tensor_error(const OpsTensor *tensor, const double *expected, guint channels);

/** Seal, run, wait. */
void ops_plan_run(DdimClPlan *plan);

/** Largest |actual - expected| relative to the largest |expected|; all must be finite. */
double ops_error(const float *actual, const double *expected, gsize count);
/** Assert error <= tolerance, and print the error. */
void ops_check(double error, double tolerance, const char *format, ...) G_GNUC_PRINTF(3, 4);
