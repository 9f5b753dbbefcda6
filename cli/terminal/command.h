/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "cli/terminal/help.h"
#include "core/data/error.h"

G_BEGIN_DECLS

/** Exit codes of every sub-command. */
enum {
  DDIM_EXIT_OK = 0,
  DDIM_EXIT_FAILURE = 1, /**< the work failed: one line on stderr says why */
  DDIM_EXIT_USAGE = 2,   /**< the command line cannot be read, or a value is out of its range */
  DDIM_EXIT_CANCELLED = 130
};

/** Parse the command line of one sub-command.
 * @entries    ended by G_OPTION_ENTRY_NULL; texts are translatable
 * @user_data  what G_OPTION_ARG_CALLBACK entries receive
 * @argc,argv  in: all; out: argv[0] and the positional arguments
 * Returns TRUE when the command shall run; else @code is the exit code, and a usage error has been
 * printed. */
gboolean ddim_cli_parse(DdimCli *cli, const DdimHelp *help, const GOptionEntry *entries,
                        gpointer user_data, int *argc, char ***argv, int *code);

/** Print `ddim: MESSAGE` as one line on stderr and return DDIM_EXIT_FAILURE. */
int ddim_cli_fail(const GError *error);
/** Print a usage error in the same way, with a hint at --help, and return DDIM_EXIT_USAGE. Takes a
 * printf format. */
int ddim_cli_usage(const char *format, ...) G_GNUC_PRINTF(1, 2);
/** Set @error, of DDIM_ERROR, and return FALSE. Takes a printf format. */
gboolean ddim_cli_refuse(GError **error, DdimError code, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
/** Print `ddim: MESSAGE` as one line on stderr. */
void ddim_cli_warn(const char *format, ...) G_GNUC_PRINTF(1, 2);

G_END_DECLS
