/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <libgimp/gimp.h>
#include <libgimp/gimpui.h>

G_BEGIN_DECLS

/** The few things that GTK 2 and GTK 3 name differently, and rows of labelled controls. */

/** Called when another value was chosen, and with a message for the user. */
typedef void (*UiChanged)(gpointer user_data);
typedef void (*UiProblem)(const char *message, gpointer user_data);

GtkWidget *ui_box(GtkOrientation orientation, int spacing);
/** A row of a control and a button behind it. */
GtkWidget *ui_pack(GtkWidget *control, GtkWidget *button);

/** A table of labels and controls. Labels get mnemonics that differ from each other and from
 * @taken, in any language. */
typedef struct {
  GtkWidget *widget;
  int n_rows;
  GString *mnemonics;   /**< lower-case letters in use */
  GtkSizeGroup *labels; /**< all labels; of several tables, so that their columns line up */
} UiRows;

UiRows *ui_rows_new(GString *mnemonics, GtkSizeGroup *labels);
void ui_rows_free(UiRows *rows);
/** A row: a label that belongs to @control, whose tooltip is set. @control may lie in a box @packed
 * (nullable).
 * @label  untranslated, marked with N_(); or translated, when its key does not matter */
void ui_rows_add(UiRows *rows, const char *label, GtkWidget *control, GtkWidget *packed,
                 const char *tooltip);
/** A row without a label. */
void ui_rows_add_wide(UiRows *rows, GtkWidget *widget);

/** The translation of @english, with an underscore before a letter that is not in @mnemonics yet,
 * or
 * "(_X)" behind it when it is not in Latin letters; X is a letter of @english, if one is free.
 * (transfer full)
 * @english  marked with N_() */
char *ui_mnemonic(const char *english, GString *mnemonics);
/** Take the letters of the labels in @widget, for gtk_container_forall(). @mnemonics  a GString */
void ui_mnemonic_reserve(GtkWidget *widget, gpointer mnemonics);

/** Every control has one, in plain words. */
void ui_set_tooltip(GtkWidget *control, const char *tooltip);
/** A check button. @english  as for ui_mnemonic() */
GtkWidget *ui_check_new(const char *english, GString *mnemonics, const char *tooltip);

/** @text with a capital at its beginning: error messages, and the help of options, are written to
 * follow a name, so they begin in lower case. (transfer full) */
char *ui_capitalise(const char *text);

/** A combo box of texts, each with an id. */
GtkWidget *ui_choice_new(void);
void ui_choice_add(GtkWidget *choice, const char *id, const char *text);
void ui_choice_clear(GtkWidget *choice);
/** (transfer full) the id of the chosen row; "" when none is. */
char *ui_choice_get(GtkWidget *choice);
/** Choose the row with @id; FALSE when there is none. */
gboolean ui_choice_set(GtkWidget *choice, const char *id);
/** Choose the row with @id, which is added where it is missing. */
void ui_choice_set_or_add(GtkWidget *choice, const char *id);

/** Let the rows of a combo box that may have a thousand appear as a list that scrolls, and not as a
 * menu, which would have an item for each and fill the screen. */
void ui_combo_scroll(GtkWidget *combo);

/** A spin button for option @name, from @minimum to the option's maximum. */
GtkWidget *ui_spin_new(const char *name, double minimum, double step);
/** Its value, including a number that is still being typed. */
double ui_spin_get(GtkWidget *spin);

/** A small label of several lines, @width characters wide. */
GtkWidget *ui_note_new(int width);

G_END_DECLS
