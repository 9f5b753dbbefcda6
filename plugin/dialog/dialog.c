/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/dialog/dialog.h"

#include <glib/gi18n-lib.h>
#include "plugin/dialog/form.h"
#include "plugin/work/worker.h"
#include "plugin/layers/layers.h"
#include "plugin/work/place.h"
#include "plugin/dialog/preview.h"
#include "plugin/layers/run.h"

/* Milliseconds between two looks at the worker. */
#define POLL_INTERVAL 50

enum {
  RESPONSE_GENERATE = GTK_RESPONSE_OK,
  RESPONSE_CLOSE = GTK_RESPONSE_CLOSE,
  RESPONSE_STOP = 1,
  RESPONSE_RESET
};

typedef struct {
  GtkWidget *window, *preview, *progress, *status, *reuse;
  GtkWidget *message_bar, *message;
  Form *form;

  ImageRef image;
  DrawableRef drawable;
  DdimRequest *request; /* the last settings used; the caller's */
  LayerRef layer;       /* the last layer made */

  Worker *worker;
  guint poll;          /* the event source that looks at the worker; 0: no thread runs */
  Target target;       /* of the running worker */
  gboolean generating; /* a worker runs and is wanted */
  DdimRequest *next;   /* (nullable) to be started when the stopped worker has ended */
} Dialog;

/* ---- what is shown ---- */

static void
show_message(Dialog *dialog, GtkMessageType type, const char *text)
{
  g_autofree char *sentence = ui_capitalise(text ? text : "");

  gtk_label_set_text(GTK_LABEL(dialog->message), sentence);
  gtk_info_bar_set_message_type(GTK_INFO_BAR(dialog->message_bar), type);
  gtk_widget_set_visible(dialog->message_bar, text != NULL);
}

static void
show_problem(const char *text, gpointer user_data)
{
  show_message(user_data, GTK_MESSAGE_ERROR, text);
}

static void
show_progress(Dialog *dialog, const char *status, double fraction)
{
  gtk_label_set_text(GTK_LABEL(dialog->status), status);
  if (fraction >= 0)
    gtk_progress_bar_set_fraction(GTK_PROGRESS_BAR(dialog->progress), MIN(fraction, 1));
  else
    gtk_progress_bar_pulse(GTK_PROGRESS_BAR(dialog->progress));
}

static void
show_generating(Dialog *dialog, gboolean generating)
{
  GtkDialog *window = GTK_DIALOG(dialog->window);

  dialog->generating = generating;
  gtk_dialog_set_response_sensitive(window, RESPONSE_GENERATE, !generating);
  gtk_dialog_set_response_sensitive(window, RESPONSE_RESET, !generating);
  gtk_dialog_set_response_sensitive(window, RESPONSE_STOP, generating);
  gtk_widget_set_sensitive(form_get_widget(dialog->form), !generating);
  gtk_widget_set_sensitive(dialog->reuse, !generating);
  if (generating)
    show_message(dialog, GTK_MESSAGE_INFO, NULL);
}

/* ---- a run ---- */

static gboolean on_poll(gpointer user_data);

static void
start(Dialog *dialog, DdimRequest *request)
{
  worker_start(dialog->worker, request);
  dialog->poll = g_timeout_add(POLL_INTERVAL, on_poll, dialog);
}

static void
insert(Dialog *dialog, WorkerResult *result)
{
  g_autoptr(GError) error = NULL;
  LayerRef layer = layers_insert(&dialog->target, result, NULL, &error);
  g_autofree char *name = NULL, *text = NULL;
  gint64 seed;

  if (layer == NO_LAYER) {
    show_problem(error->message, dialog);
    show_progress(dialog, "", 0);
    return;
  }
  dialog->layer = layer;
  if (dialog->image == NO_IMAGE) {
    dialog->image = layers_get_image(layer);
    gimp_display_new(dialog->image);
  }
  gimp_displays_flush();
  /* The next one comes above this one. */
  dialog->drawable = GIMP_DRAWABLE(layer);
  g_object_get(result->settings, "seed", &seed, NULL);
  form_set_seed(dialog->form, seed);
  name = gimp_item_get_name(GIMP_ITEM(layer));
  text = g_strdup_printf(_("Added the layer “%s”"), name);
  show_progress(dialog, text, 1);
  if (result->warning)
    show_message(dialog, GTK_MESSAGE_WARNING, result->warning);
}

static void
finish(Dialog *dialog)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(WorkerResult) result = worker_finish(dialog->worker, &error);
  gboolean wanted = dialog->generating;

  dialog->poll = 0;
  if (dialog->next) {
    g_autoptr(DdimRequest) next = g_steal_pointer(&dialog->next);
    start(dialog, next);
    return;
  }
  if (!wanted)
    return;
  show_generating(dialog, FALSE);
  if (result)
    insert(dialog, result);
  else {
    show_problem(error->message, dialog);
    show_progress(dialog, "", 0);
  }
  target_clear(&dialog->target);
}

static gboolean
on_poll(gpointer user_data)
{
  Dialog *dialog = user_data;
  g_auto(WorkerReport) report = {0};

  worker_poll(dialog->worker, 0, &report);
  if (dialog->generating && !dialog->next) {
    show_progress(dialog, report.status, report.fraction);
    if (report.preview)
      preview_show(dialog->preview, report.preview);
  }
  if (!report.ended)
    return G_SOURCE_CONTINUE;
  finish(dialog);
  return G_SOURCE_REMOVE;
}

static void
generate(Dialog *dialog)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimRequest) sized = NULL;

  target_clear(&dialog->target);
  if (!form_read(dialog->form, dialog->request, &error) ||
      !target_init(&dialog->target, dialog->image, dialog->drawable, &error)) {
    show_problem(error->message, dialog);
    return;
  }
  form_set_target(dialog->form, &dialog->target);
  sized = target_fit_request(&dialog->target, dialog->request);
  show_generating(dialog, TRUE);
  if (dialog->poll) {
    show_progress(dialog, _("Finishing the stopped step"), -1);
    dialog->next = g_steal_pointer(&sized);
  } else
    start(dialog, sized);
}

/* The thread ends after its current step; nothing waits for that. */
static void
stop(Dialog *dialog)
{
  worker_cancel(dialog->worker);
  g_clear_object(&dialog->next);
  target_clear(&dialog->target);
  show_generating(dialog, FALSE);
  show_progress(dialog, _("Stopped; the image is unchanged"), 0);
}

/* ---- reactions ---- */

static void
on_response(GtkWidget *window, int response, Dialog *dialog)
{
  g_autoptr(DdimRequest) defaults = NULL;

  switch (response) {
  case RESPONSE_GENERATE:
    generate(dialog);
    break;
  case RESPONSE_STOP:
    stop(dialog);
    break;
  case RESPONSE_RESET:
    defaults = ddim_request_new();
    form_write(dialog->form, defaults);
    break;
  case GTK_RESPONSE_HELP:
    break;
  default:
    gtk_main_quit();
  }
}

static void
on_reuse(GtkWidget *button, Dialog *dialog)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimRequest) request = layers_read_settings(dialog->image, &error);

  if (!request) {
    show_message(dialog, GTK_MESSAGE_INFO, error->message);
    return;
  }
  show_message(dialog, GTK_MESSAGE_INFO, NULL);
  form_write(dialog->form, request);
}

/* The user may have put a model into the folder meanwhile. */
static gboolean
on_focus(GtkWidget *window, GdkEvent *event, Dialog *dialog)
{
  if (!dialog->generating)
    form_refresh(dialog->form);
  return FALSE;
}

static void
on_help(const char *help_id, gpointer data)
{
  gimp_help(PLACE_HELP_DOMAIN, help_id);
}

/* ---- building ---- */

static GtkWidget *
build_left(Dialog *dialog, GString *mnemonics)
{
  GtkWidget *box = ui_box(GTK_ORIENTATION_VERTICAL, 6);
  g_autofree char *text = ui_mnemonic(_("Reuse Settings of the Active Layer"), mnemonics);

  dialog->reuse = gtk_button_new_with_mnemonic(text);
  dialog->preview = preview_new();
  dialog->progress = gtk_progress_bar_new();
  dialog->status = ui_note_new(30);
  gtk_box_pack_start(GTK_BOX(box), dialog->preview, FALSE, FALSE, 0);
  gtk_box_pack_start(GTK_BOX(box), dialog->progress, FALSE, FALSE, 0);
  gtk_box_pack_start(GTK_BOX(box), dialog->status, FALSE, FALSE, 0);
  gtk_box_pack_end(GTK_BOX(box), dialog->reuse, FALSE, FALSE, 0);
  gimp_help_set_help_data(
      dialog->reuse, _("Take over the settings with which the image’s active layer was generated"),
      NULL);
  g_signal_connect(dialog->reuse, "clicked", G_CALLBACK(on_reuse), dialog);
  return box;
}

static GtkWidget *
build_message(Dialog *dialog)
{
  dialog->message_bar = gtk_info_bar_new();
  dialog->message = gtk_label_new("");
  gtk_label_set_line_wrap(GTK_LABEL(dialog->message), TRUE);
  gtk_label_set_selectable(GTK_LABEL(dialog->message), TRUE);
  gtk_label_set_width_chars(GTK_LABEL(dialog->message), 70);
  gtk_label_set_max_width_chars(GTK_LABEL(dialog->message), 70);
  gtk_container_add(GTK_CONTAINER(gtk_info_bar_get_content_area(GTK_INFO_BAR(dialog->message_bar))),
                    dialog->message);
  gtk_widget_show(dialog->message);
  gtk_widget_set_no_show_all(dialog->message_bar, TRUE);
  return dialog->message_bar;
}

static void
build(Dialog *dialog)
{
  /* Letters in use by the buttons below and by GIMP's own. */
  g_autoptr(GString) taken = g_string_new(NULL);
  g_autofree char *reset = ui_mnemonic(_("Reset"), taken),
                  *stop_text = ui_mnemonic(_("Stop"), taken),
                  *close = ui_mnemonic(_("Close"), taken),
                  *make = ui_mnemonic(_("Generate"), taken);
  g_free(ui_mnemonic(_("Help"), taken)); /* GIMP's own button has this letter */
  GtkWidget *box = ui_box(GTK_ORIENTATION_HORIZONTAL, 12), *content;

  dialog->window = gimp_dialog_new(_("DDIM Image"), PROCEDURE_ROLE, NULL, 0, on_help,
                                   PROCEDURE_NAME, reset, RESPONSE_RESET, close, RESPONSE_CLOSE,
                                   stop_text, RESPONSE_STOP, make, RESPONSE_GENERATE, NULL);
  gtk_dialog_set_default_response(GTK_DIALOG(dialog->window), RESPONSE_GENERATE);
  gtk_window_set_resizable(GTK_WINDOW(dialog->window), FALSE);
  gimp_window_set_transient(GTK_WINDOW(dialog->window));
  content = gtk_dialog_get_content_area(GTK_DIALOG(dialog->window));
  gtk_box_pack_start(GTK_BOX(content), build_message(dialog), FALSE, FALSE, 0);
  gtk_container_set_border_width(GTK_CONTAINER(box), 12);
  gtk_box_pack_start(GTK_BOX(content), box, TRUE, TRUE, 0);
  gtk_box_pack_start(GTK_BOX(box), build_left(dialog, taken), FALSE, FALSE, 0);
  dialog->form = form_new(taken, show_problem, dialog);
  gtk_box_pack_start(GTK_BOX(box), form_get_widget(dialog->form), TRUE, TRUE, 0);
  g_signal_connect(dialog->window, "response", G_CALLBACK(on_response), dialog);
  g_signal_connect(dialog->window, "delete-event", G_CALLBACK(gtk_true), NULL);
  g_signal_connect(dialog->window, "focus-in-event", G_CALLBACK(on_focus), dialog);
}

void
dialog_init_toolkit(void)
{
#if DDIM_GIMP_MAJOR >= 3
  gimp_ui_init(PROCEDURE_ROLE);
#else
  gimp_ui_init(PROCEDURE_ROLE, FALSE);
#endif
}

LayerRef
dialog_run(ImageRef image, DrawableRef drawable, DdimRequest *request, GError **error)
{
  Dialog dialog = {.image = image, .drawable = drawable, .request = request, .layer = NO_LAYER};
  g_autoptr(GError) problem = NULL;

  dialog_init_toolkit();
  dialog.worker = worker_new();
  build(&dialog);
  form_write(dialog.form, request);
  show_generating(&dialog, FALSE);
  if (!target_init(&dialog.target, image, drawable, &problem))
    show_problem(problem->message, &dialog);
  form_set_target(dialog.form, &dialog.target);
  form_grab_focus(dialog.form);
  gtk_widget_show_all(dialog.window);
  gtk_main();

  /* The window closes at once; the thread may need the rest of its step. */
  if (dialog.poll)
    g_source_remove(dialog.poll);
  gtk_widget_destroy(dialog.window);
  while (gtk_events_pending())
    gtk_main_iteration();
  form_free(dialog.form);
  worker_free(dialog.worker);
  g_clear_object(&dialog.next);
  target_clear(&dialog.target);
  return dialog.layer;
}
