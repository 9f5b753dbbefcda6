/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/gimp-2.10/edits.h"

#include <glib/gi18n-lib.h>
#include "plugin/dialog/edit-dialog.h"
#include "plugin/edit/run.h"
#include "plugin/gimp-2.10/procedure.h"
#include "plugin/layers/layers.h"

static GParamSpec *
get_pspec(const char *argument, gconstpointer data)
{
  return edit_command_get_pspec(data, argument);
}

static char *
get_help(const char *argument, gconstpointer data)
{
  return edit_command_get_help(data, argument);
}

static void
install(const EditCommand *command)
{
  g_autofree const char **arguments = edit_command_list_arguments(command);
  const ProcedureInfo info = {.name = command->procedure,
                              .label = command->label,
                              .blurb = command->blurb,
                              .help = command->help,
                              .menu = "<Image>/Filters/Generate/DDIM",
                              .input = "The layer, which is not changed",
                              .arguments = arguments,
                              .get_pspec = get_pspec,
                              .get_help = get_help,
                              .data = command};

  procedure_install(&info);
}

void
edits_install(void)
{
  guint n;
  const EditCommand *commands = edit_commands_get(&n);

  gimp_plugin_menu_branch_register("<Image>/Filters/Generate", "DDI_M");
  for (guint i = 0; i < n; i++)
    install(&commands[i]);
}

/* ---- settings, which outlive GIMP in a file for each procedure ---- */

static char *
get_file(const EditCommand *command)
{
  g_autofree char *name = g_strdup_printf("ddim-%s.json", ddim_command_get_name(command->command));

  return gimp_personal_rc_file(name);
}

static EditSettings *
load(const EditCommand *command)
{
  g_autofree char *path = get_file(command), *json = NULL;

  return g_file_get_contents(path, &json, NULL, NULL) ? edit_settings_from_json(command, json)
                                                      : edit_settings_new(command);
}

static void
save(const EditSettings *settings)
{
  g_autofree char *path = get_file(settings->command), *json = edit_settings_to_json(settings);

  g_file_set_contents(path, json, -1, NULL);
}

/* ---- running ---- */

static gboolean
set_value(gpointer settings, const char *name, const GValue *value, GError **error)
{
  return edit_settings_set_value(settings, name, value, error);
}

LayerRef
edits_run(const EditCommand *command, int n_params, const GimpParam *params,
          GimpPDBStatusType *status, GError **error)
{
  const GimpRunMode run_mode = params[0].data.d_int32;
  const ImageRef image = params[1].data.d_image;
  const DrawableRef drawable = params[2].data.d_drawable;
  g_autoptr(EditSettings) settings = NULL;
  LayerRef layer;

  if (run_mode == GIMP_RUN_NONINTERACTIVE) {
    g_autofree const char **arguments = edit_command_list_arguments(command);
    settings = edit_settings_new(command);
    if (procedure_read(arguments, params, n_params, set_value, settings, error))
      return edit_run_once(image, drawable, settings, error);
    *status = GIMP_PDB_CALLING_ERROR;
    return NO_LAYER;
  }
  settings = load(command);
  if (run_mode == GIMP_RUN_WITH_LAST_VALS)
    layer = edit_run_once(image, drawable, settings, error);
  else if ((layer = edit_dialog_run(image, drawable, settings, error)) != NO_LAYER)
    save(settings);
  else if (!*error)
    *status = GIMP_PDB_CANCEL;
  if (layer != NO_LAYER && layers_get_image(layer) != image)
    gimp_display_new(layers_get_image(layer));
  return layer;
}
