/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/dialog/advanced.h"

#include <glib/gi18n-lib.h>
#include "plugin/work/devices.h"

struct _Advanced {
  GtkWidget *sampler, *model_eta, *eta; /* (nullable) NULL: there is no choice */
  GtkWidget *device, *precision;
  UiChanged changed;
  UiProblem problem;
  gpointer user_data;
  double suiting_eta; /* of the model; negative as long as it is not known */

  GCancellable *cancellable; /* stops the making of the list of devices */
  gboolean pending;          /* that list is being made */
};

static void
show_eta(Advanced *advanced)
{
  if (!advanced->sampler)
    return;
  g_autofree char *sampler = ui_choice_get(advanced->sampler);
  gboolean ddim = g_str_equal(sampler, "ddim") || g_str_equal(sampler, "own");
  gboolean suits = gtk_toggle_button_get_active(GTK_TOGGLE_BUTTON(advanced->model_eta));

  gtk_widget_set_sensitive(advanced->model_eta, ddim);
  gtk_widget_set_sensitive(advanced->eta, ddim && !suits);
  if (suits && advanced->suiting_eta >= 0)
    gtk_spin_button_set_value(GTK_SPIN_BUTTON(advanced->eta), advanced->suiting_eta);
}

static void
on_changed(Advanced *advanced)
{
  show_eta(advanced);
  advanced->changed(advanced->user_data);
}

void
advanced_set_model(Advanced *advanced, const CatalogModel *model)
{
  advanced->suiting_eta = model && !model->error ? model->eta : -1;
  show_eta(advanced);
}

/* ---- devices ---- */

static void
on_devices(GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) devices = catalog_devices_finish(result, &error);
  g_autofree char *wanted = NULL;
  Advanced *advanced = user_data;

  advanced->pending = FALSE;
  if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) /* the widgets are gone */
    return;
  if (error) {
    advanced->problem(error->message, advanced->user_data);
    return;
  }
  wanted = ui_choice_get(advanced->device);
  ui_choice_clear(advanced->device);
  ui_choice_add(advanced->device, "", _("Automatic"));
  for (guint i = 0; i < devices->len; i++) {
    const DevicesItem *device = g_ptr_array_index(devices, i);
    ui_choice_add(advanced->device, device->id, device->text);
  }
  ui_choice_set_or_add(advanced->device, wanted);
}

/* ---- building ---- */

static void
build_sampling(Advanced *advanced, UiRows *rows)
{
  advanced->sampler = ui_choice_new();
  ui_choice_add(advanced->sampler, "own", _("The model's own"));
  ui_choice_add(advanced->sampler, "ddim", _("DDIM"));
  ui_choice_add(advanced->sampler, "dpm++", _("DPM++ (2M)"));
  ui_choice_add(advanced->sampler, "unipc", _("UniPC"));
  ui_choice_add(advanced->sampler, "plms", _("PLMS"));
  ui_choice_add(advanced->sampler, "heun", _("Heun (two evaluations a step)"));
  ui_choice_add(advanced->sampler, "dpm++sde", _("DPM++ (2M, SDE)"));
  ui_choice_add(advanced->sampler, "ddpm", _("DDPM (ancestral)"));
  advanced->model_eta =
      ui_check_new(N_("The noise that suits the model"), rows->mnemonics,
                   _("Take the amount of noise (eta) with which the model was found to work best"));
  advanced->eta = ui_spin_new("eta", 0, 0.1);
  gtk_spin_button_set_digits(GTK_SPIN_BUTTON(advanced->eta), 2);
  ui_rows_add(rows, N_("Sampler"), advanced->sampler, NULL,
              _("How noise becomes an image. DDIM needs few steps, DPM++ often fewer; DDPM is for "
                "many"));
  ui_rows_add_wide(rows, advanced->model_eta);
  ui_rows_add(
      rows, N_("Noise (eta)"), advanced->eta, NULL,
      _("How much fresh noise each DDIM step adds. With 0 the seed alone decides; with 1 as "
        "much as DDPM adds, which often gives more detail"));
  g_signal_connect_swapped(advanced->sampler, "changed", G_CALLBACK(on_changed), advanced);
  g_signal_connect_swapped(advanced->model_eta, "toggled", G_CALLBACK(on_changed), advanced);
  g_signal_connect_swapped(advanced->eta, "value-changed", G_CALLBACK(on_changed), advanced);
}

static void
build_computing(Advanced *advanced, UiRows *rows)
{
  advanced->device = ui_choice_new();
  ui_choice_add(advanced->device, "", _("Automatic"));
  advanced->precision = ui_choice_new();
  ui_choice_add(advanced->precision, "f32", _("32-bit float"));
  ui_choice_add(advanced->precision, "f16", _("16-bit float"));
  ui_rows_add(rows, N_("Device"), advanced->device, NULL,
              _("Which OpenCL device computes; Automatic takes a graphics card first"));
  ui_rows_add(rows, N_("Precision"), advanced->precision, NULL,
              _("16-bit floats need half the memory for the model and change the image slightly"));
  g_signal_connect_swapped(advanced->device, "changed", G_CALLBACK(on_changed), advanced);
  g_signal_connect_swapped(advanced->precision, "changed", G_CALLBACK(on_changed), advanced);
}

Advanced *
advanced_new(UiRows *rows, gboolean sampling, UiChanged changed, UiProblem problem,
             gpointer user_data)
{
  Advanced *advanced = g_new0(Advanced, 1);

  advanced->changed = changed;
  advanced->problem = problem;
  advanced->user_data = user_data;
  advanced->suiting_eta = -1;
  if (sampling)
    build_sampling(advanced, rows);
  build_computing(advanced, rows);
  advanced->cancellable = g_cancellable_new();
  advanced->pending = TRUE;
  catalog_devices_async(advanced->cancellable, on_devices, advanced);
  return advanced;
}

GtkWidget *
advanced_expander_new(const char *text)
{
  GtkWidget *expander = gtk_expander_new_with_mnemonic(text);

  ui_set_tooltip(expander, _("How exactly it is sampled, and where it is computed"));
  gtk_expander_set_spacing(GTK_EXPANDER(expander), 6);
  return expander;
}

void
advanced_free(Advanced *advanced)
{
  /* No thread may be inside an OpenCL driver when the process ends. */
  g_cancellable_cancel(advanced->cancellable);
  while (advanced->pending)
    g_main_context_iteration(NULL, TRUE);
  g_object_unref(advanced->cancellable);
  g_free(advanced);
}

/* ---- values ---- */

static void
write_sampling(Advanced *advanced, DdimRequest *request)
{
  g_autofree char *sampler = NULL;
  double eta;

  if (!advanced->sampler)
    return;
  g_object_get(request, "sampler", &sampler, "eta", &eta, NULL);
  ui_choice_set(advanced->sampler, sampler);
  gtk_toggle_button_set_active(GTK_TOGGLE_BUTTON(advanced->model_eta), eta < 0);
  gtk_spin_button_set_value(GTK_SPIN_BUTTON(advanced->eta), MAX(eta, 0));
  show_eta(advanced);
}

void
advanced_write(Advanced *advanced, DdimRequest *request)
{
  g_autofree char *device = NULL, *precision = NULL;

  g_object_get(request, "device", &device, "precision", &precision, NULL);
  ui_choice_set_or_add(advanced->device, device ? device : "");
  ui_choice_set(advanced->precision, precision);
  write_sampling(advanced, request);
}

static void
read_sampling(Advanced *advanced, DdimRequest *request)
{
  g_autofree char *sampler = NULL;
  gboolean suits;

  if (!advanced->sampler)
    return;
  sampler = ui_choice_get(advanced->sampler);
  suits = gtk_toggle_button_get_active(GTK_TOGGLE_BUTTON(advanced->model_eta));
  g_object_set(request, "sampler", sampler, "eta", suits ? -1.0 : ui_spin_get(advanced->eta), NULL);
}

void
advanced_read(Advanced *advanced, DdimRequest *request)
{
  g_autofree char *device = ui_choice_get(advanced->device),
                  *precision = ui_choice_get(advanced->precision);

  g_object_set(request, "device", *device ? device : NULL, "precision", precision, NULL);
  read_sampling(advanced, request);
}
