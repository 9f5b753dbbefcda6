/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/dialog/size-choice.h"

#include <glib/gi18n-lib.h>
#include "plugin/image/size.h"

struct _SizeChoice {
  GtkWidget *fit, *width, *height, *note;
  guint target_width, target_height; /* 0: there is no image */
  guint stride, image_size;          /* of the model; 0 as long as it is not known */
};

static void
show_note(SizeChoice *choice)
{
  gboolean fit = gtk_toggle_button_get_active(GTK_TOGGLE_BUTTON(choice->fit));
  guint width = fit ? choice->target_width
                    : (guint)gtk_spin_button_get_value_as_int(GTK_SPIN_BUTTON(choice->width));
  guint height = fit ? choice->target_height
                     : (guint)gtk_spin_button_get_value_as_int(GTK_SPIN_BUTTON(choice->height));
  g_autofree char *note = NULL;

  gtk_widget_set_sensitive(choice->width, !fit);
  gtk_widget_set_sensitive(choice->height, !fit);
  if (choice->stride && width && height) {
    SizePlan plan = size_plan(width, height, choice->stride, choice->image_size);
    if (plan.scaled)
      note = g_strdup_printf(_("Sampled at %u × %u, then enlarged to %u × %u"), plan.sampled_width,
                             plan.sampled_height, width, height);
    else if (choice->image_size)
      note = g_strdup_printf(_("The model is made for images of %u × %u"), choice->image_size,
                             choice->image_size);
  }
  gtk_label_set_text(GTK_LABEL(choice->note), note ? note : "");
}

static void
show_size(SizeChoice *choice, int width, int height)
{
  gtk_spin_button_set_value(GTK_SPIN_BUTTON(choice->width), width);
  gtk_spin_button_set_value(GTK_SPIN_BUTTON(choice->height), height);
}

SizeChoice *
size_choice_new(UiRows *rows)
{
  SizeChoice *choice = g_new0(SizeChoice, 1);

  choice->fit = gtk_check_button_new();
  choice->width = ui_spin_new("width", 1, 8);
  choice->height = ui_spin_new("height", 1, 8);
  choice->note = ui_note_new(36);
  ui_rows_add_wide(rows, choice->fit);
  ui_rows_add(rows, _("Width"), choice->width, NULL, _("Width in pixels; any is possible"));
  ui_rows_add(rows, _("Height"), choice->height, NULL, _("Height in pixels; any is possible"));
  ui_rows_add_wide(rows, choice->note);
  g_signal_connect_swapped(choice->fit, "toggled", G_CALLBACK(show_note), choice);
  g_signal_connect_swapped(choice->width, "value-changed", G_CALLBACK(show_note), choice);
  g_signal_connect_swapped(choice->height, "value-changed", G_CALLBACK(show_note), choice);
  return choice;
}

void
size_choice_free(SizeChoice *choice)
{
  g_free(choice);
}

void
size_choice_set_model(SizeChoice *choice, const CatalogModel *model)
{
  choice->stride = model ? model->stride : 0;
  choice->image_size = model ? model->image_size : 0;
  show_note(choice);
}

void
size_choice_set_target(SizeChoice *choice, const Target *target)
{
  g_autofree char *text = NULL;

  choice->target_width = target->width;
  choice->target_height = target->height;
  if (target->mask)
    text = g_strdup_printf(_("As large as the selection (%u × %u)"), target->width, target->height);
  else if (target->width)
    text = g_strdup_printf(_("As large as the image (%u × %u)"), target->width, target->height);
  gtk_button_set_label(GTK_BUTTON(choice->fit), text ? text : _("As large as the model’s images"));
  if (gtk_toggle_button_get_active(GTK_TOGGLE_BUTTON(choice->fit)) && target->width)
    show_size(choice, target->width, target->height);
  show_note(choice);
}

void
size_choice_write(SizeChoice *choice, DdimRequest *request)
{
  int width, height;
  gboolean fit;

  g_object_get(request, "width", &width, "height", &height, NULL);
  fit = width <= 0 || height <= 0;
  gtk_toggle_button_set_active(GTK_TOGGLE_BUTTON(choice->fit), fit);
  if (!fit)
    show_size(choice, width, height);
  else if (choice->target_width)
    show_size(choice, choice->target_width, choice->target_height);
  show_note(choice);
}

void
size_choice_read(SizeChoice *choice, DdimRequest *request)
{
  gboolean fit = gtk_toggle_button_get_active(GTK_TOGGLE_BUTTON(choice->fit));

  g_object_set(request, "width", fit ? 0 : (int)ui_spin_get(choice->width), "height",
               fit ? 0 : (int)ui_spin_get(choice->height), NULL);
}
