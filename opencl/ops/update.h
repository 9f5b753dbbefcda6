/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/plan/plan.h"

/** The element-wise step that kernels/update.cl computes; see there for the formula. */
typedef struct {
  float x0_x, x0_m, limit;
  float next_x, next_x0, next_m;
  float sigma, min_log, max_log;
  guint sigma_type; /**< 0 fixed, 1 learned, 2 learned range */
  gboolean use_noise;
} DdimClUpdateStep;

/** The memory it works on: x, noise and x0 planar [n][channels][h][w]; output NHWC, the mean in its
 * first channels and, for learned sigmas, the variance in as many after them. */
typedef struct {
  DdimClMem x, noise, x0;
  DdimClTensor output;
  guint channels;
} DdimClUpdateMemory;

typedef struct _DdimClUpdate DdimClUpdate;

/** @plan is sealed and outlives the update. */
DdimClUpdate *ddim_cl_update_new(DdimClPlan *plan, const DdimClUpdateMemory *memory,
                                 GError **error);
void ddim_cl_update_free(DdimClUpdate *update);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimClUpdate, ddim_cl_update_free)

/** Enqueue one step. @noise [n][channels][h][w], needed with use_noise; copied before return,
 * without waiting for the device. */
gboolean ddim_cl_update_run(DdimClUpdate *update, const DdimClUpdateStep *step, const float *noise,
                            GError **error);
