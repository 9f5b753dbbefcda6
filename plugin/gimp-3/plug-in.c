/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The front end for GIMP 3: registers the procedures and translates their named arguments. */
#include "plugin/layers/run.h"

#include <glib/gi18n-lib.h>
#include "opencl/device/compile-worker.h"
#include "plugin/dialog/dialog.h"
#include "plugin/gimp-3/edits.h"
#include "plugin/gimp-3/procedure.h"
#include "plugin/work/devices.h"
#include "plugin/layers/layers.h"
#include "plugin/work/place.h"
#include "plugin/work/settings.h"

struct _DdimPlugIn {
  GimpPlugIn parent;
};

#define DDIM_TYPE_PLUG_IN (ddim_plug_in_get_type())
G_DECLARE_FINAL_TYPE(DdimPlugIn, ddim_plug_in, DDIM, PLUG_IN, GimpPlugIn)
G_DEFINE_TYPE(DdimPlugIn, ddim_plug_in, GIMP_TYPE_PLUG_IN)

/* ---- settings ---- */

static gboolean
request_from_config(DdimRequest *request, GObject *config, GError **error)
{
  g_autofree const char **options = settings_list_options();

  for (guint i = 0; options[i]; i++) {
    g_auto(GValue) value = G_VALUE_INIT;
    g_object_get_property(config, options[i], &value);
    if (!settings_set_value(request, options[i], &value, error))
      return FALSE;
  }
  return TRUE;
}

static void
request_to_config(DdimRequest *request, GObject *config)
{
  g_autofree const char **options = settings_list_options();

  for (guint i = 0; options[i]; i++) {
    const char *name = options[i];
    GType type = g_object_class_find_property(G_OBJECT_GET_CLASS(config), name)->value_type;
    g_auto(GValue) value = G_VALUE_INIT, converted = G_VALUE_INIT;

    g_object_get_property(G_OBJECT(request), name, &value);
    g_value_init(&converted, type);
    g_value_transform(&value, &converted);
    g_object_set_property(config, name, &converted);
  }
}

/* ---- the procedure ---- */

static LayerRef
dispatch(GimpRunMode run_mode, GimpImage *image, GimpDrawable *drawable,
         GimpProcedureConfig *config, GimpPDBStatusType *status, GError **error)
{
  g_autoptr(DdimRequest) request = ddim_request_new();
  LayerRef layer;

  if (!request_from_config(request, G_OBJECT(config), error)) {
    *status = GIMP_PDB_CALLING_ERROR;
    return NO_LAYER;
  }
  if (run_mode == GIMP_RUN_WITH_LAST_VALS)
    return run_again(image, drawable, request, error);
  if (run_mode != GIMP_RUN_INTERACTIVE)
    return run_once(image, drawable, request, error);
  layer = dialog_run(image, drawable, request, error);
  if (layer)
    request_to_config(request, G_OBJECT(config));
  else if (!*error)
    *status = GIMP_PDB_CANCEL;
  return layer;
}

static GimpValueArray *
run(GimpProcedure *procedure, GimpRunMode run_mode, GimpImage *image, GimpDrawable **drawables,
    GimpProcedureConfig *config, gpointer run_data)
{
  GimpPDBStatusType status = GIMP_PDB_EXECUTION_ERROR;
  GimpDrawable *drawable = drawables ? drawables[0] : NULL;
  GError *error = NULL;
  LayerRef layer;

  run_init();
  layer = dispatch(run_mode, image, drawable, config, &status, &error);
  if (layer && !image && run_mode == GIMP_RUN_WITH_LAST_VALS)
    gimp_display_new(layers_get_image(layer));
  return procedure_return(procedure, run_mode, status, layer, error);
}

static GimpProcedure *
ddim_plug_in_create_procedure(GimpPlugIn *plug_in, const char *name)
{
  const EditCommand *command = edit_command_find(name);
  g_autofree char *menu = g_build_path("/", "<Image>/Filters", _("Generate"), NULL);
  g_autofree const char **options = settings_list_options();
  const ProcedureInfo info = {
      .name = PROCEDURE_NAME,
      .label = run_get_menu_label(),
      .blurb = run_get_blurb(),
      .help = run_get_help(),
      .menu = menu,
      .run = run,
      .sensitivity = GIMP_PROCEDURE_SENSITIVE_DRAWABLE | GIMP_PROCEDURE_SENSITIVE_DRAWABLES |
                     GIMP_PROCEDURE_SENSITIVE_NO_DRAWABLES | GIMP_PROCEDURE_SENSITIVE_NO_IMAGE};
  GimpProcedure *procedure;

  if (command)
    return edits_create(plug_in, command);
  if (!g_str_equal(name, PROCEDURE_NAME))
    return NULL;
  procedure = procedure_new(plug_in, &info);
  for (guint i = 0; options[i]; i++) {
    g_autofree char *help = settings_get_help(options[i]);
    procedure_add_argument(procedure, settings_get_pspec(options[i]), help);
  }
  return procedure;
}

static GList *
ddim_plug_in_query_procedures(GimpPlugIn *plug_in)
{
  return edits_list(g_list_append(NULL, g_strdup(PROCEDURE_NAME)));
}

/* The catalogs may lie in the system's folder, which libgimp does not look into; so bind them here.
 */
static gboolean
ddim_plug_in_set_i18n(GimpPlugIn *plug_in, const char *name, char **domain, char **catalog_dir)
{
  place_init_i18n();
  return FALSE;
}

static void
drop_message(const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
}

/* GIMP may already have closed the connection; this is a race. Then libgimp 3.0 warns that it could
 * not send its last message. */
static void
ddim_plug_in_quit(GimpPlugIn *plug_in)
{
  g_log_set_handler("LibGimp", G_LOG_LEVEL_WARNING, drop_message, NULL);
}

static void
ddim_plug_in_class_init(DdimPlugInClass *klass)
{
  GimpPlugInClass *plug_in = GIMP_PLUG_IN_CLASS(klass);

  plug_in->query_procedures = ddim_plug_in_query_procedures;
  plug_in->create_procedure = ddim_plug_in_create_procedure;
  plug_in->set_i18n = ddim_plug_in_set_i18n;
  plug_in->quit = ddim_plug_in_quit;
}

static void
ddim_plug_in_init(DdimPlugIn *self)
{
}

/* Does what GIMP_MAIN() does, and also the work of the processes that the plug-in starts: compile
 * workers, and those that look for devices. */
int
main(int argc, char **argv)
{
  int status;

  if (ddim_compile_worker_begin(argc, argv, &status) || devices_begin(argc, argv, &status))
    return status;
  return gimp_main(DDIM_TYPE_PLUG_IN, argc, argv);
}
