/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/dialog/model-choice.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include "core/model/models.h"
#include "plugin/work/names.h"

struct _ModelChoice {
  GtkWidget *model, *note;
  ClassChoice *class;
  UiChanged changed;
  gpointer changed_data;
  UiProblem problem;
  gpointer problem_data;

  GCancellable *cancellable; /* stops the making of the lists */
  guint n_pending;           /* how many lists are being made */
  GPtrArray *models;         /* (nullable) of CatalogModel */
  char *wanted;              /* (nullable) the model chosen before the list was there */
  gboolean folder_opened;    /* the user may have added models */
  gboolean writing;          /* the program, not the user, changes the model */
};

const CatalogModel *
model_choice_get(ModelChoice *choice)
{
  g_autofree char *name = ui_choice_get(choice->model);

  for (guint i = 0; choice->models && i < choice->models->len; i++) {
    const CatalogModel *model = g_ptr_array_index(choice->models, i);
    if (g_str_equal(model->name, *name ? name : DDIM_DEFAULT_MODEL))
      return model;
  }
  return NULL;
}

/* ---- models ---- */

/* @other  the user chose it */
static void
show_model(ModelChoice *choice, gboolean other)
{
  const CatalogModel *model = model_choice_get(choice);
  const char *note = !model ? NULL : model->error ? model->error : model->description;

  note = names_show_description(note);
  gtk_label_set_text(GTK_LABEL(choice->note), note ? note : "");
  gtk_widget_set_visible(choice->note, note != NULL);
  class_choice_set_model(choice->class, model, other);
  choice->changed(choice->changed_data);
}

static void
on_model_changed(GtkWidget *combo, ModelChoice *choice)
{
  if (!choice->writing)
    show_model(choice, TRUE);
}

static char *
describe(const CatalogModel *model)
{
  g_autofree char *size = g_format_size(model->size);

  return model->license ? g_strdup_printf("%s (%s, %s)", model->name, size, model->license)
                        : g_strdup_printf("%s (%s)", model->name, size);
}

static void
on_models(GObject *source, GAsyncResult *result, gpointer user_data)
{
  GPtrArray *models = catalog_models_finish(result, NULL);
  ModelChoice *choice = user_data;
  g_autofree char *wanted = NULL;

  choice->n_pending--;
  if (!models) /* cancelled: the widgets are gone */
    return;
  class_choice_set_model(choice->class, NULL, FALSE);
  wanted = choice->models ? ui_choice_get(choice->model) : g_strdup(choice->wanted);
  g_clear_pointer(&choice->models, g_ptr_array_unref);
  choice->models = models;
  choice->writing = TRUE;
  ui_choice_clear(choice->model);
  for (guint i = 0; i < models->len; i++) {
    const CatalogModel *model = g_ptr_array_index(models, i);
    g_autofree char *text = describe(model);
    ui_choice_add(choice->model, model->name, text);
  }
  ui_choice_set_or_add(choice->model, wanted ? wanted : DDIM_DEFAULT_MODEL);
  choice->writing = FALSE;
  show_model(choice, FALSE);
}

static void
look_for_models(ModelChoice *choice)
{
  choice->n_pending++;
  catalog_models_async(choice->cancellable, on_models, choice);
}

void
model_choice_refresh(ModelChoice *choice)
{
  if (choice->folder_opened)
    look_for_models(choice);
  choice->folder_opened = FALSE;
}

static void
on_open_folder(GtkWidget *button, ModelChoice *choice)
{
  g_autofree char *folder = g_build_filename(g_get_user_data_dir(), "ddim", "models", NULL);
  g_autofree char *uri = g_filename_to_uri(folder, NULL, NULL);
  g_autoptr(GError) error = NULL;

  g_mkdir_with_parents(folder, 0755);
  choice->folder_opened = TRUE;
  if (!g_app_info_launch_default_for_uri(uri, NULL, &error)) {
    g_autofree char *message = g_strdup_printf(
        _("The models folder is %s; it cannot be opened here: %s"), folder, error->message);
    choice->problem(message, choice->problem_data);
  }
}

/* ---- building ---- */

ModelChoice *
model_choice_new(UiRows *rows, ClassOpen open, UiChanged changed, gpointer changed_data,
                 UiProblem problem, gpointer problem_data)
{
  ModelChoice *choice = g_new0(ModelChoice, 1);
  GtkWidget *folder = gtk_button_new();
  GtkWidget *icon = gtk_image_new_from_icon_name(GIMP_ICON_DOCUMENT_OPEN, GTK_ICON_SIZE_MENU);

  choice->changed = changed;
  choice->changed_data = changed_data;
  choice->problem = problem;
  choice->problem_data = problem_data;
  choice->cancellable = g_cancellable_new();
  choice->model = ui_choice_new();
  ui_choice_add(choice->model, "", _("Looking for models…"));
  gtk_combo_box_set_active(GTK_COMBO_BOX(choice->model), 0);
  choice->note = ui_note_new(36);
  gtk_container_add(GTK_CONTAINER(folder), icon);
  ui_set_tooltip(folder, _("Open the folder for models: what is put there can be chosen"));
  ui_rows_add(rows, N_("Model"), choice->model, ui_pack(choice->model, folder),
              _("The diffusion model that makes the image"));
  ui_rows_add_wide(rows, choice->note);
  choice->class = class_choice_new(rows, open, changed, changed_data);
  g_signal_connect(choice->model, "changed", G_CALLBACK(on_model_changed), choice);
  g_signal_connect(folder, "clicked", G_CALLBACK(on_open_folder), choice);
  look_for_models(choice);
  return choice;
}

void
model_choice_free(ModelChoice *choice)
{
  g_cancellable_cancel(choice->cancellable);
  while (choice->n_pending)
    g_main_context_iteration(NULL, TRUE);
  g_object_unref(choice->cancellable);
  class_choice_free(choice->class);
  g_clear_pointer(&choice->models, g_ptr_array_unref);
  g_free(choice->wanted);
  g_free(choice);
}

void
model_choice_grab_focus(ModelChoice *choice)
{
  class_choice_grab_focus(choice->class);
}

/* ---- values ---- */

void
model_choice_write(ModelChoice *choice, DdimRequest *request)
{
  g_clear_pointer(&choice->wanted, g_free);
  g_object_get(request, "model", &choice->wanted, NULL);
  class_choice_write(choice->class, request);
  if (choice->models) {
    choice->writing = TRUE;
    ui_choice_set_or_add(choice->model, choice->wanted ? choice->wanted : DDIM_DEFAULT_MODEL);
    choice->writing = FALSE;
  }
  show_model(choice, FALSE);
}

void
model_choice_read(ModelChoice *choice, DdimRequest *request)
{
  g_autofree char *model = choice->models ? ui_choice_get(choice->model) : g_strdup(choice->wanted);

  g_object_set(request, "model", model && *model ? model : NULL, NULL);
  class_choice_read(choice->class, request);
}

ClassChoice *
model_choice_get_class(ModelChoice *choice)
{
  return choice->class;
}
