/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/job/request.h"
#include "plugin/dialog/class-choice.h"
#include "plugin/image/target.h"
#include "plugin/dialog/widgets.h"

G_BEGIN_DECLS

/** The controls of all options. */
typedef struct _Form Form;

/** @mnemonics  letters in use, extended
 * @changed  called when any value was changed
 * @problem  called with a message for the user */
Form *form_new(GString *mnemonics, UiChanged changed, UiProblem problem, gpointer user_data);
/** After its widgets, which belong to their container, are gone. Waits for what still runs. */
void form_free(Form *form);

/** The widget to pack. (transfer none) */
GtkWidget *form_get_widget(Form *form);

/** Give the keyboard to the control that is most often changed. */
void form_grab_focus(Form *form);
/** Show what @target says about sizes. */
void form_set_target(Form *form, const Target *target);
/** What is known of the chosen model; NULL as long as nothing is. (transfer none) */
const CatalogModel *form_get_model(Form *form);
/** (transfer none) */
ClassChoice *form_get_class(Form *form);
/** What shows and hides the less usual controls. (transfer none) */
GtkWidget *form_get_expander(Form *form);
void form_write(Form *form, DdimRequest *request);
/** What is chosen; seed -1 when every image is to have a new one. DDIM_ERROR_ARGUMENT for a text
 * that is no value of its option. */
gboolean form_read(Form *form, DdimRequest *request, GError **error);
/** The seed that is shown. */
void form_set_seed(Form *form, gint64 seed);
gint64 form_get_seed(Form *form);
/** Look for models again when the user was shown their folder. */
void form_refresh(Form *form);

G_END_DECLS
