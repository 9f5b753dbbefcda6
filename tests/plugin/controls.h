/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/** What every dialog must be like, in the language of the environment, without a GIMP. */

/** Begin: as gtk_init() and g_test_init(), with the catalogs in $DDIM_TEST_CATALOGS. */
void controls_init(int *argc, char ***argv);
/** Whether texts are those of the sources. */
gboolean controls_are_english(void);

/** What was found. */
typedef struct {
  guint n_controls;
  GString *letters; /**< that press something together with Alt */
} Controls;

/** Every control in @window has a tooltip; no two have the same letter, and letters stand where
 * GIMP has them. What is wrong is told, and fails the test. (transfer full) */
Controls *controls_check(GtkWidget *window);
void controls_free(Controls *controls);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Controls, controls_free)

/** The same of one text with its mnemonic, whose letter is noted in @letters. */
void controls_check_text(const char *text, GString *letters);

/** If $DDIM_TEST_SHOW is set: show @window, print "NAME is shown", and go on after a line of
 * standard input, so that a picture can be taken. */
void controls_show(GtkWidget *window, const char *name);

G_END_DECLS
