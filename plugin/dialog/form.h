/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/job/request.h"
#include "plugin/image/target.h"
#include "plugin/dialog/widgets.h"

G_BEGIN_DECLS

/** The controls of all options. */
typedef struct _Form Form;

/** @problem  called with a message for the user
 * @mnemonics  letters in use, extended; must outlive the form */
Form *form_new(GString *mnemonics, UiProblem problem, gpointer user_data);
/** After its widgets, which belong to their container, are gone. Waits for what still runs. */
void form_free(Form *form);

/** The widget to pack. (transfer none) */
GtkWidget *form_get_widget(Form *form);

/** Give the keyboard to the control that is most often changed. */
void form_grab_focus(Form *form);
/** Show what @target says about sizes. */
void form_set_target(Form *form, const Target *target);
void form_write(Form *form, DdimRequest *request);
/** DDIM_ERROR_ARGUMENT for a text that is no value of its option. */
gboolean form_read(Form *form, DdimRequest *request, GError **error);
/** Show the seed that was used. */
void form_set_seed(Form *form, gint64 seed);
/** Look for models again when the user was shown their folder. */
void form_refresh(Form *form);

G_END_DECLS
