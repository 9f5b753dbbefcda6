/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/dialog/size-choice.h"

#include <glib/gi18n-lib.h>

struct _SizeChoice {
  GtkWidget *fit, *width, *height, *seamless, *scale;
  Target target; /* the last one, without its mask */
  UiChanged changed;
  gpointer user_data;
};

static void
on_changed(SizeChoice *choice)
{
  gboolean fit = gtk_toggle_button_get_active(GTK_TOGGLE_BUTTON(choice->fit));

  gtk_widget_set_sensitive(choice->width, !fit);
  gtk_widget_set_sensitive(choice->height, !fit);
  choice->changed(choice->user_data);
}

static void
show_size(SizeChoice *choice, int width, int height)
{
  gtk_spin_button_set_value(GTK_SPIN_BUTTON(choice->width), width);
  gtk_spin_button_set_value(GTK_SPIN_BUTTON(choice->height), height);
}

SizeChoice *
size_choice_new(UiRows *rows, UiChanged changed, gpointer user_data)
{
  SizeChoice *choice = g_new0(SizeChoice, 1);

  choice->changed = changed;
  choice->user_data = user_data;
  choice->fit = gtk_check_button_new();
  ui_set_tooltip(choice->fit, _("Make the image as large as the selection, or, when nothing is "
                                "selected, as the whole image"));
  choice->width = ui_spin_new("width", 1, 8);
  choice->height = ui_spin_new("height", 1, 8);
  choice->scale = ui_spin_new("scale", 1, 1);
  choice->seamless = ui_choice_new();
  ui_choice_add(choice->seamless, "none", _("No"));
  ui_choice_add(choice->seamless, "x", _("Side by side"));
  ui_choice_add(choice->seamless, "y", _("One above the other"));
  ui_choice_add(choice->seamless, "xy", _("In both directions"));
  ui_rows_add_wide(rows, choice->fit);
  ui_rows_add(rows, N_("Width"), choice->width, NULL, _("Width in pixels"));
  ui_rows_add(rows, N_("Height"), choice->height, NULL, _("Height in pixels"));
  ui_rows_add(
      rows, N_("Feature scale"), choice->scale, NULL,
      _("How many times as large features become: a smaller image is made and then enlarged "
        "by the model, which adds detail"));
  ui_rows_add(rows, N_("Seamless"), choice->seamless, NULL,
              _("Whether copies of the image fit together without a seam, as a pattern needs it"));
  g_signal_connect_swapped(choice->seamless, "changed", G_CALLBACK(on_changed), choice);
  g_signal_connect_swapped(choice->fit, "toggled", G_CALLBACK(on_changed), choice);
  g_signal_connect_swapped(choice->width, "value-changed", G_CALLBACK(on_changed), choice);
  g_signal_connect_swapped(choice->height, "value-changed", G_CALLBACK(on_changed), choice);
  g_signal_connect_swapped(choice->scale, "value-changed", G_CALLBACK(on_changed), choice);
  return choice;
}

void
size_choice_free(SizeChoice *choice)
{
  g_free(choice);
}

static gboolean
is_other_selection(const Target *a, const Target *b)
{
  return b->selected && (!a->selected || a->x != b->x || a->y != b->y || a->width != b->width ||
                         a->height != b->height);
}

void
size_choice_set_target(SizeChoice *choice, const Target *target)
{
  g_autofree char *text = NULL;

  /* What was selected just now is what is meant, and not a size given earlier. */
  if (is_other_selection(&choice->target, target))
    gtk_toggle_button_set_active(GTK_TOGGLE_BUTTON(choice->fit), TRUE);
  choice->target = *target;
  choice->target.mask = NULL;
  if (target->selected)
    text = g_strdup_printf(_("As large as the selection (%u × %u)"), target->width, target->height);
  else if (target->width)
    text = g_strdup_printf(_("As large as the image (%u × %u)"), target->width, target->height);
  gtk_button_set_label(GTK_BUTTON(choice->fit), text ? text : _("As large as the model’s images"));
  if (gtk_toggle_button_get_active(GTK_TOGGLE_BUTTON(choice->fit)) && target->width)
    show_size(choice, target->width, target->height);
  on_changed(choice);
}

void
size_choice_write(SizeChoice *choice, DdimRequest *request)
{
  g_autofree char *seamless = NULL;
  int width, height, scale;
  gboolean fit;

  g_object_get(request, "width", &width, "height", &height, "scale", &scale, "seamless", &seamless,
               NULL);
  ui_choice_set(choice->seamless, seamless ? seamless : "none");
  fit = width <= 0 || height <= 0;
  gtk_toggle_button_set_active(GTK_TOGGLE_BUTTON(choice->fit), fit);
  if (!fit)
    show_size(choice, width, height);
  else if (choice->target.width)
    show_size(choice, choice->target.width, choice->target.height);
  gtk_spin_button_set_value(GTK_SPIN_BUTTON(choice->scale), MAX(scale, 1));
  on_changed(choice);
}

void
size_choice_read(SizeChoice *choice, DdimRequest *request)
{
  gboolean fit = gtk_toggle_button_get_active(GTK_TOGGLE_BUTTON(choice->fit));
  g_autofree char *seamless = ui_choice_get(choice->seamless);
  int scale = (int)ui_spin_get(choice->scale);

  g_object_set(request, "width", fit ? 0 : (int)ui_spin_get(choice->width), "height",
               fit ? 0 : (int)ui_spin_get(choice->height), "scale", scale > 1 ? scale : 0,
               "seamless", seamless, NULL);
}
