/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/dialog/color-choice.h"

#include <glib/gi18n-lib.h>
#include "plugin/image/color.h"

/* The choices that are not a color themselves. */
#define FOREGROUND "foreground"
#define MEAN "mean"

struct _ColorChoice {
  GtkWidget *combo;
  ImageRef image;
  DrawableRef drawable;
  UiChanged changed;
  gpointer user_data;
};

static void
on_changed(GtkWidget *combo, ColorChoice *choice)
{
  choice->changed(choice->user_data);
}

ColorChoice *
color_choice_new(UiRows *rows, UiChanged changed, gpointer user_data)
{
  ColorChoice *choice = g_new0(ColorChoice, 1);

  choice->changed = changed;
  choice->user_data = user_data;
  choice->image = NO_IMAGE;
  choice->drawable = NO_DRAWABLE;
  choice->combo = ui_choice_new();
  ui_choice_add(choice->combo, "", _("As the model likes"));
  ui_choice_add(choice->combo, FOREGROUND, _("The foreground color"));
  ui_choice_add(choice->combo, MEAN, _("The mean of what is selected"));
  ui_rows_add(rows, N_("Mean color"), choice->combo, NULL,
              _("The mean color of the image: leave it to the model, or take GIMP’s foreground "
                "color, or what the active layer has where the selection is"));
  g_signal_connect(choice->combo, "changed", G_CALLBACK(on_changed), choice);
  return choice;
}

void
color_choice_free(ColorChoice *choice)
{
  g_free(choice);
}

void
color_choice_set_target(ColorChoice *choice, const Target *target)
{
  choice->image = target->image;
  choice->drawable = target->drawable;
}

void
color_choice_write(ColorChoice *choice, DdimRequest *request)
{
  g_autofree char *color = NULL;

  g_object_get(request, "color", &color, NULL);
  ui_choice_set_or_add(choice->combo, color ? color : "");
}

void
color_choice_read(ColorChoice *choice, DdimRequest *request)
{
  g_autofree char *color = ui_choice_get(choice->combo);

  if (g_str_equal(color, FOREGROUND)) {
    g_free(color);
    color = color_of_foreground();
  } else if (g_str_equal(color, MEAN)) {
    g_free(color);
    color = color_of_selection(choice->image, choice->drawable);
  }
  g_object_set(request, "color", color && *color ? color : NULL, NULL);
}
