/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The front end for GIMP 2.10: registers the procedures and translates their positional arguments.
 */
#include "plugin/layers/run.h"

#include <glib/gi18n-lib.h>
#include "opencl/device/compile-worker.h"
#include "plugin/dialog/dialog.h"
#include "plugin/gimp-2.10/edits.h"
#include "plugin/gimp-2.10/procedure.h"
#include "plugin/work/devices.h"
#include "plugin/work/place.h"
#include "plugin/work/settings.h"

static GParamSpec *
get_pspec(const char *option, gconstpointer data)
{
  return settings_get_pspec(option);
}

static char *
get_help(const char *option, gconstpointer data)
{
  return settings_get_help(option);
}

static void
query(void)
{
  g_autofree const char **options = settings_list_options();
  g_autofree char *help = place_get_help_uri();
  const ProcedureInfo info = {.name = PROCEDURE_NAME,
                              .label = run_get_menu_label(),
                              .blurb = run_get_blurb(),
                              .help = run_get_help(),
                              .menu = "<Image>/Filters/Generate",
                              .input = "The new layer comes above this one",
                              .arguments = options,
                              .get_pspec = get_pspec,
                              .get_help = get_help};

  gimp_plugin_domain_register(GETTEXT_PACKAGE, place_get_locale_dir());
  if (help)
    gimp_plugin_help_register(PLACE_HELP_DOMAIN, help);
  gimp_plugin_menu_branch_register("<Image>/Filters", N_("Generate"));
  procedure_install(&info);
  edits_install();
}

static gboolean
set_value(gpointer request, const char *name, const GValue *value, GError **error)
{
  return settings_set_value(request, name, value, error);
}

static gboolean
read_params(DdimRequest *request, const GimpParam *params, int n_params, GError **error)
{
  g_autofree const char **options = settings_list_options();

  return procedure_read(options, params, n_params, set_value, request, error);
}

/* libgimp 2.10 keeps settings only until GIMP ends; those in this file last. */
static DdimRequest *
load_settings(void)
{
  g_autofree char *path = gimp_personal_rc_file("ddim.json"), *json = NULL;
  DdimRequest *request = NULL;

  if (g_file_get_contents(path, &json, NULL, NULL))
    request = ddim_request_new_from_json(json, NULL);
  return request ? request : ddim_request_new();
}

static void
save_settings(DdimRequest *request)
{
  g_autofree char *path = gimp_personal_rc_file("ddim.json"), *json = settings_to_json(request);

  g_file_set_contents(path, json, -1, NULL);
}

static LayerRef
dispatch(GimpRunMode run_mode, int n_params, const GimpParam *params, GimpPDBStatusType *status,
         GError **error)
{
  gint32 image = params[1].data.d_image, drawable = params[2].data.d_drawable;
  g_autoptr(DdimRequest) request = NULL;
  LayerRef layer;

  if (run_mode == GIMP_RUN_NONINTERACTIVE) {
    request = ddim_request_new();
    if (!read_params(request, params, n_params, error)) {
      *status = GIMP_PDB_CALLING_ERROR;
      return NO_LAYER;
    }
    return run_once(image, drawable, request, error);
  }
  request = load_settings();
  if (run_mode == GIMP_RUN_WITH_LAST_VALS)
    return run_again(image, drawable, request, error);
  layer = dialog_run(image, drawable, request, error);
  if (layer != NO_LAYER)
    save_settings(request);
  else if (!*error)
    *status = GIMP_PDB_CANCEL;
  return layer;
}

static void
run(const char *name, int n_params, const GimpParam *params, int *n_return_vals,
    GimpParam **return_vals)
{
  static GimpParam values[2];
  static char *message; /* GIMP reads it after the return */
  const EditCommand *command = edit_command_find(name);
  GimpRunMode run_mode = params[0].data.d_int32;
  GimpPDBStatusType status = GIMP_PDB_EXECUTION_ERROR;
  g_autoptr(GError) error = NULL;
  LayerRef layer;

  place_init_i18n();
  run_init();
  layer = command ? edits_run(command, n_params, params, &status, &error)
                  : dispatch(run_mode, n_params, params, &status, &error);
  *return_vals = values;
  *n_return_vals = 1;
  values[0].type = GIMP_PDB_STATUS;
  if (layer != NO_LAYER) {
    status = GIMP_PDB_SUCCESS;
    values[1].type = GIMP_PDB_LAYER;
    values[1].data.d_layer = layer;
    *n_return_vals = 2;
    if (run_mode != GIMP_RUN_NONINTERACTIVE)
      gimp_displays_flush();
  } else if (error) {
    g_free(message);
    message = g_strdup(error->message);
    values[1].type = GIMP_PDB_STRING;
    values[1].data.d_string = message;
    *n_return_vals = 2;
  }
  values[0].data.d_status = status;
}

const GimpPlugInInfo PLUG_IN_INFO = {NULL, NULL, query, run};

/* Does what MAIN() does, and also the work of the processes that the plug-in starts: compile
 * workers, and those that look for devices. */
int
main(int argc, char **argv)
{
  int status;

  if (ddim_compile_worker_begin(argc, argv, &status) || devices_begin(argc, argv, &status))
    return status;
  return gimp_main(&PLUG_IN_INFO, argc, argv);
}
