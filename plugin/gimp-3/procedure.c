/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/gimp-3/procedure.h"

#include <glib/gi18n-lib.h>
#include "plugin/layers/run.h"
#include "plugin/work/place.h"

GimpProcedure *
procedure_new(GimpPlugIn *plug_in, const ProcedureInfo *info)
{
  g_autofree char *icon = place_get_file("ddim.svg"), *help = place_get_help_uri();
  GimpProcedure *procedure = gimp_image_procedure_new(
      plug_in, info->name, GIMP_PDB_PROC_TYPE_PLUGIN, info->run, (gpointer)info->data, NULL);

  gimp_procedure_set_image_types(procedure, "*");
  gimp_procedure_set_sensitivity_mask(procedure, info->sensitivity);
  gimp_procedure_set_menu_label(procedure, _(info->label));
  gimp_procedure_add_menu_path(procedure, info->menu);
  gimp_procedure_set_documentation(procedure, _(info->blurb), _(info->help), info->name);
  gimp_procedure_set_attribution(procedure, RUN_AUTHORS, RUN_COPYRIGHT, RUN_DATE);
  if (icon) {
    g_autoptr(GFile) file = g_file_new_for_path(icon);
    gimp_procedure_set_icon_file(procedure, file);
  }
  if (help) {
    g_autoptr(GFile) file = g_file_new_for_uri(help);
    gimp_plug_in_set_help_domain(plug_in, PLACE_HELP_DOMAIN, file);
  }
  gimp_procedure_add_layer_return_value(procedure, "layer", _("Layer"),
                                        _("The new layer, or the group of several"), FALSE,
                                        G_PARAM_READWRITE);
  return procedure;
}

void
procedure_add_argument(GimpProcedure *procedure, GParamSpec *pspec, const char *help)
{
  const char *name = pspec->name, *nick = g_param_spec_get_nick(pspec);

  if (G_IS_PARAM_SPEC_INT(pspec))
    gimp_procedure_add_int_argument(procedure, name, nick, help, G_MININT, G_MAXINT,
                                    G_PARAM_SPEC_INT(pspec)->default_value, G_PARAM_READWRITE);
  else if (G_IS_PARAM_SPEC_BOOLEAN(pspec))
    gimp_procedure_add_boolean_argument(
        procedure, name, nick, help, G_PARAM_SPEC_BOOLEAN(pspec)->default_value, G_PARAM_READWRITE);
  else if (G_IS_PARAM_SPEC_INT64(pspec)) /* GIMP has no 64-bit integers */
    gimp_procedure_add_double_argument(procedure, name, nick, help, -G_MAXDOUBLE, G_MAXDOUBLE,
                                       G_PARAM_SPEC_INT64(pspec)->default_value, G_PARAM_READWRITE);
  else if (G_IS_PARAM_SPEC_DOUBLE(pspec))
    gimp_procedure_add_double_argument(procedure, name, nick, help, -G_MAXDOUBLE, G_MAXDOUBLE,
                                       G_PARAM_SPEC_DOUBLE(pspec)->default_value,
                                       G_PARAM_READWRITE);
  else {
    const char *text = G_PARAM_SPEC_STRING(pspec)->default_value;
    gimp_procedure_add_string_argument(procedure, name, nick, help, text ? text : "",
                                       G_PARAM_READWRITE);
  }
}

GimpValueArray *
procedure_return(GimpProcedure *procedure, GimpRunMode run_mode, GimpPDBStatusType status,
                 GimpLayer *layer, GError *error)
{
  GimpValueArray *values;

  if (!layer)
    return gimp_procedure_new_return_values(procedure, status, error);
  if (run_mode != GIMP_RUN_NONINTERACTIVE)
    gimp_displays_flush();
  values = gimp_procedure_new_return_values(procedure, GIMP_PDB_SUCCESS, NULL);
  GIMP_VALUES_SET_LAYER(values, 1, layer);
  return values;
}
