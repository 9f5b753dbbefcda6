/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/plan/plan.h"

/** How many earlier arrays a step may read. */
#define DDIM_CL_UPDATE_HISTORY 4

/** The element-wise step that kernels/update.cl computes; see there for the formula. */
typedef struct {
  float x0_x, x0_m, limit;
  float next_x, next_x0, next_m;
  float sigma, min_log, max_log;
  guint sigma_type; /**< 0 fixed, 1 learned, 2 learned range, 3 learned plain */
  gboolean use_noise;
  /* The ring of arrays that outlive a step. */
  guint n_history;
  float history[DDIM_CL_UPDATE_HISTORY]; /**< coefficients of h_0 … */
  guint slots[DDIM_CL_UPDATE_HISTORY];   /**< and their places in the ring */
  gboolean keep;
  float keep_x, keep_x0;
  guint kept; /**< the place that is overwritten; may be that of the last h_k */
} DdimClUpdateStep;

/** The memory it works on: x, noise and x0 planar [n][channels][h][w]; output NHWC, the mean in its
 * first channels and, for learned sigmas, the variance in as many after them. */
typedef struct {
  DdimClMem x, noise, x0;
  DdimClMem ring; /**< arrays like x, one after another; only read for steps with history */
  guint n_ring;   /**< how many there are; 0: no step has a history */
  DdimClTensor output;
  guint channels;
} DdimClUpdateMemory;

typedef struct _DdimClUpdate DdimClUpdate;

/** One will be needed soon: begin to build its program. */
void ddim_cl_update_announce(DdimContext *context);
/** @plan is sealed and outlives the update. */
DdimClUpdate *ddim_cl_update_new(DdimClPlan *plan, const DdimClUpdateMemory *memory,
                                 GError **error);
void ddim_cl_update_free(DdimClUpdate *update);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimClUpdate, ddim_cl_update_free)

/* All of these enqueue and do not wait for the device. @noise [n][channels][h][w] is needed with
 * use_noise, and copied before return. */

/** One step: x0, x and what is kept. A step without history is one launch. */
gboolean ddim_cl_update_run(DdimClUpdate *update, const DdimClUpdateStep *step, const float *noise,
                            GError **error);
/** Its first part: x0. */
gboolean ddim_cl_update_predict(DdimClUpdate *update, const DdimClUpdateStep *step, GError **error);
/** Its other part: x and what is kept, from the x0 that is there. Where x0 was left as predicted,
 * the results are those of ddim_cl_update_run(), to the last bit. */
gboolean ddim_cl_update_advance(DdimClUpdate *update, const DdimClUpdateStep *step,
                                const float *noise, GError **error);
/** x = next_x * x + sigma * noise; nothing else of @step is read, and no result is looked at. */
gboolean ddim_cl_update_renoise(DdimClUpdate *update, const DdimClUpdateStep *step,
                                const float *noise, GError **error);

/** Count steps anew, from 0, and look for the first whose x is infinite or not a number. So it is
 * with a new update too. A step in two parts is one. */
gboolean ddim_cl_update_watch(DdimClUpdate *update, GError **error);
/** Wait, and set @step to that step's number, or to how many were taken if x was finite in all. */
gboolean ddim_cl_update_find_broken(DdimClUpdate *update, guint *step, GError **error);
