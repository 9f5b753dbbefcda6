/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The front end for GIMP 2.10: registers the procedure and translates its positional arguments. */
#include "plugin/layers/run.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include "core/data/error.h"
#include "opencl/device/compile-worker.h"
#include "plugin/dialog/dialog.h"
#include "plugin/work/devices.h"
#include "plugin/work/place.h"
#include "plugin/work/settings.h"

/* run-mode, image and drawable come before the options. */
#define N_FIXED 3

static const GimpParamDef fixed_params[N_FIXED] = {
    {GIMP_PDB_INT32, (char *)"run-mode",
     (char *)"RUN-INTERACTIVE, RUN-NONINTERACTIVE or RUN-WITH-LAST-VALS"},
    {GIMP_PDB_IMAGE, (char *)"image", (char *)"The image"},
    {GIMP_PDB_DRAWABLE, (char *)"drawable", (char *)"The new layer comes above this one"},
};

static GimpPDBArgType
arg_type(const GParamSpec *pspec)
{
  if (G_IS_PARAM_SPEC_INT(pspec))
    return GIMP_PDB_INT32;
  /* 64-bit seeds do not fit an INT32. */
  return G_IS_PARAM_SPEC_STRING(pspec) ? GIMP_PDB_STRING : GIMP_PDB_FLOAT;
}

static void
query(void)
{
  static const GimpParamDef returns[] = {
      {GIMP_PDB_LAYER, (char *)"layer", (char *)"The new layer, or the group of several"}};
  g_autofree const char **options = settings_list_options();
  guint n = N_FIXED + g_strv_length((char **)options);
  g_autofree GimpParamDef *params = g_new0(GimpParamDef, n);
  g_autofree char *icon = place_get_file("ddim.svg"), *help = place_get_help_uri();

  memcpy(params, fixed_params, sizeof fixed_params);
  for (guint i = N_FIXED; i < n; i++) {
    const char *name = options[i - N_FIXED];
    params[i].type = arg_type(settings_get_pspec(name));
    params[i].name = (char *)name;
    params[i].description = settings_get_help(name);
  }
  gimp_plugin_domain_register(GETTEXT_PACKAGE, place_get_locale_dir());
  if (help)
    gimp_plugin_help_register(PLACE_HELP_DOMAIN, help);
  gimp_plugin_menu_branch_register("<Image>/Filters", N_("_Generate"));
  gimp_install_procedure(PROCEDURE_NAME, run_get_blurb(), run_get_help(), RUN_AUTHORS,
                         RUN_COPYRIGHT, RUN_DATE, run_get_menu_label(), "RGB*, GRAY*, INDEXED*",
                         GIMP_PLUGIN, n, G_N_ELEMENTS(returns), params, returns);
  gimp_plugin_menu_register(PROCEDURE_NAME, "<Image>/Filters/Generate");
  if (icon)
    gimp_plugin_icon_register(PROCEDURE_NAME, GIMP_ICON_TYPE_IMAGE_FILE, (const guint8 *)icon);
  for (guint i = N_FIXED; i < n; i++)
    g_free(params[i].description);
}

static gboolean
read_params(DdimRequest *request, const GimpParam *params, int n_params, GError **error)
{
  g_autofree const char **options = settings_list_options();
  int expected = N_FIXED + g_strv_length((char **)options);

  if (n_params != expected) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT, _("%d arguments were given; %d are needed"),
                n_params, expected);
    return FALSE;
  }
  for (int i = N_FIXED; i < n_params; i++) {
    g_auto(GValue) value = G_VALUE_INIT;
    switch (params[i].type) {
    case GIMP_PDB_INT32:
      g_value_init(&value, G_TYPE_INT);
      g_value_set_int(&value, params[i].data.d_int32);
      break;
    case GIMP_PDB_FLOAT:
      g_value_init(&value, G_TYPE_DOUBLE);
      g_value_set_double(&value, params[i].data.d_float);
      break;
    default:
      g_value_init(&value, G_TYPE_STRING);
      g_value_set_string(&value, params[i].data.d_string);
    }
    if (!settings_set_value(request, options[i - N_FIXED], &value, error))
      return FALSE;
  }
  return TRUE;
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
    return run_once(image, drawable, request, error);
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
  GimpRunMode run_mode = params[0].data.d_int32;
  GimpPDBStatusType status = GIMP_PDB_EXECUTION_ERROR;
  g_autoptr(GError) error = NULL;
  LayerRef layer;

  place_init_i18n();
  run_init();
  layer = dispatch(run_mode, n_params, params, &status, &error);
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
