/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/dialog/window.h"

#include <glib/gi18n-lib.h>
#include "plugin/work/place.h"

/* Pixels of the screen that the rest of the window and the desktop's panels need. */
#define REST 210
/* Of a message. */
#define MESSAGE_HEIGHT 88

static void
on_help(const char *help_id, gpointer data)
{
  gimp_help(PLACE_HELP_DOMAIN, help_id);
}

/* GIMP's own button is the only one yet. */
static void
explain_help(GtkWidget *widget, gpointer data)
{
  if (GTK_IS_BUTTON(widget))
    ui_set_tooltip(widget, _("Show the page that explains this dialog"));
  else if (GTK_IS_CONTAINER(widget))
    gtk_container_forall(GTK_CONTAINER(widget), explain_help, NULL);
}

GtkWidget *
window_new(const char *title, const char *role, const char *help_id, GString *mnemonics)
{
  GtkWidget *window = gimp_dialog_new(title, role, NULL, 0, on_help, help_id, NULL, NULL);

  /* It is in GIMP's own words. */
  ui_mnemonic_reserve(window, mnemonics);
  explain_help(window, NULL);
  gtk_window_set_resizable(GTK_WINDOW(window), TRUE);
  return window;
}

GtkWidget *
window_add_button(GtkWidget *window, const char *english, int response, const char *tooltip,
                  GString *mnemonics)
{
  g_autofree char *text = ui_mnemonic(english, mnemonics);
  GtkWidget *button = gtk_dialog_add_button(GTK_DIALOG(window), text, response);

  ui_set_tooltip(button, tooltip);
  return button;
}

void
window_hide(GtkWidget *window)
{
  gtk_widget_hide(window);
  gdk_display_flush(gtk_widget_get_display(window));
}

/* ---- a form that scrolls ---- */

GtkWidget *
window_scroll(GtkWidget *form)
{
  GtkWidget *scrolled = gtk_scrolled_window_new(NULL, NULL);

  gtk_scrolled_window_set_policy(GTK_SCROLLED_WINDOW(scrolled), GTK_POLICY_NEVER,
                                 GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_add_with_viewport(GTK_SCROLLED_WINDOW(scrolled), form);
  gtk_viewport_set_shadow_type(GTK_VIEWPORT(gtk_bin_get_child(GTK_BIN(scrolled))), GTK_SHADOW_NONE);
  return scrolled;
}

void
window_fit(GtkWidget *scrolled)
{
  GtkWidget *viewport = gtk_bin_get_child(GTK_BIN(scrolled));
  GtkWidget *form = gtk_bin_get_child(GTK_BIN(viewport));
  GdkScreen *screen = gtk_widget_get_screen(scrolled);
  GtkRequisition wanted;

#if GTK_MAJOR_VERSION >= 3
  gtk_widget_get_preferred_size(form, NULL, &wanted);
#else
  gtk_widget_size_request(form, &wanted);
#endif
  gtk_widget_set_size_request(scrolled, -1,
                              MIN(wanted.height, MAX(gdk_screen_get_height(screen) - REST, 200)));
}

/* ---- a message ---- */

GtkWidget *
window_message_new(int width)
{
  GtkWidget *place = ui_box(GTK_ORIENTATION_VERTICAL, 0),
            *bar = ui_box(GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *scrolled = gtk_scrolled_window_new(NULL, NULL), *label = ui_note_new(width);
  GtkWidget *icon = gtk_image_new();

  gtk_label_set_selectable(GTK_LABEL(label), TRUE);
  gtk_widget_set_can_focus(label, FALSE);
  gtk_scrolled_window_set_policy(GTK_SCROLLED_WINDOW(scrolled), GTK_POLICY_NEVER,
                                 GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_add_with_viewport(GTK_SCROLLED_WINDOW(scrolled), label);
  gtk_viewport_set_shadow_type(GTK_VIEWPORT(gtk_bin_get_child(GTK_BIN(scrolled))), GTK_SHADOW_NONE);
  gtk_box_pack_start(GTK_BOX(bar), icon, FALSE, FALSE, 0);
  gtk_box_pack_start(GTK_BOX(bar), scrolled, TRUE, TRUE, 0);
  gtk_box_pack_start(GTK_BOX(place), bar, TRUE, TRUE, 0);
  gtk_widget_set_size_request(place, -1, MESSAGE_HEIGHT);
  gtk_widget_show_all(bar);
  gtk_widget_hide(bar);
  gtk_widget_set_no_show_all(bar, TRUE);
  g_object_set_data(G_OBJECT(place), "ddim-bar", bar);
  g_object_set_data(G_OBJECT(place), "ddim-icon", icon);
  g_object_set_data(G_OBJECT(place), "ddim-label", label);
  return place;
}

void
window_message_show(GtkWidget *message, GtkMessageType type, const char *text)
{
  GtkWidget *bar = g_object_get_data(G_OBJECT(message), "ddim-bar");
  GtkWidget *icon = g_object_get_data(G_OBJECT(message), "ddim-icon");
  GtkWidget *label = g_object_get_data(G_OBJECT(message), "ddim-label");
  g_autofree char *sentence = ui_capitalise(text ? text : "");

  gtk_label_set_text(GTK_LABEL(label), sentence);
  /* Where there is more text than room, all of it can also be read here. */
  gtk_widget_set_tooltip_text(message, text ? sentence : NULL);
  gtk_image_set_from_icon_name(GTK_IMAGE(icon),
                               type == GTK_MESSAGE_ERROR     ? GIMP_ICON_DIALOG_ERROR
                               : type == GTK_MESSAGE_WARNING ? GIMP_ICON_DIALOG_WARNING
                                                             : GIMP_ICON_DIALOG_INFORMATION,
                               GTK_ICON_SIZE_LARGE_TOOLBAR);
  gtk_widget_set_visible(bar, text != NULL);
}

void
window_progress_show(GtkWidget *bar, GtkWidget *label, const char *status, double fraction)
{
  gtk_label_set_text(GTK_LABEL(label), status);
  if (fraction >= 0)
    gtk_progress_bar_set_fraction(GTK_PROGRESS_BAR(bar), MIN(fraction, 1));
  else
    gtk_progress_bar_pulse(GTK_PROGRESS_BAR(bar));
}
