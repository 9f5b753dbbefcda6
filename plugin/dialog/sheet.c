/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/dialog/sheet.h"

#include <glib/gi18n-lib.h>
#include "plugin/layers/layers.h"

struct _Sheet {
  GtkWidget *widget, *preview, *keep;
  GArray *layers; /* (nullable) of the pictures */
  UiChanged kept;
  gpointer user_data;
};

static void
on_chosen(gpointer user_data)
{
  Sheet *sheet = user_data;
  guint n = preview_count_chosen(sheet->preview);

  gtk_widget_set_sensitive(sheet->keep, sheet->layers && n > 0 && n < sheet->layers->len);
}

static void
on_keep(GtkWidget *button, Sheet *sheet)
{
  g_autoptr(GArray) layers = g_steal_pointer(&sheet->layers);
  g_autofree gboolean *keep = NULL;

  if (!layers)
    return;
  keep = g_new0(gboolean, layers->len);
  for (guint i = 0; i < layers->len; i++)
    keep[i] = preview_is_chosen(sheet->preview, i);
  layers_keep(layers, keep);
  gimp_displays_flush();
  preview_set_choosing(sheet->preview, FALSE);
  gtk_widget_set_sensitive(sheet->keep, FALSE);
  sheet->kept(sheet->user_data);
}

Sheet *
sheet_new(GString *mnemonics, UiChanged kept, gpointer user_data)
{
  Sheet *sheet = g_new0(Sheet, 1);
  g_autofree char *text = ui_mnemonic(N_("Keep Only the Chosen"), mnemonics);

  sheet->kept = kept;
  sheet->user_data = user_data;
  sheet->widget = ui_box(GTK_ORIENTATION_VERTICAL, 6);
  sheet->preview = preview_new();
  preview_set_chosen(sheet->preview, on_chosen, sheet);
  sheet->keep = gtk_button_new_with_mnemonic(text);
  ui_set_tooltip(sheet->keep,
                 _("Of several variations, remove the layers that are not chosen in the "
                   "preview"));
  gtk_box_pack_start(GTK_BOX(sheet->widget), sheet->preview, TRUE, TRUE, 0);
  gtk_box_pack_start(GTK_BOX(sheet->widget), sheet->keep, FALSE, FALSE, 0);
  gtk_widget_set_sensitive(sheet->keep, FALSE);
  g_signal_connect(sheet->keep, "clicked", G_CALLBACK(on_keep), sheet);
  return sheet;
}

void
sheet_free(Sheet *sheet)
{
  g_clear_pointer(&sheet->layers, g_array_unref);
  g_free(sheet);
}

GtkWidget *
sheet_get_widget(Sheet *sheet)
{
  return sheet->widget;
}

void
sheet_begin(Sheet *sheet, guint n)
{
  preview_begin(sheet->preview, n);
  g_clear_pointer(&sheet->layers, g_array_unref);
  gtk_widget_set_sensitive(sheet->keep, FALSE);
}

void
sheet_show(Sheet *sheet, guint index, const DdimImage *image)
{
  preview_show_at(sheet->preview, index, image);
}

void
sheet_show_result(Sheet *sheet, guint index, const WorkerImage *image)
{
  g_autoptr(DdimImage) picture = NULL;

  if (index >= PREVIEW_MAX_PICTURES)
    return;
  picture = worker_image_to_picture(image, NULL);
  if (picture)
    preview_show_at(sheet->preview, index, picture);
}

void
sheet_take_layers(Sheet *sheet, GArray *layers)
{
  g_clear_pointer(&sheet->layers, g_array_unref);
  sheet->layers = layers;
  /* What is not shown could not be chosen either. */
  preview_set_choosing(sheet->preview, layers->len <= PREVIEW_MAX_PICTURES);
}

gboolean
sheet_has_layers(Sheet *sheet)
{
  return sheet->layers != NULL;
}
