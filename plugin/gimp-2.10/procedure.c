/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/gimp-2.10/procedure.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include "core/data/error.h"
#include "plugin/layers/run.h"
#include "plugin/work/place.h"

static GimpPDBArgType
arg_type(const GParamSpec *pspec)
{
  if (G_IS_PARAM_SPEC_INT(pspec) || G_IS_PARAM_SPEC_BOOLEAN(pspec))
    return GIMP_PDB_INT32;
  /* 64-bit seeds do not fit an INT32. */
  return G_IS_PARAM_SPEC_STRING(pspec) ? GIMP_PDB_STRING : GIMP_PDB_FLOAT;
}

void
procedure_install(const ProcedureInfo *info)
{
  static const GimpParamDef returns[] = {
      {GIMP_PDB_LAYER, (char *)"layer", (char *)"The new layer, or the group of several"}};
  const GimpParamDef fixed[PROCEDURE_N_FIXED] = {
      {GIMP_PDB_INT32, (char *)"run-mode",
       (char *)"RUN-INTERACTIVE, RUN-NONINTERACTIVE or RUN-WITH-LAST-VALS"},
      {GIMP_PDB_IMAGE, (char *)"image", (char *)"The image"},
      {GIMP_PDB_DRAWABLE, (char *)"drawable", (char *)info->input},
  };
  guint n = PROCEDURE_N_FIXED + g_strv_length((char **)info->arguments);
  g_autofree GimpParamDef *params = g_new0(GimpParamDef, n);
  g_autofree char *icon = place_get_file("ddim.svg");

  memcpy(params, fixed, sizeof fixed);
  for (guint i = PROCEDURE_N_FIXED; i < n; i++) {
    const char *name = info->arguments[i - PROCEDURE_N_FIXED];
    params[i].type = arg_type(info->get_pspec(name, info->data));
    params[i].name = (char *)name;
    params[i].description = info->get_help(name, info->data);
  }
  gimp_install_procedure(info->name, info->blurb, info->help, RUN_AUTHORS, RUN_COPYRIGHT, RUN_DATE,
                         info->label, "RGB*, GRAY*, INDEXED*", GIMP_PLUGIN, n,
                         G_N_ELEMENTS(returns), params, returns);
  gimp_plugin_menu_register(info->name, info->menu);
  if (icon)
    gimp_plugin_icon_register(info->name, GIMP_ICON_TYPE_IMAGE_FILE, (const guint8 *)icon);
  for (guint i = PROCEDURE_N_FIXED; i < n; i++)
    g_free(params[i].description);
}

gboolean
procedure_read(const char **arguments, const GimpParam *params, int n_params, ProcedureSetFunc set,
               gpointer settings, GError **error)
{
  int expected = PROCEDURE_N_FIXED + g_strv_length((char **)arguments);

  if (n_params != expected) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT, _("%d arguments were given; %d are needed"),
                n_params, expected);
    return FALSE;
  }
  for (int i = PROCEDURE_N_FIXED; i < n_params; i++) {
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
    if (!set(settings, arguments[i - PROCEDURE_N_FIXED], &value, error))
      return FALSE;
  }
  return TRUE;
}
