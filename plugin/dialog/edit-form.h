/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "plugin/dialog/catalog.h"
#include "plugin/dialog/widgets.h"
#include "plugin/edit/commands.h"
#include "plugin/image/compat.h"

G_BEGIN_DECLS

/** The controls of a procedure that changes a picture, made from the list of its arguments. */
typedef struct _EditForm EditForm;

/** @image    whose layers are offered as ends; may be NO_IMAGE
 * @changed  called when anything is chosen, or more is known of the model
 * @problem  called with a message for the user
 * @mnemonics  letters in use, extended; must outlive the form */
EditForm *edit_form_new(const EditCommand *command, ImageRef image, GString *mnemonics,
                        UiChanged changed, UiProblem problem, gpointer user_data);
/** After its widgets, which belong to their container, are gone. Waits for what still runs. */
void edit_form_free(EditForm *form);

/** The widget to pack. (transfer none) */
GtkWidget *edit_form_get_widget(EditForm *form);
/** What is known of the chosen model: NULL as long as nothing is. */
const CatalogModel *edit_form_get_model(EditForm *form);

void edit_form_write(EditForm *form, const EditSettings *settings);
/** DDIM_ERROR_ARGUMENT for a text that is no value of its argument. */
gboolean edit_form_read(EditForm *form, EditSettings *settings, GError **error);
/** Show the seed that was used. */
void edit_form_set_seed(EditForm *form, gint64 seed);
/** Look for models again when the user was shown their folder. */
void edit_form_refresh(EditForm *form);

G_END_DECLS
