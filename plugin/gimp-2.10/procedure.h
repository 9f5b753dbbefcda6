/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <libgimp/gimp.h>

G_BEGIN_DECLS

/** What all procedures of the plug-in have in common in GIMP 2.10. */

/** run-mode, image and drawable come before the options. */
#define PROCEDURE_N_FIXED 3

typedef struct {
  const char *name, *label, *blurb, *help;
  const char *menu;       /**< the path that the entry is in */
  const char *input;      /**< (translatable) what the drawable is */
  const char **arguments; /**< names of those that follow the fixed ones, NULL-terminated */
  GParamSpec *(*get_pspec)(const char *argument, gconstpointer data);
  char *(*get_help)(const char *argument, gconstpointer data); /**< (transfer full) */
  gconstpointer data;
} ProcedureInfo;

void procedure_install(const ProcedureInfo *info);

/** Take argument @name as @value; FALSE with @error set when it is not valid. */
typedef gboolean (*ProcedureSetFunc)(gpointer settings, const char *name, const GValue *value,
                                     GError **error);

/** Hand the arguments of a call over, one by one. @arguments  as above */
gboolean procedure_read(const char **arguments, const GimpParam *params, int n_params,
                        ProcedureSetFunc set, gpointer settings, GError **error);

G_END_DECLS
