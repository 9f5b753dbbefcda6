/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "form.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include "catalog.h"
#include "core/models.h"
#include "opencl/device.h"
#include "settings.h"

#define NOTE_WIDTH 40

struct _Form {
  GtkWidget *widget;
  GtkWidget *model, *model_note, *class, *preset, *fit, *width, *height, *size_note, *count, *seed,
      *random_seed;
  GtkWidget *respacing, *sampler, *model_eta, *eta, *device, *precision; /* Advanced */

  FormProblem problem;
  gpointer problem_data;
  GCancellable *cancellable;                         /* of the lists being made */
  guint n_pending;                                   /* how many that are */
  GPtrArray *models;                                 /* (nullable) of CatalogModel */
  char *wanted_model, *wanted_class, *wanted_device; /* chosen before their lists are there */
  guint target_width, target_height;
  gboolean folder_opened; /* models may have come */
  gboolean writing;       /* the program, not the user, changes the model */
};

static const struct {
  const char *steps, *text;
} presets[] = {
    {"10", N_("10: a quick draft")},  {"25", N_("25: good")},
    {"50", N_("50: finer")},          {"100", N_("100: finest")},
    {"250", N_("250: as published")}, {"", N_("Other (see Advanced)")},
};

/* ---- what depends on the model ---- */

static const CatalogModel *
get_model(Form *form)
{
  g_autofree char *name = ui_choice_get(form->model);

  for (guint i = 0; form->models && i < form->models->len; i++) {
    const CatalogModel *model = g_ptr_array_index(form->models, i);
    if (g_str_equal(model->name, *name ? name : DDIM_DEFAULT_MODEL))
      return model;
  }
  return NULL;
}

static void
show_size(Form *form)
{
  const CatalogModel *model = get_model(form);
  gboolean fit = gtk_toggle_button_get_active(GTK_TOGGLE_BUTTON(form->fit));
  guint width = fit ? form->target_width
                    : (guint)gtk_spin_button_get_value_as_int(GTK_SPIN_BUTTON(form->width));
  guint height = fit ? form->target_height
                     : (guint)gtk_spin_button_get_value_as_int(GTK_SPIN_BUTTON(form->height));
  g_autofree char *note = NULL;

  gtk_widget_set_sensitive(form->width, !fit);
  gtk_widget_set_sensitive(form->height, !fit);
  if (model && model->stride && width && height) {
    SizePlan plan = size_plan(width, height, model->stride);
    if (plan.scaled)
      note = g_strdup_printf(_("Sampled at %u × %u, then enlarged to %u × %u"), plan.sampled_width,
                             plan.sampled_height, width, height);
    else if (model->image_size)
      note = g_strdup_printf(_("The model is made for images of %u × %u"), model->image_size,
                             model->image_size);
  }
  gtk_label_set_text(GTK_LABEL(form->size_note), note ? note : "");
}

static void
show_eta(Form *form)
{
  const CatalogModel *model = get_model(form);
  g_autofree char *sampler = ui_choice_get(form->sampler);
  gboolean ddim = g_str_equal(sampler, "ddim");
  gboolean suits = gtk_toggle_button_get_active(GTK_TOGGLE_BUTTON(form->model_eta));

  gtk_widget_set_sensitive(form->model_eta, ddim);
  gtk_widget_set_sensitive(form->eta, ddim && !suits);
  if (suits && model)
    gtk_spin_button_set_value(GTK_SPIN_BUTTON(form->eta), model->eta);
}

static void
show_classes(Form *form)
{
  const CatalogModel *model = get_model(form);
  GtkComboBoxText *combo = GTK_COMBO_BOX_TEXT(form->class);
  GtkWidget *entry = gtk_bin_get_child(GTK_BIN(form->class));

  gtk_list_store_clear(GTK_LIST_STORE(gtk_combo_box_get_model(GTK_COMBO_BOX(combo))));
  gtk_combo_box_text_append_text(combo, _("Random"));
  for (guint i = 0; model && model->classes[i]; i++)
    gtk_combo_box_text_append_text(combo, model->classes[i]);
  gtk_entry_set_text(GTK_ENTRY(entry), form->wanted_class ? form->wanted_class : _("Random"));
  gtk_widget_set_sensitive(form->class, !model || model->error || model->classes[0]);
}

static void
on_model_changed(GtkWidget *combo, Form *form)
{
  const CatalogModel *model = get_model(form);

  if (form->writing)
    return;
  gtk_label_set_text(GTK_LABEL(form->model_note), !model               ? ""
                                                  : model->error       ? model->error
                                                  : model->description ? model->description
                                                                       : "");
  g_clear_pointer(&form->wanted_class, g_free);
  show_classes(form);
  show_size(form);
  show_eta(form);
}

/* ---- lists that come from threads ---- */

static char *
describe_model(const CatalogModel *model)
{
  g_autofree char *size = g_format_size(model->size);

  return model->license ? g_strdup_printf("%s (%s, %s)", model->name, size, model->license)
                        : g_strdup_printf("%s (%s)", model->name, size);
}

static void
on_models(GObject *source, GAsyncResult *async_result, gpointer user_data)
{
  GPtrArray *models = catalog_models_finish(async_result, NULL);
  Form *form = user_data;
  const char *wanted;

  form->n_pending--;
  if (!models) /* cancelled: the widgets are gone */
    return;
  g_clear_pointer(&form->models, g_ptr_array_unref);
  form->models = models;
  wanted = form->wanted_model ? form->wanted_model : DDIM_DEFAULT_MODEL;
  form->writing = TRUE;
  ui_choice_clear(form->model);
  for (guint i = 0; i < models->len; i++) {
    const CatalogModel *model = g_ptr_array_index(models, i);
    g_autofree char *text = describe_model(model);
    ui_choice_add(form->model, model->name, text);
  }
  if (!ui_choice_set(form->model, wanted)) {
    ui_choice_add(form->model, wanted, wanted);
    ui_choice_set(form->model, wanted);
  }
  form->writing = FALSE;
  {
    g_autofree char *class = g_strdup(form->wanted_class);
    on_model_changed(form->model, form);
    form->wanted_class = g_steal_pointer(&class);
    show_classes(form);
  }
}

static void
on_devices(GObject *source, GAsyncResult *async_result, gpointer user_data)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) devices = catalog_devices_finish(async_result, &error);
  Form *form = user_data;

  form->n_pending--;
  if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (error)
    form->problem(error->message, form->problem_data);
  for (guint i = 0; devices && i < devices->len; i++) {
    const DdimDeviceInfo *device = g_ptr_array_index(devices, i);
    g_autofree char *id = g_strdup(device->name);
    g_autofree char *text = g_strdup_printf("%s (%s)", device->name, device->platform);
    for (guint j = 0; j < devices->len; j++)
      if (j != i && strstr(((DdimDeviceInfo *)g_ptr_array_index(devices, j))->name, device->name)) {
        g_free(id);
        id = g_strdup_printf("%u", device->index);
      }
    ui_choice_add(form->device, id, text);
  }
  if (form->wanted_device && !ui_choice_set(form->device, form->wanted_device)) {
    ui_choice_add(form->device, form->wanted_device, form->wanted_device);
    ui_choice_set(form->device, form->wanted_device);
  }
}

static void
load_models(Form *form)
{
  if (form->models) {
    g_free(form->wanted_model);
    form->wanted_model = ui_choice_get(form->model);
    g_free(form->wanted_class);
    form->wanted_class = gtk_combo_box_text_get_active_text(GTK_COMBO_BOX_TEXT(form->class));
  }
  form->n_pending++;
  catalog_models_async(form->cancellable, on_models, form);
}

void
form_refresh(Form *form)
{
  if (form->folder_opened)
    load_models(form);
  form->folder_opened = FALSE;
}

/* ---- small reactions ---- */

static void
on_open_folder(GtkWidget *button, Form *form)
{
  g_autofree char *folder = g_build_filename(g_get_user_data_dir(), "ddim", "models", NULL);
  g_autofree char *uri = g_filename_to_uri(folder, NULL, NULL);
  g_autoptr(GError) error = NULL;

  g_mkdir_with_parents(folder, 0755);
  form->folder_opened = TRUE;
  if (!g_app_info_launch_default_for_uri(uri, NULL, &error)) {
    g_autofree char *message = g_strdup_printf(
        _("The models folder is %s; it cannot be opened here: %s"), folder, error->message);
    form->problem(message, form->problem_data);
  }
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
}

/* ---- building ---- */

static void
add_option(UiRows *rows, const char *name, GtkWidget *control, GtkWidget *packed)
{
  g_autofree char *help = settings_get_help(name);

  ui_rows_add(rows, g_param_spec_get_nick(settings_get_pspec(name)), control, packed, help);
}

static GtkWidget *
spin_new(const char *name, double minimum, double step)
{
  GParamSpec *pspec = settings_get_pspec(name);
  double maximum = SETTINGS_MAX_SEED;

  if (G_IS_PARAM_SPEC_INT(pspec))
    maximum = G_PARAM_SPEC_INT(pspec)->maximum;
  else if (G_IS_PARAM_SPEC_DOUBLE(pspec))
    maximum = G_PARAM_SPEC_DOUBLE(pspec)->maximum;
  return gtk_spin_button_new_with_range(minimum, maximum, step);
}

static GtkWidget *
pack(GtkWidget *first, GtkWidget *second)
{
  GtkWidget *box = ui_box(GTK_ORIENTATION_HORIZONTAL, 6);

  gtk_box_pack_start(GTK_BOX(box), first, TRUE, TRUE, 0);
  gtk_box_pack_start(GTK_BOX(box), second, FALSE, FALSE, 0);
  return box;
}

static void
build_model(Form *form, UiRows *rows)
{
  GtkWidget *folder = gtk_button_new();
  GtkWidget *icon = gtk_image_new_from_icon_name(GIMP_ICON_DOCUMENT_OPEN, GTK_ICON_SIZE_MENU);

  form->model = ui_choice_new();
  ui_choice_add(form->model, "", _("Looking for models…"));
  gtk_combo_box_set_active(GTK_COMBO_BOX(form->model), 0);
  form->model_note = ui_note_new(NOTE_WIDTH);
  form->class = gtk_combo_box_text_new_with_entry();
  gtk_container_add(GTK_CONTAINER(folder), icon);
  gimp_help_set_help_data(folder, _("Open the folder for models"), NULL);
  add_option(rows, "model", form->model, pack(form->model, folder));
  ui_rows_add_wide(rows, form->model_note);
  add_option(rows, "class", form->class, NULL);
  g_signal_connect(form->model, "changed", G_CALLBACK(on_model_changed), form);
  g_signal_connect(folder, "clicked", G_CALLBACK(on_open_folder), form);
}

static void
build_size(Form *form, UiRows *rows)
{
  form->fit = gtk_check_button_new();
  form->width = spin_new("width", 1, 8);
  form->height = spin_new("height", 1, 8);
  form->size_note = ui_note_new(NOTE_WIDTH);
  ui_rows_add_wide(rows, form->fit);
  add_option(rows, "width", form->width, NULL);
  add_option(rows, "height", form->height, NULL);
  ui_rows_add_wide(rows, form->size_note);
  g_signal_connect_swapped(form->fit, "toggled", G_CALLBACK(show_size), form);
  g_signal_connect_swapped(form->width, "value-changed", G_CALLBACK(show_size), form);
  g_signal_connect_swapped(form->height, "value-changed", G_CALLBACK(show_size), form);
}

static void
build_seed(Form *form, UiRows *rows)
{
  GtkWidget *new_seed = gtk_button_new();
  g_autofree char *new_text = NULL, *random_text = NULL;

  form->seed = spin_new("seed", 0, 1);
  gtk_spin_button_set_digits(GTK_SPIN_BUTTON(form->seed), 0);
  gtk_entry_set_width_chars(GTK_ENTRY(form->seed), 12);
  add_option(rows, "seed", form->seed, pack(form->seed, new_seed));
  new_text = ui_mnemonic(_("New Seed"), rows->mnemonics);
  gtk_button_set_use_underline(GTK_BUTTON(new_seed), TRUE);
  gtk_button_set_label(GTK_BUTTON(new_seed), new_text);
  random_text = ui_mnemonic(_("A new seed for every image"), rows->mnemonics);
  form->random_seed = gtk_check_button_new_with_mnemonic(random_text);
  ui_rows_add_wide(rows, form->random_seed);
  g_signal_connect(new_seed, "clicked", G_CALLBACK(on_new_seed), form);
  g_signal_connect(form->random_seed, "toggled", G_CALLBACK(on_random_seed), form);
}

static GtkWidget *
build_advanced(Form *form, GString *mnemonics)
{
  g_autofree char *text = ui_mnemonic(_("Advanced"), mnemonics);
  GtkWidget *expander = gtk_expander_new_with_mnemonic(text);
  UiRows *rows = ui_rows_new(mnemonics);
  g_autofree char *help = settings_get_help("steps");

  form->respacing = gtk_entry_new();
  form->sampler = ui_choice_new();
  ui_choice_add(form->sampler, "ddim", _("DDIM"));
  ui_choice_add(form->sampler, "ddpm", _("DDPM (ancestral)"));
  form->model_eta = gtk_check_button_new_with_label(_("The eta that suits the model"));
  form->eta = spin_new("eta", 0, 0.1);
  gtk_spin_button_set_digits(GTK_SPIN_BUTTON(form->eta), 2);
  form->device = ui_choice_new();
  ui_choice_add(form->device, "", _("Automatic"));
  form->precision = ui_choice_new();
  ui_choice_add(form->precision, "f32", _("32-bit float"));
  ui_choice_add(form->precision, "f16", _("16-bit float"));
  ui_rows_add(rows, _("Respacing"), form->respacing, NULL, help);
  add_option(rows, "sampler", form->sampler, NULL);
  ui_rows_add_wide(rows, form->model_eta);
  add_option(rows, "eta", form->eta, NULL);
  add_option(rows, "device", form->device, NULL);
  add_option(rows, "precision", form->precision, NULL);
  g_signal_connect(form->respacing, "changed", G_CALLBACK(on_respacing), form);
  g_signal_connect_swapped(form->sampler, "changed", G_CALLBACK(show_eta), form);
  g_signal_connect_swapped(form->model_eta, "toggled", G_CALLBACK(show_eta), form);
  gtk_container_add(GTK_CONTAINER(expander), rows->widget);
  ui_rows_free(rows);
  return expander;
}

Form *
form_new(GString *mnemonics, FormProblem problem, gpointer user_data)
{
  Form *form = g_new0(Form, 1);
  UiRows *rows = ui_rows_new(mnemonics);

  form->problem = problem;
  form->problem_data = user_data;
  form->cancellable = g_cancellable_new();
  form->widget = ui_box(GTK_ORIENTATION_VERTICAL, 12);
  build_model(form, rows);
  form->preset = ui_choice_new();
  for (guint i = 0; i < G_N_ELEMENTS(presets); i++)
    ui_choice_add(form->preset, presets[i].steps, _(presets[i].text));
  add_option(rows, "steps", form->preset, NULL);
  g_signal_connect(form->preset, "changed", G_CALLBACK(on_preset), form);
  build_size(form, rows);
  form->count = spin_new("count", 1, 1);
  add_option(rows, "count", form->count, NULL);
  build_seed(form, rows);
  gtk_box_pack_start(GTK_BOX(form->widget), rows->widget, FALSE, FALSE, 0);
  gtk_box_pack_start(GTK_BOX(form->widget), build_advanced(form, mnemonics), FALSE, FALSE, 0);
  ui_rows_free(rows);
  load_models(form);
  form->n_pending++;
  catalog_devices_async(form->cancellable, on_devices, form);
  return form;
}

void
form_free(Form *form)
{
  /* No thread may be inside an OpenCL driver when the process ends. */
  g_cancellable_cancel(form->cancellable);
  while (form->n_pending)
    g_main_context_iteration(NULL, TRUE);
  g_object_unref(form->cancellable);
  g_clear_pointer(&form->models, g_ptr_array_unref);
  g_free(form->wanted_model);
  g_free(form->wanted_class);
  g_free(form->wanted_device);
  g_free(form);
}

GtkWidget *
form_get_widget(Form *form)
{
  return form->widget;
}

/* ---- values ---- */

void
form_set_target(Form *form, const Target *target)
{
  g_autofree char *text = NULL;

  form->target_width = target->width;
  form->target_height = target->height;
  if (target->mask)
    text = g_strdup_printf(_("As large as the selection (%u × %u)"), target->width, target->height);
  else if (target->width)
    text = g_strdup_printf(_("As large as the image (%u × %u)"), target->width, target->height);
  gtk_button_set_label(GTK_BUTTON(form->fit), text ? text : _("As large as the model’s images"));
  if (gtk_toggle_button_get_active(GTK_TOGGLE_BUTTON(form->fit)) && target->width) {
    gtk_spin_button_set_value(GTK_SPIN_BUTTON(form->width), target->width);
    gtk_spin_button_set_value(GTK_SPIN_BUTTON(form->height), target->height);
  }
  show_size(form);
}

void
form_set_seed(Form *form, gint64 seed)
{
  gtk_spin_button_set_value(GTK_SPIN_BUTTON(form->seed), seed);
}

static void
write_texts(Form *form, DdimRequest *request)
{
  g_autofree char *steps = NULL, *sampler = NULL, *precision = NULL;

  g_clear_pointer(&form->wanted_model, g_free);
  g_clear_pointer(&form->wanted_class, g_free);
  g_clear_pointer(&form->wanted_device, g_free);
  g_object_get(request, "model", &form->wanted_model, "class", &form->wanted_class, "device",
               &form->wanted_device, "steps", &steps, "sampler", &sampler, "precision", &precision,
               NULL);
  gtk_entry_set_text(GTK_ENTRY(form->respacing), steps);
  on_respacing(form->respacing, form);
  ui_choice_set(form->sampler, sampler);
  ui_choice_set(form->precision, precision);
  if (!ui_choice_set(form->device, form->wanted_device ? form->wanted_device : "")) {
    ui_choice_add(form->device, form->wanted_device, form->wanted_device);
    ui_choice_set(form->device, form->wanted_device);
  }
  if (form->models) {
    const char *model = form->wanted_model ? form->wanted_model : DDIM_DEFAULT_MODEL;
    form->writing = TRUE;
    if (!ui_choice_set(form->model, model)) {
      ui_choice_add(form->model, model, model);
      ui_choice_set(form->model, model);
    }
    form->writing = FALSE;
  }
  show_classes(form);
}

void
form_write(Form *form, DdimRequest *request)
{
  int width, height, count;
  gint64 seed;
  double eta;

  write_texts(form, request);
  g_object_get(request, "width", &width, "height", &height, "count", &count, "seed", &seed, "eta",
               &eta, NULL);
  gtk_toggle_button_set_active(GTK_TOGGLE_BUTTON(form->fit), width <= 0 || height <= 0);
  if (width > 0 && height > 0) {
    gtk_spin_button_set_value(GTK_SPIN_BUTTON(form->width), width);
    gtk_spin_button_set_value(GTK_SPIN_BUTTON(form->height), height);
  }
  gtk_spin_button_set_value(GTK_SPIN_BUTTON(form->count), count);
  gtk_toggle_button_set_active(GTK_TOGGLE_BUTTON(form->model_eta), eta < 0);
  gtk_spin_button_set_value(GTK_SPIN_BUTTON(form->eta), MAX(eta, 0));
  show_eta(form);
  gtk_toggle_button_set_active(GTK_TOGGLE_BUTTON(form->random_seed), seed < 0);
  on_random_seed(form->random_seed, form);
  form_set_seed(form, seed < 0 ? (gint64)(g_random_int() & G_MAXINT32) : seed);
  show_size(form);
}

static const char *
or_null(const char *text)
{
  return text && *text ? text : NULL;
}

static void
read_texts(Form *form, DdimRequest *request)
{
  g_autofree char *model = form->models ? ui_choice_get(form->model) : g_strdup(form->wanted_model);
  g_autofree char *class = gtk_combo_box_text_get_active_text(GTK_COMBO_BOX_TEXT(form->class));
  g_autofree char *sampler = ui_choice_get(form->sampler), *device = ui_choice_get(form->device),
                  *precision = ui_choice_get(form->precision);
  gboolean random = g_strcmp0(class, _("Random")) == 0 || !gtk_widget_get_sensitive(form->class);

  g_object_set(request, "model", or_null(model), "class", random ? NULL : or_null(class), "sampler",
               sampler, "device", or_null(device), "precision", precision, NULL);
}

gboolean
form_read(Form *form, DdimRequest *request, GError **error)
{
  gboolean fit = gtk_toggle_button_get_active(GTK_TOGGLE_BUTTON(form->fit));
  gboolean random = gtk_toggle_button_get_active(GTK_TOGGLE_BUTTON(form->random_seed));
  gboolean model_eta = gtk_toggle_button_get_active(GTK_TOGGLE_BUTTON(form->model_eta));

  gtk_spin_button_update(GTK_SPIN_BUTTON(form->width));
  gtk_spin_button_update(GTK_SPIN_BUTTON(form->height));
  gtk_spin_button_update(GTK_SPIN_BUTTON(form->count));
  gtk_spin_button_update(GTK_SPIN_BUTTON(form->seed));
  gtk_spin_button_update(GTK_SPIN_BUTTON(form->eta));
  read_texts(form, request);
  g_object_set(
      request, "width", fit ? 0 : gtk_spin_button_get_value_as_int(GTK_SPIN_BUTTON(form->width)),
      "height", fit ? 0 : gtk_spin_button_get_value_as_int(GTK_SPIN_BUTTON(form->height)), "count",
      gtk_spin_button_get_value_as_int(GTK_SPIN_BUTTON(form->count)), "seed",
      random ? (gint64)-1 : (gint64)gtk_spin_button_get_value(GTK_SPIN_BUTTON(form->seed)), "eta",
      model_eta ? -1.0 : gtk_spin_button_get_value(GTK_SPIN_BUTTON(form->eta)), NULL);
  return ddim_request_set_from_string(request, "steps",
                                      gtk_entry_get_text(GTK_ENTRY(form->respacing)), error);
}
