/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/dialog/edit-form.h"

#include <glib/gi18n-lib.h>
#include "plugin/dialog/advanced.h"
#include "plugin/dialog/model-choice.h"
#include "plugin/image/layer-list.h"
#include "plugin/work/settings.h"

/* The control of one argument. */
typedef struct {
  const char *name;
  GtkWidget *control;
} Row;

struct _EditForm {
  const EditCommand *command;
  GtkWidget *widget;
  ModelChoice *model;
  Advanced *advanced;
  GArray *rows; /* of Row: those that neither of the two above has */
  GtkWidget *random_seed;
  UiChanged changed;
  gpointer user_data;
};

/* Those that few users need lie under “Advanced”. */
static const char *const hidden[] = {"context", "input-noise", NULL};
static const char *const of_model[] = {"model", "class", NULL};
static const char *const of_advanced[] = {"sampler", "eta", "device", "precision", NULL};

/* ---- reactions ---- */

static void
tell(EditForm *form)
{
  form->changed(form->user_data);
}

static void
on_model_changed(gpointer user_data)
{
  EditForm *form = user_data;

  if (!form->advanced)
    return;
  advanced_set_model(form->advanced, model_choice_get(form->model));
  tell(form);
}

static GtkWidget *
find_control(EditForm *form, const char *name)
{
  for (guint i = 0; i < form->rows->len; i++)
    if (g_str_equal(g_array_index(form->rows, Row, i).name, name))
      return g_array_index(form->rows, Row, i).control;
  return NULL;
}

static void
on_random_seed(GtkWidget *button, EditForm *form)
{
  gtk_widget_set_sensitive(find_control(form, "seed"),
                           !gtk_toggle_button_get_active(GTK_TOGGLE_BUTTON(button)));
  tell(form);
}

/* ---- building ---- */

static GtkWidget *
new_number(GParamSpec *pspec)
{
  GtkWidget *spin;
  double step = 1;

  if (G_IS_PARAM_SPEC_INT64(pspec))
    return ui_spin_new(pspec->name, 0, 1);
  if (G_IS_PARAM_SPEC_INT(pspec)) {
    spin = gtk_spin_button_new_with_range(G_PARAM_SPEC_INT(pspec)->minimum,
                                          G_PARAM_SPEC_INT(pspec)->maximum, step);
  } else {
    spin = gtk_spin_button_new_with_range(G_PARAM_SPEC_DOUBLE(pspec)->minimum,
                                          G_PARAM_SPEC_DOUBLE(pspec)->maximum, 0.05);
    gtk_spin_button_set_digits(GTK_SPIN_BUTTON(spin), 2);
  }
  gtk_entry_set_activates_default(GTK_ENTRY(spin), TRUE);
  return spin;
}

static GtkWidget *
new_color(void)
{
  GtkWidget *choice = ui_choice_new();

  ui_choice_add(choice, "", _("As the model likes"));
  ui_choice_add(choice, "foreground", _("The foreground color"));
  ui_choice_add(choice, "selection", _("The mean of what is selected"));
  return choice;
}

/* How the user reads what an option may be. */
static const struct {
  const char *option, *value, *text;
} words[] = {
    {"axis", "x", N_("Left and right")},
    {"axis", "y", N_("Top and bottom")},
    {"axis", "xy", N_("All edges")},
};

static const char *
find_words(const char *option, const char *value)
{
  for (guint i = 0; i < G_N_ELEMENTS(words); i++)
    if (g_str_equal(words[i].option, option) && g_str_equal(words[i].value, value))
      return _(words[i].text);
  return value;
}

static GtkWidget *
new_choice(const DdimOption *option)
{
  GtkWidget *choice = ui_choice_new();

  for (guint i = 0; option->choices[i]; i++)
    ui_choice_add(choice, option->choices[i], find_words(option->name, option->choices[i]));
  return choice;
}

/* A seed to type, or a layer to choose. */
static GtkWidget *
new_end(ImageRef image)
{
  GtkWidget *combo = gtk_combo_box_text_new_with_entry();
  g_autoptr(GPtrArray) layers = layer_list_new(image);

  for (guint i = 0; i < layers->len; i++) {
    const NamedLayer *named = g_ptr_array_index(layers, i);
    gtk_combo_box_text_append_text(GTK_COMBO_BOX_TEXT(combo), named->path);
  }
  gtk_entry_set_activates_default(GTK_ENTRY(gtk_bin_get_child(GTK_BIN(combo))), TRUE);
  return combo;
}

static GtkWidget *
new_control(GParamSpec *pspec, ImageRef image)
{
  const DdimOption *option = ddim_option_find(pspec->name);
  GtkWidget *entry;

  if (!G_IS_PARAM_SPEC_STRING(pspec))
    return new_number(pspec);
  if (option && option->choices)
    return new_choice(option);
  if (g_str_equal(pspec->name, "color"))
    return new_color();
  if (g_str_equal(pspec->name, "from") || g_str_equal(pspec->name, "to"))
    return new_end(image);
  entry = gtk_entry_new();
  gtk_entry_set_activates_default(GTK_ENTRY(entry), TRUE);
  return entry;
}

static void
add_random_seed(EditForm *form, UiRows *rows)
{
  form->random_seed = ui_check_new(N_("A new seed for every image"), rows->mnemonics,
                                   _("Every preview is then another picture"));
  ui_rows_add_wide(rows, form->random_seed);
  g_signal_connect(form->random_seed, "toggled", G_CALLBACK(on_random_seed), form);
}

static void
add_row(EditForm *form, UiRows *rows, const char *name, ImageRef image)
{
  GParamSpec *pspec = edit_command_get_pspec(form->command, name);
  const char *label = edit_command_get_label(form->command, name);
  g_autofree char *tooltip = ui_capitalise(g_param_spec_get_blurb(pspec));
  Row row = {.name = name};

  if (G_IS_PARAM_SPEC_BOOLEAN(pspec)) {
    row.control = ui_check_new(label, rows->mnemonics, tooltip);
    ui_rows_add_wide(rows, row.control);
    g_signal_connect_swapped(row.control, "toggled", G_CALLBACK(tell), form);
  } else {
    row.control = new_control(pspec, image);
    ui_rows_add(rows, label, row.control, NULL, tooltip);
    g_signal_connect_swapped(row.control,
                             GTK_IS_SPIN_BUTTON(row.control) ? "value-changed" : "changed",
                             G_CALLBACK(tell), form);
  }
  g_array_append_val(form->rows, row);
  if (g_str_equal(name, "seed"))
    add_random_seed(form, rows);
}

/* The rows of all arguments that are hidden, or those of the others. */
static void
add_rows(EditForm *form, UiRows *rows, gboolean advanced, ImageRef image)
{
  g_autofree const char **names = edit_command_list_arguments(form->command);

  for (guint i = 0; names[i]; i++)
    if (!g_strv_contains(of_model, names[i]) && !g_strv_contains(of_advanced, names[i]) &&
        g_strv_contains(hidden, names[i]) == advanced)
      add_row(form, rows, names[i], image);
}

EditForm *
edit_form_new(const EditCommand *command, ImageRef image, GString *mnemonics, UiChanged changed,
              UiProblem problem, gpointer user_data)
{
  EditForm *form = g_new0(EditForm, 1);
  GtkSizeGroup *labels = gtk_size_group_new(GTK_SIZE_GROUP_HORIZONTAL);
  UiRows *rows = ui_rows_new(mnemonics, labels), *more = ui_rows_new(mnemonics, labels);
  g_autofree char *advanced = ui_mnemonic(N_("Advanced"), mnemonics);
  GtkWidget *expander = advanced_expander_new(advanced);

  form->command = command;
  form->changed = changed;
  form->user_data = user_data;
  form->rows = g_array_new(FALSE, FALSE, sizeof(Row));
  form->widget = ui_box(GTK_ORIENTATION_VERTICAL, 12);
  form->model = model_choice_new(rows, CLASS_AUTOMATIC, on_model_changed, form, problem, user_data);
  add_rows(form, rows, FALSE, image);
  add_rows(form, more, TRUE, image);
  form->advanced =
      advanced_new(more, ddim_option_is_for(ddim_option_find("sampler"), command->command), changed,
                   problem, user_data);
  g_signal_connect_swapped(expander, "notify::expanded", G_CALLBACK(tell), form);
  gtk_container_add(GTK_CONTAINER(expander), more->widget);
  gtk_box_pack_start(GTK_BOX(form->widget), rows->widget, FALSE, FALSE, 0);
  gtk_box_pack_start(GTK_BOX(form->widget), expander, FALSE, FALSE, 0);
  ui_rows_free(rows);
  ui_rows_free(more);
  g_object_unref(labels);
  return form;
}

void
edit_form_free(EditForm *form)
{
  model_choice_free(form->model);
  advanced_free(form->advanced);
  g_array_unref(form->rows);
  g_free(form);
}

GtkWidget *
edit_form_get_widget(EditForm *form)
{
  return form->widget;
}

const CatalogModel *
edit_form_get_model(EditForm *form)
{
  return model_choice_get(form->model);
}

void
edit_form_refresh(EditForm *form)
{
  model_choice_refresh(form->model);
}

/* ---- values ---- */

static GtkEntry *
get_entry(GtkWidget *control)
{
  return GTK_ENTRY(GTK_IS_ENTRY(control) ? control : gtk_bin_get_child(GTK_BIN(control)));
}

static gboolean
is_choice(const Row *row)
{
  return GTK_IS_COMBO_BOX(row->control) &&
         !gtk_combo_box_get_has_entry(GTK_COMBO_BOX(row->control));
}

static void
write_row(EditForm *form, const Row *row, const EditSettings *settings)
{
  g_auto(GValue) value = G_VALUE_INIT;

  if (GTK_IS_TOGGLE_BUTTON(row->control)) {
    g_value_init(&value, G_TYPE_BOOLEAN);
    edit_settings_get_value(settings, row->name, &value);
    gtk_toggle_button_set_active(GTK_TOGGLE_BUTTON(row->control), g_value_get_boolean(&value));
  } else if (g_str_equal(row->name, "seed")) {
    gint64 seed;
    g_object_get(settings->request, "seed", &seed, NULL);
    gtk_toggle_button_set_active(GTK_TOGGLE_BUTTON(form->random_seed), seed < 0);
    on_random_seed(form->random_seed, form);
    edit_form_set_seed(form, seed < 0 ? (gint64)(g_random_int() & G_MAXINT32) : seed);
  } else if (GTK_IS_SPIN_BUTTON(row->control)) {
    g_value_init(&value, G_TYPE_DOUBLE);
    edit_settings_get_value(settings, row->name, &value);
    gtk_spin_button_set_value(GTK_SPIN_BUTTON(row->control), g_value_get_double(&value));
  } else {
    const char *text;
    g_value_init(&value, G_TYPE_STRING);
    edit_settings_get_value(settings, row->name, &value);
    text = g_value_get_string(&value) ? g_value_get_string(&value) : "";
    if (is_choice(row))
      ui_choice_set_or_add(row->control, text);
    else
      gtk_entry_set_text(get_entry(row->control), text);
  }
}

void
edit_form_write(EditForm *form, const EditSettings *settings)
{
  model_choice_write(form->model, settings->request);
  advanced_write(form->advanced, settings->request);
  for (guint i = 0; i < form->rows->len; i++)
    write_row(form, &g_array_index(form->rows, Row, i), settings);
}

static gboolean
read_row(EditForm *form, const Row *row, EditSettings *settings, GError **error)
{
  g_auto(GValue) value = G_VALUE_INIT;

  if (GTK_IS_TOGGLE_BUTTON(row->control)) {
    g_value_init(&value, G_TYPE_BOOLEAN);
    g_value_set_boolean(&value, gtk_toggle_button_get_active(GTK_TOGGLE_BUTTON(row->control)));
  } else if (GTK_IS_SPIN_BUTTON(row->control)) {
    g_value_init(&value, G_TYPE_DOUBLE);
    g_value_set_double(&value,
                       g_str_equal(row->name, "seed") &&
                               gtk_toggle_button_get_active(GTK_TOGGLE_BUTTON(form->random_seed))
                           ? -1
                           : ui_spin_get(row->control));
  } else {
    g_value_init(&value, G_TYPE_STRING);
    if (is_choice(row))
      g_value_take_string(&value, ui_choice_get(row->control));
    else
      g_value_set_string(&value, gtk_entry_get_text(get_entry(row->control)));
  }
  return edit_settings_set_value(settings, row->name, &value, error);
}

gboolean
edit_form_read(EditForm *form, EditSettings *settings, GError **error)
{
  model_choice_read(form->model, settings->request);
  advanced_read(form->advanced, settings->request);
  for (guint i = 0; i < form->rows->len; i++)
    if (!read_row(form, &g_array_index(form->rows, Row, i), settings, error))
      return FALSE;
  return TRUE;
}

void
edit_form_set_seed(EditForm *form, gint64 seed)
{
  gtk_spin_button_set_value(GTK_SPIN_BUTTON(find_control(form, "seed")), seed);
}
