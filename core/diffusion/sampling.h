/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

#include "core/diffusion/step-table.h"

G_BEGIN_DECLS

/** The sampling loop. It takes the steps of a table, one after another, on a backend that holds the
 * state: the host (core/diffusion/host-sampling.h) or a device (core/job/device-sampling.h). Hooks
 * look at the state between the parts of a step and change it.
 *
 * A step that evaluates the model goes through these parts:
 *
 *   1. stop with G_IO_ERROR_CANCELLED if that was asked for
 *   2. hooks: before_step
 *   3. output = model(x, timestep); a device only begins to compute it
 *   4. draw noise, if the step draws any; a device computes meanwhile
 *   5. hooks: after_output
 *   6. x0 is predicted from x and the output, and thresholded if the step asks for it
 *   7. hooks: on_prediction
 *   8. x = next (see DdimStep), and what solvers keep of earlier steps
 *   9. hooks: after_step
 *
 * A step that adds noise goes through 1, 2, 4, 8 and 9.
 *
 * The draws of noise come in the order of the steps that draw, one for each, whatever the hooks do
 * and whether a step uses its draw or not. A hook that draws from the same generator in before_step
 * draws before its step does; in a later hook, after it. */

/** The arrays of a state. All are read and written as float64. */
typedef enum {
  DDIM_SAMPLING_X,  /**< [n][plane] */
  DDIM_SAMPLING_X0, /**< [n][plane]: the last predicted x0, corrected where a hook has done so */
  DDIM_SAMPLING_OUTPUT, /**< the model's output: [n][plane], or [n][2][plane] for learned variances
                         */
  DDIM_SAMPLING_NOISE   /**< [n][plane]: the last draw, once the step has drawn; see draws_noise */
} DdimSamplingArray;

/** Places in the ring of arrays that hold the history. */
typedef struct {
  guint n_read;
  guint read[DDIM_STEP_HISTORY]; /**< where h_k is, for k < n_read */
  gboolean keep;
  guint kept; /**< where `kept` goes; may be the place of the last h_k, which is read first */
} DdimHistorySlots;

/** A backend holds the state and does the arithmetic. Each function gets `state`. Functions that
 * compute may return before they are done: a device then computes while the loop goes on, in the
 * order of the calls. FALSE with @error set stops the loop.
 * To assemble a step's output from several evaluations, copy the struct and put your own function
 * in the place of `evaluate`. */
typedef struct {
  /** Once, before the first step: make room for the table's history. */
  gboolean (*begin)(gpointer state, const DdimStepTable *table, GError **error);
  /** output = model(x, step->timestep). */
  gboolean (*evaluate)(gpointer state, const DdimTableStep *step, GError **error);
  /** The next draw of the noise, which the coming update uses. */
  gboolean (*draw_noise)(gpointer state, GError **error);
  /** Compute x0. */
  gboolean (*predict)(gpointer state, const DdimStep *step, GError **error);
  /** Compute x, and what the step keeps, from the x0 that the state has. */
  gboolean (*advance)(gpointer state, const DdimStep *step, const DdimHistorySlots *slots,
                      GError **error);
  /** predict and advance at once: the fast path, with the same results to the last bit. */
  gboolean (*predict_and_advance)(gpointer state, const DdimStep *step,
                                  const DdimHistorySlots *slots, GError **error);
  /** x = next_x * x + sigma * z. */
  gboolean (*renoise)(gpointer state, const DdimStep *step, GError **error);
  /** Wait until everything that was begun is done. */
  gboolean (*wait)(gpointer state, GError **error);
  gsize (*get_count)(gpointer state, DdimSamplingArray array);
  /** How many images lie in each array. */
  gsize (*get_n_images)(gpointer state);
  /** Copy a whole array out of the state or into it, after everything that was begun is done. A
   * device rounds what is written to float32. */
  gboolean (*read)(gpointer state, DdimSamplingArray array, double *values, GError **error);
  gboolean (*write)(gpointer state, DdimSamplingArray array, const double *values, GError **error);
  gpointer state;
} DdimSamplingBackend;

/** Where the loop is. Valid during the call of a hook. */
typedef struct {
  const DdimStepTable *table;
  guint index; /**< of the step in the table; after_step: index + 1 steps are done */
  const DdimTableStep *step;
  const DdimSamplingBackend *backend;
} DdimSamplingPoint;

/** Is called in a part of a step, to add something to it. FALSE with @error set stops the loop. */
typedef gboolean (*DdimSamplingHook)(const DdimSamplingPoint *point, gpointer user_data,
                                     GError **error);

/** All called in the thread that runs the loop. Any may be NULL. */
typedef struct {
  DdimSamplingHook before_step;
  /** May change the output: classifier guidance adds to its eps. Not called for renoising. */
  DdimSamplingHook after_output;
  /** May change x0: constraints. eps follows, because every step derives it from x0. Not called for
   * renoising. A loop with this hook is refused if its steps do not follow x0, see
   * ddim_step_table_follows_x0(). */
  DdimSamplingHook on_prediction;
  /** May change x: everything of the step is done. Progress and previews. */
  DdimSamplingHook after_step;
  gpointer user_data;
} DdimSamplingHooks;

/** Take all steps of @table on @backend. Its x is the start, and afterwards the result. After a
 * failure x is some intermediate state.
 * @hooks   (nullable) @n_hooks of them, called in this order at each part
 * Errors: DDIM_ERROR_UNSUPPORTED for on_prediction where steps do not follow x0, before anything is
 * done; DDIM_ERROR_ARGUMENT, no memory to threshold; G_IO_ERROR_CANCELLED, between steps; those of
 * the backend and of the hooks. */
gboolean ddim_sampling_run(const DdimStepTable *table, const DdimSamplingBackend *backend,
                           const DdimSamplingHooks *hooks, guint n_hooks, GCancellable *cancellable,
                           GError **error);

/** For hooks: how many values @array has, and functions that copy it out and in. They wait until a
 * device is done. */
gsize ddim_sampling_get_count(const DdimSamplingPoint *point, DdimSamplingArray array);
gboolean ddim_sampling_read(const DdimSamplingPoint *point, DdimSamplingArray array, double *values,
                            GError **error);
gboolean ddim_sampling_write(const DdimSamplingPoint *point, DdimSamplingArray array,
                             const double *values, GError **error);

G_END_DECLS
