/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "plugin/dialog/widgets.h"

G_BEGIN_DECLS

/** The window of a dialog, which fits on small screens and can be made larger, with room for a
 * message that moves nothing else. */

/** A dialog of GIMP without buttons of its own, but with a Help button.
 * @help_id  the procedure's name
 * @mnemonics  the letters that it uses are added */
GtkWidget *window_new(const char *title, const char *role, const char *help_id, GString *mnemonics);
/** @english  marked with N_() */
GtkWidget *window_add_button(GtkWidget *window, const char *english, int response,
                             const char *tooltip, GString *mnemonics);
/** Take the window off the screen at once, before anything that may take long. Its widgets stay, so
 * that what was begun may still end with them. */
void window_hide(GtkWidget *window);

/** @form in a box that scrolls where the screen is too small for it. */
GtkWidget *window_scroll(GtkWidget *form);
/** Give @scrolled, from window_scroll(), as much room as the screen has and the form wants; again
 * when the form has changed. */
void window_fit(GtkWidget *scrolled);

/** A place for messages of several lines, whose size is always the same: @width characters. */
GtkWidget *window_message_new(int width);
/** @text  NULL: none. Begins in lower case as errors do, or in upper case. */
void window_message_show(GtkWidget *message, GtkMessageType type, const char *text);

/** @fraction  0 … 1; negative while unknown */
void window_progress_show(GtkWidget *bar, GtkWidget *label, const char *status, double fraction);

G_END_DECLS
