/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/** What a request asks for: the commands that make pictures, as a set. */
typedef enum {
  DDIM_COMMAND_GENERATE = 1 << 0,
  DDIM_COMMAND_INPAINT = 1 << 1,
  DDIM_COMMAND_VARY = 1 << 2,
  DDIM_COMMAND_UPSCALE = 1 << 3,
  DDIM_COMMAND_COLORIZE = 1 << 4,
  DDIM_COMMAND_ENCODE = 1 << 5,
  DDIM_COMMAND_INTERPOLATE = 1 << 6,
  DDIM_COMMAND_SEAMLESS = 1 << 7,
  DDIM_COMMAND_ALL = (1 << 8) - 1
} DdimCommands;

/** The commands that change a picture. */
#define DDIM_COMMANDS_EDITS                                                                        \
  (DDIM_COMMAND_INPAINT | DDIM_COMMAND_VARY | DDIM_COMMAND_UPSCALE | DDIM_COMMAND_COLORIZE |       \
   DDIM_COMMAND_SEAMLESS)
/** Those of them that fill a hole in it. */
#define DDIM_COMMANDS_FILLS (DDIM_COMMAND_INPAINT | DDIM_COMMAND_SEAMLESS)

/** The name of one command: "inpaint". */
const char *ddim_command_get_name(DdimCommands command);
/** The command of this name; 0 when there is none. */
DdimCommands ddim_command_from_name(const char *name);

/** One option of a generation. The ONE table of options is in options.c: the properties of
 * DdimRequest, the command line with its help and manual page, the arguments of the GIMP procedure
 * and the settings in pictures are made from it. A new option is one entry there. */
typedef struct {
  const char *name; /**< name of the property, and of the option behind "--" */
  GType type; /**< G_TYPE_STRING, INT, INT64, DOUBLE or BOOLEAN; 0: no property of its own, see
                 "size" */
  const char *label; /**< (translatable) one or two words for a dialog */
  const char *help;  /**< (translatable) one line: what it is, and what a special value means */
  double minimum, maximum;    /**< of a number; the maximum of an INT64 is always the type's */
  double number;              /**< the default of a number; 1 or 0 of a BOOLEAN */
  const char *text;           /**< the default of a STRING; NULL: not set */
  const char *const *choices; /**< what a STRING may be, NULL-terminated; NULL: free text */

  guint on_command_line;    /**< its place in the help of a command, from 1; 0: not there */
  const char *long_name;    /**< the name behind "--", if that is not `name` */
  char letter;              /**< its one-letter form, or 0 */
  const char *value_word;   /**< (translatable) what the help calls the value */
  const char *command_help; /**< (translatable) in place of `help`, where that does not fit */
  DdimCommands commands;    /**< the commands that take the option; 0: all */
  gboolean is_filename;     /**< the value is in the encoding of file names */
  guint in_procedure;       /**< its place among the procedure's arguments, from 1; 0: not there */
  guint in_edits;           /**< the same, for the procedures that change pictures */
} DdimOption;

/** All @n options, in the order in which settings and commands are written. (transfer none) */
const DdimOption *ddim_options_get_table(guint *n);
/** The option of this name, or NULL when there is none. (transfer none) (nullable) */
const DdimOption *ddim_option_find(const char *name);
/** A new ParamSpec for the property of @option, translated. @flags  added to those of a property
 * that can be read and written. */
GParamSpec *ddim_option_to_pspec(const DdimOption *option, GParamFlags flags);

/** Tells an option's place in an order, by which options are sorted; 0 for an option that is not in
 * it. */
typedef guint (*DdimOptionPlaceFunc)(const DdimOption *option);
guint ddim_option_get_procedure_place(const DdimOption *option);
guint ddim_option_get_edit_place(const DdimOption *option);
/** Names of the options that have a @place, sorted by it. NULL-terminated. (transfer container) */
const char **ddim_options_list(DdimOptionPlaceFunc place);

/** The option's name behind "--". */
const char *ddim_option_get_long_name(const DdimOption *option);
/** Names of the options that @command takes on a command line: first those that `generate` does not
 * take, then the others, both sorted by place. NULL-terminated. (transfer container) */
const char **ddim_options_list_command(DdimCommands command);
gboolean ddim_option_is_for(const DdimOption *option, DdimCommands command);

G_END_DECLS
