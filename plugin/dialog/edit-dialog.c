/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/dialog/edit-dialog.h"

#include <glib/gi18n-lib.h>
#include "plugin/dialog/dialog.h"
#include "plugin/dialog/edit-form.h"
#include "plugin/dialog/preview.h"
#include "plugin/dialog/window.h"
#include "plugin/edit/forecast.h"
#include "plugin/edit/run.h"
#include "plugin/layers/run.h"
#include "plugin/work/timing.h"

/* Milliseconds between two looks at the run. */
#define POLL_INTERVAL 50
/* Milliseconds without a change after which the image is looked at again. */
#define LOOK_DELAY 150

enum {
  RESPONSE_APPLY = GTK_RESPONSE_OK,
  RESPONSE_CLOSE = GTK_RESPONSE_CLOSE,
  RESPONSE_STOP = 1,
  RESPONSE_RESET,
  RESPONSE_PREVIEW
};

typedef struct {
  GtkWidget *window, *scrolled, *preview, *progress, *status, *forecast, *message;
  EditForm *form;

  ImageRef image;
  DrawableRef drawable;
  EditSettings *settings; /* the caller's; what the controls say */
  LayerRef layer;         /* what was put in */
  guint look;             /* the event source that looks at the image; 0: none */

  EditRun *run;
  guint poll;         /* the event source that looks at the run; 0: no thread runs */
  gboolean working;   /* a run goes on and is wanted */
  gboolean applying;  /* its result is to be put in */
  EditInput *input;   /* (nullable) of the run, or of the result */
  char *used;         /* (nullable) the settings of the run, or of the result, as JSON */
  EditResult *result; /* (nullable) */
  double work;        /* of the run */
  double rate;        /* seconds for a unit of work; 0: nothing was measured yet */
} Dialog;

/* ---- what is shown ---- */

/* @text  NULL: nothing is wrong */
static void
show_message(Dialog *dialog, GtkMessageType type, const char *text)
{
  window_message_show(dialog->message, type, text);
}

static void
show_problem(const char *text, gpointer user_data)
{
  show_message(user_data, GTK_MESSAGE_ERROR, text);
}

static void
show_progress(Dialog *dialog, const char *status, double fraction)
{
  window_progress_show(dialog->progress, dialog->status, status, fraction);
}

static void
show_working(Dialog *dialog, gboolean working)
{
  GtkDialog *window = GTK_DIALOG(dialog->window);

  dialog->working = working;
  gtk_dialog_set_response_sensitive(window, RESPONSE_APPLY, !working);
  gtk_dialog_set_response_sensitive(window, RESPONSE_PREVIEW, !working);
  gtk_dialog_set_response_sensitive(window, RESPONSE_RESET, !working);
  gtk_dialog_set_response_sensitive(window, RESPONSE_STOP, working);
  gtk_widget_set_sensitive(edit_form_get_widget(dialog->form), !working);
  if (working)
    show_message(dialog, GTK_MESSAGE_INFO, NULL);
}

static void
show_picture(Dialog *dialog, const DdimImage *picture)
{
  if (picture)
    preview_show(dialog->preview, picture);
}

/* The finished pictures in their place, several as a sheet. */
static void
show_result(Dialog *dialog)
{
  const GPtrArray *made = dialog->result->pictures;

  preview_begin(dialog->preview, made->len);
  for (guint i = 0; i < MIN(made->len, PREVIEW_MAX_PICTURES); i++) {
    g_autoptr(DdimImage) picture = edit_input_show(dialog->input, g_ptr_array_index(made, i));
    if (picture)
      preview_show_at(dialog->preview, i, picture);
  }
}

/* Seconds for a unit of work, from what was measured on this device; 0 when nothing was. */
static double
get_rate(Dialog *dialog, const char *model, const EditForecast *forecast)
{
  g_autofree char *device = NULL, *precision = NULL;
  double step;

  g_object_get(dialog->settings->request, "device", &device, "precision", &precision, NULL);
  step = timing_estimate(device, model, precision, forecast->window_width, forecast->window_height);
  return step > 0 ? step / ((double)forecast->window_width * forecast->window_height) : 0;
}

static void
show_forecast(Dialog *dialog, const EditInput *input)
{
  const CatalogModel *model = edit_form_get_model(dialog->form);
  g_autofree char *text = NULL;

  dialog->work = 0;
  if (model && !model->error && input) {
    EditForecast forecast = edit_forecast_new(input, model->image_size, MAX(model->stride, 1));
    dialog->work = edit_forecast_get_work(&forecast);
    text = edit_forecast_describe(
        &forecast, dialog->work * (dialog->rate > 0 ? dialog->rate
                                                    : get_rate(dialog, model->name, &forecast)));
  }
  gtk_label_set_text(GTK_LABEL(dialog->forecast), text ? text : "");
}

/* ---- looking at the image ---- */

static EditInput *
take_input(Dialog *dialog, GError **error)
{
  if (!edit_form_read(dialog->form, dialog->settings, error))
    return NULL;
  return edit_input_new(dialog->image, dialog->drawable, dialog->settings, error);
}

/* Whether the result is what these settings make of this input. */
static gboolean
is_up_to_date(Dialog *dialog, const EditInput *input)
{
  g_autofree char *now = edit_settings_to_json(dialog->settings);

  return dialog->result && g_strcmp0(now, dialog->used) == 0 &&
         edit_input_equal(input, dialog->input);
}

static gboolean
on_look(gpointer user_data)
{
  Dialog *dialog = user_data;
  g_autoptr(GError) error = NULL;
  g_autoptr(EditInput) input = NULL;
  g_autoptr(DdimImage) before = NULL;

  dialog->look = 0;
  window_fit(dialog->scrolled);
  if (dialog->working)
    return G_SOURCE_REMOVE;
  input = take_input(dialog, &error);
  show_message(dialog, GTK_MESSAGE_WARNING, error ? error->message : NULL);
  show_forecast(dialog, input);
  if (input && !is_up_to_date(dialog, input)) {
    before = edit_input_show(input, NULL);
    show_picture(dialog, before);
  }
  return G_SOURCE_REMOVE;
}

static void
look_soon(gpointer user_data)
{
  Dialog *dialog = user_data;

  if (dialog->look)
    g_source_remove(dialog->look);
  dialog->look = g_timeout_add(LOOK_DELAY, on_look, dialog);
}

/* ---- running ---- */

static void
apply(Dialog *dialog)
{
  g_autoptr(GError) error = NULL;

  dialog->layer = edit_result_insert(dialog->input, dialog->result, &error);
  if (dialog->layer != NO_LAYER)
    gtk_main_quit();
  else
    show_problem(error->message, dialog);
}

static void
take_result(Dialog *dialog)
{
  gint64 seed;

  g_object_get(dialog->result->made->settings, "seed", &seed, NULL);
  edit_form_set_seed(dialog->form, seed);
  if (dialog->work > 0)
    dialog->rate = dialog->result->seconds / dialog->work;
  show_result(dialog);
  show_progress(dialog, "", 1);
  if (dialog->applying)
    apply(dialog);
  else if (dialog->result->made->warning)
    show_message(dialog, GTK_MESSAGE_WARNING, dialog->result->made->warning);
  if (dialog->layer == NO_LAYER)
    show_forecast(dialog, dialog->input);
}

static void
finish(Dialog *dialog)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(EditResult) result = edit_run_finish(dialog->run, &error);
  const gboolean wanted = dialog->working;

  dialog->poll = 0;
  if (!wanted) {
    gtk_dialog_set_response_sensitive(GTK_DIALOG(dialog->window), RESPONSE_APPLY, TRUE);
    gtk_dialog_set_response_sensitive(GTK_DIALOG(dialog->window), RESPONSE_PREVIEW, TRUE);
    return;
  }
  show_working(dialog, FALSE);
  if (result) {
    dialog->result = g_steal_pointer(&result);
    take_result(dialog);
  } else {
    g_autoptr(DdimImage) before = edit_input_show(dialog->input, NULL);
    show_picture(dialog, before);
    show_progress(dialog, "", 0);
    show_problem(error->message, dialog);
  }
}

static gboolean
on_poll(gpointer user_data)
{
  Dialog *dialog = user_data;
  g_auto(WorkerReport) report = {0};

  task_poll(edit_run_get_task(dialog->run), 0, &report);
  if (dialog->working) {
    show_progress(dialog, report.status, report.fraction);
    show_picture(dialog, report.preview);
  }
  if (!report.ended)
    return G_SOURCE_CONTINUE;
  finish(dialog);
  return G_SOURCE_REMOVE;
}

static void
drop_result(Dialog *dialog)
{
  g_clear_pointer(&dialog->input, edit_input_free);
  g_clear_pointer(&dialog->result, edit_result_free);
  g_clear_pointer(&dialog->used, g_free);
}

/* @applying  put the result in; the one that is shown, if it is what is asked for */
static void
start(Dialog *dialog, gboolean applying)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(EditInput) input = NULL;

  if (dialog->poll) /* the stopped run ends within a step */
    return;
  input = take_input(dialog, &error);
  if (!input) {
    show_problem(error->message, dialog);
    return;
  }
  dialog->applying = applying;
  if (applying && is_up_to_date(dialog, input)) {
    apply(dialog);
    return;
  }
  show_forecast(dialog, input);
  drop_result(dialog);
  dialog->input = g_steal_pointer(&input);
  dialog->used = edit_settings_to_json(dialog->settings);
  show_working(dialog, TRUE);
  edit_run_start(dialog->run, dialog->input);
  dialog->poll = g_timeout_add(POLL_INTERVAL, on_poll, dialog);
}

/* The thread ends after its current step; nothing waits for that, but the next run has to. */
static void
stop(Dialog *dialog)
{
  task_cancel(edit_run_get_task(dialog->run));
  show_working(dialog, FALSE);
  gtk_dialog_set_response_sensitive(GTK_DIALOG(dialog->window), RESPONSE_APPLY, FALSE);
  gtk_dialog_set_response_sensitive(GTK_DIALOG(dialog->window), RESPONSE_PREVIEW, FALSE);
  show_progress(dialog, _("Stopped; the image is unchanged"), 0);
  drop_result(dialog);
  look_soon(dialog);
}

/* ---- reactions ---- */

static void
on_response(GtkWidget *window, int response, Dialog *dialog)
{
  g_autoptr(EditSettings) defaults = NULL;

  switch (response) {
  case RESPONSE_APPLY:
  case RESPONSE_PREVIEW:
    start(dialog, response == RESPONSE_APPLY);
    break;
  case RESPONSE_STOP:
    stop(dialog);
    break;
  case RESPONSE_RESET:
    defaults = edit_settings_new(dialog->settings->command);
    edit_form_write(dialog->form, defaults);
    break;
  case GTK_RESPONSE_HELP:
    break;
  default:
    gtk_main_quit();
  }
}

/* The user may have selected something else, or put a model into the folder. */
static gboolean
on_focus(GtkWidget *window, GdkEvent *event, Dialog *dialog)
{
  if (!dialog->working) {
    edit_form_refresh(dialog->form);
    look_soon(dialog);
  }
  return FALSE;
}

/* ---- building ---- */

static GtkWidget *
build_left(Dialog *dialog)
{
  GtkWidget *box = ui_box(GTK_ORIENTATION_VERTICAL, 6);

  dialog->preview = preview_new();
  dialog->progress = gtk_progress_bar_new();
  dialog->status = ui_note_new(30);
  gtk_box_pack_start(GTK_BOX(box), dialog->preview, TRUE, TRUE, 0);
  gtk_box_pack_start(GTK_BOX(box), dialog->progress, FALSE, FALSE, 0);
  gtk_box_pack_start(GTK_BOX(box), dialog->status, FALSE, FALSE, 0);
  return box;
}

/* What will happen, and what is wrong: both just above the buttons. */
static GtkWidget *
build_bottom(Dialog *dialog)
{
  GtkWidget *box = ui_box(GTK_ORIENTATION_VERTICAL, 6);
  GtkWidget *indented = ui_box(GTK_ORIENTATION_HORIZONTAL, 0);

  dialog->forecast = gtk_label_new("");
  dialog->message = window_message_new(72);
  gtk_box_pack_start(GTK_BOX(box), dialog->message, FALSE, FALSE, 0);
  gtk_box_pack_start(GTK_BOX(box), dialog->forecast, FALSE, FALSE, 0);
  gtk_box_pack_start(GTK_BOX(indented), box, TRUE, TRUE, 12);
  return indented;
}

static void
build_window(Dialog *dialog, GString *taken)
{
  const EditCommand *command = dialog->settings->command;

  dialog->window = window_new(_(command->title), PROCEDURE_ROLE, command->procedure, taken);
  window_add_button(dialog->window, N_("Reset"), RESPONSE_RESET,
                    _("Set everything to what it was at first"), taken);
  window_add_button(dialog->window, N_("Close"), RESPONSE_CLOSE,
                    _("Close the dialog; the image stays as it is"), taken);
  window_add_button(dialog->window, N_("Stop"), RESPONSE_STOP, _("Stop; the image stays as it is"),
                    taken);
  window_add_button(dialog->window, N_("Preview"), RESPONSE_PREVIEW,
                    _("Make the picture and show it here; the image stays as it is"), taken);
  window_add_button(dialog->window, command->action, RESPONSE_APPLY,
                    _("Put the picture into a new layer; it is made first, if it is not shown yet"),
                    taken);
  gtk_dialog_set_default_response(GTK_DIALOG(dialog->window), RESPONSE_PREVIEW);
}

static void
build(Dialog *dialog)
{
  g_autoptr(GString) taken = g_string_new(NULL);
  GtkWidget *box = ui_box(GTK_ORIENTATION_HORIZONTAL, 12), *content;

  build_window(dialog, taken);
  content = gtk_dialog_get_content_area(GTK_DIALOG(dialog->window));
  gtk_container_set_border_width(GTK_CONTAINER(box), 12);
  gtk_box_pack_start(GTK_BOX(content), box, TRUE, TRUE, 0);
  gtk_box_pack_start(GTK_BOX(content), build_bottom(dialog), FALSE, FALSE, 0);
  gtk_box_pack_start(GTK_BOX(box), build_left(dialog), TRUE, TRUE, 0);
  dialog->form = edit_form_new(dialog->settings->command, dialog->image, taken, look_soon,
                               show_problem, dialog);
  dialog->scrolled = window_scroll(edit_form_get_widget(dialog->form));
  gtk_box_pack_start(GTK_BOX(box), dialog->scrolled, TRUE, TRUE, 0);
  g_signal_connect(dialog->window, "response", G_CALLBACK(on_response), dialog);
  g_signal_connect(dialog->window, "delete-event", G_CALLBACK(gtk_true), NULL);
  g_signal_connect(dialog->window, "focus-in-event", G_CALLBACK(on_focus), dialog);
}

static void
clear(Dialog *dialog)
{
  /* The thread may need the rest of its step. */
  window_hide(dialog->window);
  edit_run_free(dialog->run);
  if (dialog->look)
    g_source_remove(dialog->look);
  if (dialog->poll)
    g_source_remove(dialog->poll);
  gtk_widget_destroy(dialog->window);
  edit_form_free(dialog->form);
  drop_result(dialog);
}

LayerRef
edit_dialog_run(ImageRef image, DrawableRef drawable, EditSettings *settings, GError **error)
{
  Dialog dialog = {.image = image, .drawable = drawable, .settings = settings, .layer = NO_LAYER};

  dialog_init_toolkit();
  dialog.run = edit_run_new();
  build(&dialog);
  edit_form_write(dialog.form, settings);
  show_working(&dialog, FALSE);
  gtk_widget_show_all(gtk_dialog_get_content_area(GTK_DIALOG(dialog.window)));
  window_fit(dialog.scrolled);
  gimp_window_set_transient(GTK_WINDOW(dialog.window));
  gtk_widget_show_all(dialog.window);
  look_soon(&dialog);
  gtk_main();
  clear(&dialog);
  return dialog.layer;
}
