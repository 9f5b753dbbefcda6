/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/dialog/dialog.h"

#include <glib/gi18n-lib.h>
#include "plugin/dialog/forecast.h"
#include "plugin/dialog/form.h"
#include "plugin/dialog/runs.h"
#include "plugin/dialog/sheet.h"
#include "plugin/dialog/thumbnails.h"
#include "plugin/dialog/window.h"
#include "plugin/layers/layers.h"
#include "plugin/layers/run.h"

/* Milliseconds: from the last change to its draft; between two looks at the selection; and how long
 * nothing was to do before thumbnails are made. */
#define DRAFT_DELAY 250
#define LOOK_INTERVAL 700
#define IDLE_DELAY 1500
/* Pixels: two lines. */
#define FORECAST_HEIGHT 36

enum {
  RESPONSE_GENERATE = GTK_RESPONSE_OK,
  RESPONSE_CLOSE = GTK_RESPONSE_CLOSE,
  RESPONSE_STOP = 1,
  RESPONSE_RESET
};

typedef struct {
  GtkWidget *window, *progress, *status, *forecast, *reuse, *message, *scrolled;
  Form *form;
  Sheet *sheet;

  ImageRef image;
  DrawableRef drawable;
  DdimRequest *request; /* the last settings used; the caller's */
  LayerRef layer;       /* the last layer made */

  Runs *runs;
  Target target; /* of the running image */
  Target looked; /* what the selection was when it was last looked at; has no mask */
  gint64 used;   /* the seed of the last image; -1: none */
  char *drafted; /* (nullable) the settings that the last draft had */
  gboolean shows_draft;
  guint draft, look, idle, fit; /* event sources; 0: none */
  guint thumbnail;              /* the class that is being made */
} Dialog;

/* ---- what is shown ---- */

static void
show_problem(const char *text, gpointer user_data)
{
  Dialog *dialog = user_data;

  window_message_show(dialog->message, GTK_MESSAGE_ERROR, text);
}

static void
show_progress(Dialog *dialog, const char *status, double fraction)
{
  window_progress_show(dialog->progress, dialog->status, status, fraction);
}

static void
show_generating(Dialog *dialog, gboolean generating)
{
  GtkDialog *window = GTK_DIALOG(dialog->window);

  gtk_dialog_set_response_sensitive(window, RESPONSE_GENERATE, !generating);
  gtk_dialog_set_response_sensitive(window, RESPONSE_RESET, !generating);
  gtk_dialog_set_response_sensitive(window, RESPONSE_STOP, generating);
  gtk_widget_set_sensitive(form_get_widget(dialog->form), !generating);
  gtk_widget_set_sensitive(dialog->reuse, !generating);
  if (generating)
    window_message_show(dialog->message, GTK_MESSAGE_INFO, NULL);
}

static void
begin_preview(Dialog *dialog, guint n)
{
  sheet_begin(dialog->sheet, n);
  dialog->shows_draft = FALSE;
}

/* What would be made now: with the seed that is shown. (transfer full) (nullable) NULL when the
 * values cannot be used. */
static DdimRequest *
read_request(Dialog *dialog, GError **error)
{
  g_autoptr(DdimRequest) request = ddim_request_copy(dialog->request);
  DdimRequest *fitted;

  if (!form_read(dialog->form, request, error))
    return NULL;
  fitted = target_fit_request(&dialog->looked, request);
  g_object_set(fitted, "seed", form_get_seed(dialog->form), NULL);
  return fitted;
}

static void
show_forecast(Dialog *dialog)
{
  g_autoptr(DdimRequest) request = read_request(dialog, NULL);
  g_autofree char *text =
      request ? forecast_describe(request, form_get_model(dialog->form)) : g_strdup("");

  gtk_label_set_text(GTK_LABEL(dialog->forecast), text);
}

/* ---- drafts and thumbnails ---- */

static void wait_for_idle(Dialog *dialog);

static gboolean
on_draft(gpointer user_data)
{
  Dialog *dialog = user_data;
  const CatalogModel *model = form_get_model(dialog->form);
  g_autoptr(DdimRequest) request = read_request(dialog, NULL), draft = NULL;
  g_autofree char *settings = NULL;

  dialog->draft = 0;
  if (!request || !model || model->error || model->enlarges ||
      !class_choice_is_complete(form_get_class(dialog->form)))
    return G_SOURCE_REMOVE;
  draft = forecast_draft(request, model);
  settings = ddim_request_to_json(draft);
  if (g_strcmp0(settings, dialog->drafted) == 0) {
    wait_for_idle(dialog);
    return G_SOURCE_REMOVE;
  }
  g_free(dialog->drafted);
  dialog->drafted = g_steal_pointer(&settings);
  window_message_show(dialog->message, GTK_MESSAGE_INFO, NULL);
  begin_preview(dialog, 1);
  runs_start(dialog->runs, RUN_DRAFT, draft);
  return G_SOURCE_REMOVE;
}

static void
drop_source(guint *source)
{
  if (*source)
    g_source_remove(*source);
  *source = 0;
}

/* Any value changed. */
static void
on_form_changed(gpointer user_data)
{
  Dialog *dialog = user_data;

  if (!dialog->runs || runs_get_kind(dialog->runs) == RUN_FULL)
    return;
  show_forecast(dialog);
  drop_source(&dialog->idle);
  drop_source(&dialog->draft);
  dialog->draft = g_timeout_add(DRAFT_DELAY, on_draft, dialog);
}

static gboolean
on_idle(gpointer user_data)
{
  Dialog *dialog = user_data;
  const CatalogModel *model = form_get_model(dialog->form);
  g_autoptr(DdimRequest) request = read_request(dialog, NULL), thumbnail = NULL;
  int missing;

  dialog->idle = 0;
  if (!request || !model || model->error || runs_get_kind(dialog->runs) != RUN_NONE)
    return G_SOURCE_REMOVE;
  missing = thumbnails_find_missing(model, 0);
  if (missing >= 0 && (thumbnail = forecast_thumbnail(request, model, missing))) {
    dialog->thumbnail = missing;
    runs_start(dialog->runs, RUN_THUMBNAIL, thumbnail);
  }
  return G_SOURCE_REMOVE;
}

static void
wait_for_idle(Dialog *dialog)
{
  drop_source(&dialog->idle);
  dialog->idle = g_timeout_add(IDLE_DELAY, on_idle, dialog);
}

static void
finish_draft(Dialog *dialog, WorkerResult *result, const GError *error)
{
  if (result) {
    sheet_show_result(dialog->sheet, 0, g_ptr_array_index(result->images, 0));
    dialog->shows_draft = TRUE;
    show_progress(dialog, _("A draft; Generate makes the image"), 0);
    show_forecast(dialog);
    wait_for_idle(dialog);
    return;
  }
  begin_preview(dialog, 0);
  show_progress(dialog, "", 0);
  show_problem(error->message, dialog);
}

static void
finish_thumbnail(Dialog *dialog, WorkerResult *result)
{
  const CatalogModel *model = form_get_model(dialog->form);
  const WorkerImage *image = result ? g_ptr_array_index(result->images, 0) : NULL;
  g_autoptr(DdimImage) picture = NULL;

  if (!image || !model)
    return;
  picture = worker_image_to_picture(image, NULL);
  if (!picture)
    return;
  thumbnails_save(model, dialog->thumbnail, picture);
  class_choice_show_thumbnail(form_get_class(dialog->form), dialog->thumbnail);
  /* Not again and again where the cache cannot be written. */
  if (thumbnails_find_missing(model, dialog->thumbnail) != (int)dialog->thumbnail)
    on_idle(dialog);
}

/* ---- images ---- */

static void
insert(Dialog *dialog, WorkerResult *result)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GArray) made = NULL;
  LayerRef layer = layers_insert(&dialog->target, result, &made, &error);
  g_autofree char *name = NULL, *text = NULL;

  begin_preview(dialog, result->images->len);
  for (guint i = 0; i < result->images->len; i++)
    sheet_show_result(dialog->sheet, i, g_ptr_array_index(result->images, i));
  if (layer == NO_LAYER) {
    show_problem(error->message, dialog);
    show_progress(dialog, "", 0);
    return;
  }
  dialog->layer = layer;
  sheet_take_layers(dialog->sheet, g_steal_pointer(&made));
  if (dialog->image == NO_IMAGE) {
    dialog->image = layers_get_image(layer);
    gimp_display_new(dialog->image);
  }
  gimp_displays_flush();
  /* The next one comes above this one. */
  dialog->drawable = GIMP_DRAWABLE(layer);
  name = gimp_item_get_name(GIMP_ITEM(layer));
  text =
      result->images->len > 1
          ? g_strdup_printf(_("Added the group “%s”. To keep only some of its layers, click them "
                              "above"),
                            name)
          : g_strdup_printf(_("Added the layer “%s”"), name);
  show_progress(dialog, text, 1);
  if (result->warning)
    window_message_show(dialog->message, GTK_MESSAGE_WARNING, result->warning);
}

static void
finish_full(Dialog *dialog, WorkerResult *result, const GError *error)
{
  show_generating(dialog, FALSE);
  if (result)
    insert(dialog, result);
  else {
    begin_preview(dialog, 0);
    show_problem(error->message, dialog);
    show_progress(dialog, "", 0);
  }
  target_clear(&dialog->target);
  show_forecast(dialog);
  wait_for_idle(dialog);
}

static void
on_kept(gpointer user_data)
{
  show_progress(user_data, _("The other layers were removed; Undo brings them back"), 1);
}

/* A new seed for every image: for the second one with the same settings too. */
static void
choose_seed(Dialog *dialog)
{
  gint64 wanted;

  g_object_get(dialog->request, "seed", &wanted, NULL);
  if (wanted < 0 && form_get_seed(dialog->form) == dialog->used)
    form_set_seed(dialog->form, g_random_int() & G_MAXINT32);
  dialog->used = form_get_seed(dialog->form);
}

static void
generate(Dialog *dialog)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimRequest) sized = NULL;
  int count;

  target_clear(&dialog->target);
  if (!form_read(dialog->form, dialog->request, &error) ||
      !target_init(&dialog->target, dialog->image, dialog->drawable, &error)) {
    show_problem(error->message, dialog);
    return;
  }
  choose_seed(dialog);
  form_set_target(dialog->form, &dialog->target);
  form_read(dialog->form, dialog->request, NULL);
  sized = target_fit_request(&dialog->target, dialog->request);
  g_object_set(sized, "seed", dialog->used, NULL);
  g_object_get(sized, "count", &count, NULL);
  drop_source(&dialog->draft);
  drop_source(&dialog->idle);
  show_generating(dialog, TRUE);
  /* The draft of a single image stays until there is something better. */
  if (count > 1 || !dialog->shows_draft)
    begin_preview(dialog, count);
  show_progress(dialog, _("Starting"), -1);
  runs_start(dialog->runs, RUN_FULL, sized);
}

/* The thread ends after its current step; nothing waits for that. */
static void
stop(Dialog *dialog)
{
  runs_stop(dialog->runs);
  target_clear(&dialog->target);
  show_generating(dialog, FALSE);
  begin_preview(dialog, 0);
  g_clear_pointer(&dialog->drafted, g_free);
  show_progress(dialog, _("Stopped; the image is unchanged"), 0);
}

/* ---- what runs ---- */

static void
on_report(RunKind kind, const WorkerReport *report, gpointer user_data)
{
  Dialog *dialog = user_data;

  if (kind == RUN_THUMBNAIL)
    return;
  show_progress(dialog, report->status, report->fraction);
  if (report->preview)
    sheet_show(dialog->sheet, report->index, report->preview);
}

static void
on_finished(RunKind kind, WorkerResult *result, const GError *error, gpointer user_data)
{
  Dialog *dialog = user_data;

  if (kind == RUN_FULL)
    finish_full(dialog, result, error);
  else if (kind == RUN_DRAFT)
    finish_draft(dialog, result, error);
  else
    finish_thumbnail(dialog, result);
}

/* ---- reactions ---- */

static void
on_response(GtkWidget *window, int response, Dialog *dialog)
{
  g_autoptr(DdimRequest) defaults = NULL;

  switch (response) {
  case RESPONSE_GENERATE:
    if (runs_get_kind(dialog->runs) != RUN_FULL)
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
    window_message_show(dialog->message, GTK_MESSAGE_INFO, error->message);
    return;
  }
  window_message_show(dialog->message, GTK_MESSAGE_INFO, NULL);
  form_write(dialog->form, request);
}

/* Follow the selection, which the user may change while the dialog is open, and the foreground
 * color. */
static gboolean
on_look(gpointer user_data)
{
  Dialog *dialog = user_data;
  Target now;

  if (runs_get_kind(dialog->runs) == RUN_FULL ||
      !target_look(&now, dialog->image, dialog->drawable, NULL))
    return G_SOURCE_CONTINUE;
  if (now.selected != dialog->looked.selected || now.x != dialog->looked.x ||
      now.y != dialog->looked.y || now.width != dialog->looked.width ||
      now.height != dialog->looked.height) {
    dialog->looked = now;
    form_set_target(dialog->form, &now);
  }
  return G_SOURCE_CONTINUE;
}

/* The user may have put a model into the folder meanwhile, or chosen another foreground color. */
static gboolean
on_focus(GtkWidget *window, GdkEvent *event, Dialog *dialog)
{
  if (runs_get_kind(dialog->runs) != RUN_FULL) {
    on_look(dialog);
    form_refresh(dialog->form);
    if (!sheet_has_layers(dialog->sheet))
      on_form_changed(dialog);
  }
  return FALSE;
}

static gboolean
on_expanded(gpointer user_data)
{
  Dialog *dialog = user_data;

  dialog->fit = 0;
  window_fit(dialog->scrolled);
  return G_SOURCE_REMOVE;
}

/* What is in it is shown or hidden after this. */
static void
on_expand(GtkWidget *expander, GParamSpec *pspec, Dialog *dialog)
{
  drop_source(&dialog->fit);
  dialog->fit = g_idle_add(on_expanded, dialog);
}

/* ---- building ---- */

static GtkWidget *
build_left(Dialog *dialog, GString *mnemonics)
{
  GtkWidget *box = ui_box(GTK_ORIENTATION_VERTICAL, 6);
  g_autofree char *reuse = ui_mnemonic(N_("Reuse Settings of the Active Layer"), mnemonics);

  dialog->sheet = sheet_new(mnemonics, on_kept, dialog);
  dialog->progress = gtk_progress_bar_new();
  dialog->status = ui_note_new(34);
  dialog->message = window_message_new(32);
  dialog->reuse = gtk_button_new_with_mnemonic(reuse);
  gtk_box_pack_start(GTK_BOX(box), sheet_get_widget(dialog->sheet), TRUE, TRUE, 0);
  gtk_box_pack_start(GTK_BOX(box), dialog->progress, FALSE, FALSE, 0);
  gtk_box_pack_start(GTK_BOX(box), dialog->status, FALSE, FALSE, 0);
  gtk_box_pack_end(GTK_BOX(box), dialog->reuse, FALSE, FALSE, 0);
  gtk_box_pack_end(GTK_BOX(box), dialog->message, FALSE, FALSE, 0);
  ui_set_tooltip(dialog->reuse, _("Take over the settings with which the image’s active layer was "
                                  "generated"));
  g_signal_connect(dialog->reuse, "clicked", G_CALLBACK(on_reuse), dialog);
  return box;
}

static void
build_buttons(Dialog *dialog, GString *mnemonics)
{
  GtkWidget *window = dialog->window;

  window_add_button(window, N_("Reset"), RESPONSE_RESET,
                    _("Set everything to what it was at first"), mnemonics);
  window_add_button(window, N_("Close"), RESPONSE_CLOSE,
                    _("Close the dialog; the layers that were made stay"), mnemonics);
  window_add_button(window, N_("Stop"), RESPONSE_STOP, _("Stop; the image stays as it is"),
                    mnemonics);
  window_add_button(window, N_("Generate"), RESPONSE_GENERATE,
                    _("Make the image and put it into a new layer"), mnemonics);
  gtk_dialog_set_default_response(GTK_DIALOG(window), RESPONSE_GENERATE);
}

static void
build(Dialog *dialog)
{
  /* Letters in use. */
  g_autoptr(GString) taken = g_string_new(NULL);
  GtkWidget *box = ui_box(GTK_ORIENTATION_HORIZONTAL, 12), *content;

  dialog->window = window_new(_("DDIM Image"), PROCEDURE_ROLE, PROCEDURE_NAME, taken);
  build_buttons(dialog, taken);
  content = gtk_dialog_get_content_area(GTK_DIALOG(dialog->window));
  gtk_container_set_border_width(GTK_CONTAINER(box), 12);
  gtk_box_pack_start(GTK_BOX(content), box, TRUE, TRUE, 0);
  dialog->form = form_new(taken, on_form_changed, show_problem, dialog);
  gtk_box_pack_start(GTK_BOX(box), build_left(dialog, taken), TRUE, TRUE, 0);
  dialog->scrolled = window_scroll(form_get_widget(dialog->form));
  gtk_box_pack_start(GTK_BOX(box), dialog->scrolled, FALSE, TRUE, 0);
  dialog->forecast = ui_note_new(90);
  gtk_misc_set_padding(GTK_MISC(dialog->forecast), 12, 0);
  gtk_widget_set_size_request(dialog->forecast, -1, FORECAST_HEIGHT);
  gtk_box_pack_start(GTK_BOX(content), dialog->forecast, FALSE, FALSE, 0);
  g_signal_connect(dialog->window, "response", G_CALLBACK(on_response), dialog);
  g_signal_connect(dialog->window, "delete-event", G_CALLBACK(gtk_true), NULL);
  g_signal_connect(dialog->window, "focus-in-event", G_CALLBACK(on_focus), dialog);
  g_signal_connect(form_get_expander(dialog->form), "notify::expanded", G_CALLBACK(on_expand),
                   dialog);
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

static void
begin(Dialog *dialog)
{
  g_autoptr(GError) problem = NULL;

  form_write(dialog->form, dialog->request);
  show_generating(dialog, FALSE);
  begin_preview(dialog, 0);
  if (!target_look(&dialog->looked, dialog->image, dialog->drawable, &problem))
    show_problem(problem->message, dialog);
  form_set_target(dialog->form, &dialog->looked);
  form_grab_focus(dialog->form);
  gtk_widget_show_all(gtk_dialog_get_content_area(GTK_DIALOG(dialog->window)));
  window_fit(dialog->scrolled);
  gimp_window_set_transient(GTK_WINDOW(dialog->window));
  gtk_widget_show_all(dialog->window);
  dialog->look = g_timeout_add(LOOK_INTERVAL, on_look, dialog);
}

LayerRef
dialog_run(ImageRef image, DrawableRef drawable, DdimRequest *request, GError **error)
{
  static const RunsCallbacks callbacks = {on_report, on_finished};
  Dialog dialog = {
      .image = image, .drawable = drawable, .request = request, .layer = NO_LAYER, .used = -1};

  dialog_init_toolkit();
  build(&dialog);
  dialog.runs = runs_new(&callbacks, &dialog);
  begin(&dialog);
  gtk_main();

  /* The thread may need the rest of its step. */
  window_hide(dialog.window);
  runs_free(dialog.runs);
  drop_source(&dialog.draft);
  drop_source(&dialog.look);
  drop_source(&dialog.idle);
  drop_source(&dialog.fit);
  gtk_widget_destroy(dialog.window);
  form_free(dialog.form);
  sheet_free(dialog.sheet);
  g_free(dialog.drafted);
  target_clear(&dialog.target);
  return dialog.layer;
}
