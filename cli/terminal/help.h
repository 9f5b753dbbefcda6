/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** What `ddim NAME --help` and the manual page say beside the options. All texts are translatable
 * (N_). */
typedef struct {
  const char *arguments;   /**< (nullable) positional arguments: "IN OUT" */
  int min_args, max_args;  /**< how many positional arguments there may be */
  const char *description; /**< what it does: one or more paragraphs */
  const char *examples;    /**< one command per line */
} DdimHelp;

/** Receives the description of a command, which is then not run: @name is "ddim generate", for
 * example. */
typedef void (*DdimDescribeFunc)(gpointer data, const char *name, const DdimHelp *help,
                                 const GOptionEntry *entries);

/** What a run of the program is for. */
typedef struct {
  DdimDescribeFunc describe; /**< (nullable) when set, commands do not run: ddim_cli_parse() calls
                                it, for the manual page and for completion */
  gpointer describe_data;
} DdimCli;

/** One command: `ddim NAME …`. To add one: a file cli/commands/NAME.c with its function, a line in
 * commands.h, in the table of main.c and in meson.build. */
typedef struct {
  const char *name;
  const char *summary; /**< one translatable line for `ddim --help` */
  /** @argv[0] is "ddim NAME". Returns the exit code. Must begin with ddim_cli_parse(). */
  int (*run)(DdimCli *cli, int argc, char **argv);
} DdimCommand;

G_END_DECLS
