/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/device/context-private.h"

/** The numbers that shape CLBlast's matrix products on one device. CLBlast's database has them for
 * many devices. Numbers that `ddim tune` has found replace them. */

/** CLBlast's kernels for large and for small matrices, and the size from which on matrices are
 * large. */
typedef enum {
  DDIM_CLBLAST_XGEMM,
  DDIM_CLBLAST_XGEMM_DIRECT,
  DDIM_CLBLAST_GEMM_ROUTINE,
  DDIM_CLBLAST_N_KERNELS
} DdimClblastKernel;

#define DDIM_CLBLAST_MAX_VALUES 16

/** Values of each kernel's parameters, in the order of their names in the alphabet. */
typedef struct {
  guint values[DDIM_CLBLAST_N_KERNELS][DDIM_CLBLAST_MAX_VALUES];
} DdimClblastParameters;

/** CLBlast's name of @kernel. */
const char *ddim_clblast_kernel_name(DdimClblastKernel kernel);
/** CLBlast's name of a parameter of @kernel, @index < ddim_clblast_n_values(). */
const char *ddim_clblast_value_name(DdimClblastKernel kernel, guint index);
guint ddim_clblast_n_values(DdimClblastKernel kernel);

/** Parameters for a start of searches: @index < ddim_clblast_n_starts(). */
guint ddim_clblast_n_starts(void);
DdimClblastParameters ddim_clblast_start(guint index);
/** Change one or two values of @kernel to neighbouring ones, at random. The result need not be
 * valid. */
void ddim_clblast_vary(DdimClblastParameters *parameters, DdimClblastKernel kernel, GRand *rand);

/** Whether CLBlast's kernels are defined for these values and the device's limits hold them. */
gboolean ddim_clblast_is_valid(const DdimDeviceInfo *device,
                               const DdimClblastParameters *parameters);
