/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "plugin/dialog/catalog.h"
#include "plugin/dialog/class-choice.h"
#include "core/job/request.h"
#include "plugin/dialog/widgets.h"

G_BEGIN_DECLS

/** The rows “Model” and “Class”. The list of models comes from a thread; what is chosen or typed
 * before it is there stays. */
typedef struct _ModelChoice ModelChoice;

/** @open     what no class means
 * @changed  called when another model or class is chosen, or more is known of it
 * @problem  called with a message for the user */
ModelChoice *model_choice_new(UiRows *rows, ClassOpen open, UiChanged changed,
                              gpointer changed_data, UiProblem problem, gpointer problem_data);
/** After its widgets, which belong to their container, are gone. Waits for its thread. */
void model_choice_free(ModelChoice *choice);

/** What is known of the chosen model: NULL as long as nothing is. */
const CatalogModel *model_choice_get(ModelChoice *choice);
/** (transfer none) */
ClassChoice *model_choice_get_class(ModelChoice *choice);
/** Give the keyboard to the class. */
void model_choice_grab_focus(ModelChoice *choice);
/** Look for models again when the user was shown their folder. */
void model_choice_refresh(ModelChoice *choice);

/** Properties model and class of @request. */
void model_choice_write(ModelChoice *choice, DdimRequest *request);
void model_choice_read(ModelChoice *choice, DdimRequest *request);

G_END_DECLS
