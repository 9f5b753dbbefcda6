/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/dialog/form.h"

#include <glib/gi18n-lib.h>
#include "core/job/recommended.h"
#include "plugin/dialog/advanced.h"
#include "plugin/dialog/color-choice.h"
#include "plugin/dialog/model-choice.h"
#include "plugin/dialog/size-choice.h"

struct _Form {
  GtkWidget *widget;
  ModelChoice *model;
  SizeChoice *size;
  ColorChoice *color;
  Advanced *advanced;
  GtkWidget *expander, *preset, *respacing, *count, *seed, *random_seed;
  gboolean writing; /* the program, not the user, changes values */
  UiChanged changed;
  UiProblem problem;
  gpointer user_data;
};

static const struct {
  const char *steps, *text;
} presets[] = {
    {DDIM_STEPS_AUTO, N_("As suits the model")},
    {"10", N_("10: a quick draft")},
    {"25", N_("25: good")},
    {"50", N_("50: finer")},
    {"100", N_("100: finest")},
    {"250", N_("250: as published")},
    {"", N_("Other (see Advanced)")},
};

/* ---- reactions ---- */

static void
on_changed(gpointer user_data)
{
  Form *form = user_data;

  if (!form->writing)
    form->changed(form->user_data);
}

static void
on_model_changed(gpointer user_data)
{
  Form *form = user_data;

  if (form->advanced)
    advanced_set_model(form->advanced, model_choice_get(form->model));
  on_changed(form);
}

static void
on_problem(const char *message, gpointer user_data)
{
  Form *form = user_data;

  form->problem(message, form->user_data);
}

static void
on_new_seed(GtkWidget *button, Form *form)
{
  form_set_seed(form, g_random_int() & G_MAXINT32);
  gtk_toggle_button_set_active(GTK_TOGGLE_BUTTON(form->random_seed), FALSE);
}

static void
on_random_seed(GtkWidget *button, Form *form)
{
  gtk_widget_set_sensitive(form->seed, !gtk_toggle_button_get_active(GTK_TOGGLE_BUTTON(button)));
  on_changed(form);
}

static void
on_preset(GtkWidget *combo, Form *form)
{
  g_autofree char *steps = ui_choice_get(combo);

  if (*steps)
    gtk_entry_set_text(GTK_ENTRY(form->respacing), steps);
}

static void
on_respacing(GtkWidget *entry, Form *form)
{
  if (!ui_choice_set(form->preset, gtk_entry_get_text(GTK_ENTRY(entry))))
    ui_choice_set(form->preset, "");
  on_changed(form);
}

/* ---- building ---- */

static void
build_steps(Form *form, UiRows *rows)
{
  form->preset = ui_choice_new();
  for (guint i = 0; i < G_N_ELEMENTS(presets); i++)
    ui_choice_add(form->preset, presets[i].steps, _(presets[i].text));
  ui_rows_add(rows, N_("Steps"), form->preset, NULL,
              _("More steps take longer and give finer detail"));
  g_signal_connect(form->preset, "changed", G_CALLBACK(on_preset), form);
}

static void
build_seed(Form *form, UiRows *rows)
{
  GtkWidget *new_seed = gtk_button_new();
  g_autofree char *new_text = NULL;

  form->seed = ui_spin_new("seed", 0, 1);
  gtk_entry_set_width_chars(GTK_ENTRY(form->seed), 12);
  ui_rows_add(rows, N_("Seed"), form->seed, ui_pack(form->seed, new_seed),
              _("The same seed and settings make the same image again"));
  new_text = ui_mnemonic(N_("New Seed"), rows->mnemonics);
  gtk_button_set_use_underline(GTK_BUTTON(new_seed), TRUE);
  gtk_button_set_label(GTK_BUTTON(new_seed), new_text);
  ui_set_tooltip(new_seed, _("Show another image: choose a seed at random"));
  form->random_seed = ui_check_new(N_("A new seed for every image"), rows->mnemonics,
                                   _("After an image was made the next one gets another seed"));
  ui_rows_add_wide(rows, form->random_seed);
  g_signal_connect(new_seed, "clicked", G_CALLBACK(on_new_seed), form);
  g_signal_connect_swapped(form->seed, "value-changed", G_CALLBACK(on_changed), form);
  g_signal_connect(form->random_seed, "toggled", G_CALLBACK(on_random_seed), form);
}

/* @text  with its mnemonic */
static void
build_advanced(Form *form, const char *text, UiRows *rows)
{
  form->expander = advanced_expander_new(text);
  form->respacing = gtk_entry_new();
  gtk_entry_set_activates_default(GTK_ENTRY(form->respacing), TRUE);
  ui_rows_add(
      rows, N_("Which steps"), form->respacing, NULL,
      _("The model was trained in many small steps; only some of them are taken. Give how many in "
        "all (25), how many of each of several equal parts of the training (10,15,20), or, evenly "
        "spaced as in the DDIM paper, ddim50"));
  g_signal_connect(form->respacing, "changed", G_CALLBACK(on_respacing), form);
  form->advanced = advanced_new(rows, TRUE, on_changed, on_problem, form);
  gtk_container_add(GTK_CONTAINER(form->expander), rows->widget);
}

Form *
form_new(GString *mnemonics, UiChanged changed, UiProblem problem, gpointer user_data)
{
  Form *form = g_new0(Form, 1);
  GtkSizeGroup *labels = gtk_size_group_new(GTK_SIZE_GROUP_HORIZONTAL);
  UiRows *rows = ui_rows_new(mnemonics, labels), *more = ui_rows_new(mnemonics, labels);
  /* Done first, while its letters are still free. */
  g_autofree char *advanced = ui_mnemonic(N_("Advanced"), mnemonics);

  form->changed = changed;
  form->problem = problem;
  form->user_data = user_data;
  form->widget = ui_box(GTK_ORIENTATION_VERTICAL, 12);
  form->model = model_choice_new(rows, CLASS_RANDOM, on_model_changed, form, on_problem, form);
  form->color = color_choice_new(rows, on_changed, form);
  build_steps(form, rows);
  form->size = size_choice_new(rows, on_changed, form);
  form->count = ui_spin_new("count", 1, 1);
  ui_rows_add(rows, N_("Variations"), form->count, NULL,
              _("How many images to make; several become a layer group"));
  g_signal_connect_swapped(form->count, "value-changed", G_CALLBACK(on_changed), form);
  build_seed(form, rows);
  build_advanced(form, advanced, more);
  gtk_box_pack_start(GTK_BOX(form->widget), rows->widget, FALSE, FALSE, 0);
  gtk_box_pack_start(GTK_BOX(form->widget), form->expander, FALSE, FALSE, 0);
  ui_rows_free(rows);
  ui_rows_free(more);
  g_object_unref(labels);
  return form;
}

void
form_free(Form *form)
{
  model_choice_free(form->model);
  color_choice_free(form->color);
  size_choice_free(form->size);
  advanced_free(form->advanced);
  g_free(form);
}

GtkWidget *
form_get_widget(Form *form)
{
  return form->widget;
}

void
form_grab_focus(Form *form)
{
  model_choice_grab_focus(form->model);
}

/* ---- values ---- */

void
form_set_target(Form *form, const Target *target)
{
  color_choice_set_target(form->color, target);
  size_choice_set_target(form->size, target);
}

void
form_set_seed(Form *form, gint64 seed)
{
  gtk_spin_button_set_value(GTK_SPIN_BUTTON(form->seed), seed);
}

gint64
form_get_seed(Form *form)
{
  return (gint64)ui_spin_get(form->seed);
}

void
form_refresh(Form *form)
{
  model_choice_refresh(form->model);
}

const CatalogModel *
form_get_model(Form *form)
{
  return model_choice_get(form->model);
}

ClassChoice *
form_get_class(Form *form)
{
  return model_choice_get_class(form->model);
}

GtkWidget *
form_get_expander(Form *form)
{
  return form->expander;
}

void
form_write(Form *form, DdimRequest *request)
{
  g_autofree char *steps = NULL;
  gint64 seed;
  int count;

  g_object_get(request, "steps", &steps, "count", &count, "seed", &seed, NULL);
  form->writing = TRUE;
  model_choice_write(form->model, request);
  color_choice_write(form->color, request);
  size_choice_write(form->size, request);
  advanced_write(form->advanced, request);
  gtk_entry_set_text(GTK_ENTRY(form->respacing), steps);
  on_respacing(form->respacing, form);
  gtk_spin_button_set_value(GTK_SPIN_BUTTON(form->count), count);
  gtk_toggle_button_set_active(GTK_TOGGLE_BUTTON(form->random_seed), seed < 0);
  on_random_seed(form->random_seed, form);
  form_set_seed(form, seed < 0 ? (gint64)(g_random_int() & G_MAXINT32) : seed);
  form->writing = FALSE;
  on_changed(form);
}

gboolean
form_read(Form *form, DdimRequest *request, GError **error)
{
  gboolean random = gtk_toggle_button_get_active(GTK_TOGGLE_BUTTON(form->random_seed));

  model_choice_read(form->model, request);
  color_choice_read(form->color, request);
  size_choice_read(form->size, request);
  advanced_read(form->advanced, request);
  g_object_set(request, "count", (int)ui_spin_get(form->count), "seed",
               random ? (gint64)-1 : form_get_seed(form), NULL);
  return ddim_request_set_from_string(request, "steps",
                                      gtk_entry_get_text(GTK_ENTRY(form->respacing)), error);
}
