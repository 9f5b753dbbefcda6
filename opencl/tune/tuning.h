/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/device/device.h"
#include "opencl/ops/conv/conv.h"
#include "opencl/ops/matrix/clblast.h"

/** How one convolution is computed and by whom. */
typedef struct {
  DdimConvMethod method;
  DdimGemmProvider provider;
} DdimClChoice;

/** Seconds measured on one device: of a convolution, computed in one way. */
typedef struct _DdimClTuning DdimClTuning;

/** Empty, for the device @info, whose driver and whose kernels' shape (@row_loop, see
 * DdimClProfile) count as well. */
DdimClTuning *ddim_cl_tuning_new(const DdimDeviceInfo *info, gboolean row_loop);
void ddim_cl_tuning_free(DdimClTuning *tuning);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimClTuning, ddim_cl_tuning_free)

/** Where it is kept: under $XDG_CACHE_HOME/ddim, a name of its own for every device, driver and
 * version of this program. (transfer full) */
char *ddim_cl_tuning_path(const DdimClTuning *tuning);
/** Add what @path holds; a file that does not exist holds nothing. DDIM_CL_ERROR_FAILED for a file
 * that is damaged or was not written for this device, driver and version: nothing of it is taken.
 */
gboolean ddim_cl_tuning_load(DdimClTuning *tuning, const char *path, GError **error);
/** Written whole or not at all; folders are made. Not where the file could not be read before, for
 * what it holds would be lost. Errors: G_FILE_ERROR. */
gboolean ddim_cl_tuning_save(const DdimClTuning *tuning, const char *path, GError **error);

/** Negative when not measured. */
double ddim_cl_tuning_get(const DdimClTuning *tuning, const DdimConvShape *shape, gboolean half,
                          DdimClChoice choice);
void ddim_cl_tuning_set(DdimClTuning *tuning, const DdimConvShape *shape, gboolean half,
                        DdimClChoice choice, double seconds);

/** Parameters of CLBlast that were found to be better than its database's. (nullable) (transfer
 * none)
 */
const DdimClblastParameters *ddim_cl_tuning_get_clblast(const DdimClTuning *tuning);
/** What was measured with CLBlast before, with other parameters, is forgotten. */
void ddim_cl_tuning_set_clblast(DdimClTuning *tuning, const DdimClblastParameters *parameters);

/** What was measured on @context's device, read from its file on first use, and put to use.
 * (transfer none) */
DdimClTuning *ddim_cl_context_tuning(DdimContext *context);
