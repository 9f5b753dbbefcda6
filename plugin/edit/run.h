/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "plugin/edit/input.h"
#include "plugin/work/worker.h"

G_BEGIN_DECLS

/** Changing pictures in a thread, watched from the main thread, as Worker does for new ones. It
 * touches no libgimp and no widget. Device and model stay loaded between runs. */
typedef struct _EditRun EditRun;

/** What a run made. */
typedef struct {
  WorkerResult *made;  /**< its images are of the layer's size; they are empty after
                          edit_result_insert() */
  GPtrArray *pictures; /**< (element-type DdimImage) the same, as they came out */
  double seconds;      /**< that the sampling took */
} EditResult;

void edit_result_free(EditResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EditResult, edit_result_free)

EditRun *edit_run_new(void);
/** Stops what runs and waits for it. */
void edit_run_free(EditRun *run);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EditRun, edit_run_free)

/** @input  is read only here and when the result is put in */
void edit_run_start(EditRun *run, const EditInput *input);
/** For watching the run, and stopping it. (transfer none) */
Task *edit_run_get_task(EditRun *run);
/** Wait for the end of the run. (transfer full) */
EditResult *edit_run_finish(EditRun *run, GError **error);

/** Put what was made of @input into its image, or into a new one, as one undo step. Returns the new
 * layer, the group of several, or in a new image the lowest layer; NO_LAYER with @error set, and
 * the image as it was, on failure. */
LayerRef edit_result_insert(const EditInput *input, EditResult *result, GError **error);

/** The procedure without a dialog, with GIMP's own progress. Returns as edit_result_insert(). */
LayerRef edit_run_once(ImageRef image, DrawableRef drawable, const EditSettings *settings,
                       GError **error);

G_END_DECLS
