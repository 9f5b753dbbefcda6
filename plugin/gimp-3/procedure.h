/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <libgimp/gimp.h>

G_BEGIN_DECLS

/** What all procedures of the plug-in have in common in GIMP 3. */

typedef struct {
  const char *name, *label, *blurb, *help; /**< all but the name (translatable) */
  const char *menu;                        /**< the path that the entry is in, translated */
  GimpRunImageFunc run;
  gconstpointer data; /**< for `run` */
  GimpProcedureSensitivityMask sensitivity;
} ProcedureInfo;

/** (transfer full) Without arguments. */
GimpProcedure *procedure_new(GimpPlugIn *plug_in, const ProcedureInfo *info);
/** Add one argument. Ranges are left to the plug-in: libgimp and Script-Fu would clamp silently or
 * complain without the argument's name. */
void procedure_add_argument(GimpProcedure *procedure, GParamSpec *pspec, const char *help);

/** What run() returns.
 * @layer   NULL on failure
 * @error   (transfer full) (nullable) */
GimpValueArray *procedure_return(GimpProcedure *procedure, GimpRunMode run_mode,
                                 GimpPDBStatusType status, GimpLayer *layer, GError *error);

G_END_DECLS
