/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/gimp-3/edits.h"

#include <glib/gi18n-lib.h>
#include "core/data/error.h"
#include "plugin/dialog/edit-dialog.h"
#include "plugin/edit/run.h"
#include "plugin/gimp-3/procedure.h"
#include "plugin/layers/layers.h"
#include "plugin/layers/run.h"

/* ---- settings ---- */

static gboolean
read_config(EditSettings *settings, GObject *config, GError **error)
{
  g_autofree const char **names = edit_command_list_arguments(settings->command);

  for (guint i = 0; names[i]; i++) {
    g_auto(GValue) value = G_VALUE_INIT;
    g_object_get_property(config, names[i], &value);
    if (!edit_settings_set_value(settings, names[i], &value, error))
      return FALSE;
  }
  return TRUE;
}

static void
write_config(const EditSettings *settings, GObject *config)
{
  g_autofree const char **names = edit_command_list_arguments(settings->command);

  for (guint i = 0; names[i]; i++) {
    GType type = g_object_class_find_property(G_OBJECT_GET_CLASS(config), names[i])->value_type;
    g_auto(GValue) value = G_VALUE_INIT;
    g_value_init(&value, type);
    edit_settings_get_value(settings, names[i], &value);
    g_object_set_property(config, names[i], &value);
  }
}

/* ---- running ---- */

/* A script may give several layers; one is changed. */
static gboolean
check_drawables(GimpDrawable **drawables, GError **error)
{
  if (!drawables || !drawables[0] || !drawables[1])
    return TRUE;
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
              _("Several layers are chosen; choose one of them"));
  return FALSE;
}

static LayerRef
dispatch(const EditCommand *command, GimpRunMode run_mode, GimpImage *image,
         GimpDrawable **drawables, GimpProcedureConfig *config, GimpPDBStatusType *status,
         GError **error)
{
  g_autoptr(EditSettings) settings = edit_settings_new(command);
  GimpDrawable *drawable = drawables ? drawables[0] : NULL;
  LayerRef layer;

  if (!check_drawables(drawables, error) || !read_config(settings, G_OBJECT(config), error)) {
    *status = GIMP_PDB_CALLING_ERROR;
    return NO_LAYER;
  }
  if (run_mode != GIMP_RUN_INTERACTIVE)
    layer = edit_run_once(image, drawable, settings, error);
  else if ((layer = edit_dialog_run(image, drawable, settings, error)))
    write_config(settings, G_OBJECT(config));
  else if (!*error)
    *status = GIMP_PDB_CANCEL;
  if (layer && run_mode != GIMP_RUN_NONINTERACTIVE && layers_get_image(layer) != image)
    gimp_display_new(layers_get_image(layer));
  return layer;
}

static GimpValueArray *
run(GimpProcedure *procedure, GimpRunMode run_mode, GimpImage *image, GimpDrawable **drawables,
    GimpProcedureConfig *config, gpointer run_data)
{
  GimpPDBStatusType status = GIMP_PDB_EXECUTION_ERROR;
  GError *error = NULL;
  LayerRef layer;

  run_init();
  layer = dispatch(run_data, run_mode, image, drawables, config, &status, &error);
  return procedure_return(procedure, run_mode, status, layer, error);
}

/* ---- registering ---- */

GimpProcedure *
edits_create(GimpPlugIn *plug_in, const EditCommand *command)
{
  g_autofree char *menu = g_build_path("/", "<Image>/Filters", _("Generate"), "DDI_M", NULL);
  g_autofree const char **names = edit_command_list_arguments(command);
  ProcedureInfo info = {.name = command->procedure,
                        .label = command->label,
                        .blurb = command->blurb,
                        .help = command->help,
                        .menu = menu,
                        .run = run,
                        .data = command,
                        .sensitivity = GIMP_PROCEDURE_SENSITIVE_DRAWABLE};
  GimpProcedure *procedure;

  if (command->traits & EDIT_GOES_BETWEEN)
    info.sensitivity |= GIMP_PROCEDURE_SENSITIVE_DRAWABLES | GIMP_PROCEDURE_SENSITIVE_NO_DRAWABLES |
                        GIMP_PROCEDURE_SENSITIVE_NO_IMAGE;
  procedure = procedure_new(plug_in, &info);
  for (guint i = 0; names[i]; i++) {
    g_autofree char *help = edit_command_get_help(command, names[i]);
    procedure_add_argument(procedure, edit_command_get_pspec(command, names[i]), help);
  }
  return procedure;
}

GList *
edits_list(GList *list)
{
  guint n;
  const EditCommand *commands = edit_commands_get(&n);

  for (guint i = 0; i < n; i++)
    list = g_list_append(list, g_strdup(commands[i].procedure));
  return list;
}
