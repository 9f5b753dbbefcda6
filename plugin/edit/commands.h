/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/job/options.h"
#include "core/job/request.h"

G_BEGIN_DECLS

/** The procedures that change a picture: one table, from which registration, arguments and dialogs
 * are made. */

typedef enum {
  EDIT_FILLS = 1 << 0,          /**< the selection is what changes; there must be one */
  EDIT_MASKS = 1 << 1,          /**< where something is selected, only that changes */
  EDIT_ENLARGES = 1 << 2,       /**< the result is larger than the layer */
  EDIT_GOES_BETWEEN = 1 << 3,   /**< from one seed or layer to another */
  EDIT_MAY_BE_VISIBLE = 1 << 4, /**< takes what is visible in place of the layer, if told */
  EDIT_MAY_BE_NEW = 1 << 5,     /**< puts the result into a new image, if told */
  EDIT_TILES = 1 << 6,          /**< the result tiles */
} EditTraits;

typedef struct {
  DdimCommands command;
  const char *procedure; /**< name of the procedure, and help id */
  const char *label;     /**< (translatable) of the menu entry, with mnemonic */
  const char *title;     /**< (translatable) of the dialog */
  const char *action;    /**< (translatable) of the button that applies */
  const char *blurb;     /**< (translatable) one line */
  const char *help;      /**< (translatable) some sentences */
  EditTraits traits;
} EditCommand;

/** All @n of them. (transfer none) */
const EditCommand *edit_commands_get(guint *n);
/** (nullable) (transfer none) */
const EditCommand *edit_command_find(const char *procedure);

/** The arguments of the procedure, in their order: options of the core's table, then the plug-in's
 * own. NULL-terminated. (transfer container) */
const char **edit_command_list_arguments(const EditCommand *command);
/** What @name is: type, range, default, label and help, translated. (transfer none) */
GParamSpec *edit_command_get_pspec(const EditCommand *command, const char *name);
/** (translatable) Its label in a dialog, whose English letters are also those of other languages.
 */
const char *edit_command_get_label(const EditCommand *command, const char *name);
/** The help of an argument with its range, as the procedure browser shows it. (transfer full) */
char *edit_command_get_help(const EditCommand *command, const char *name);

/** The arguments that only the plug-in has. */
#define EDIT_ARGUMENT_VISIBLE "sample-visible"
#define EDIT_ARGUMENT_NEW_IMAGE "new-image"

/** What a procedure is called with. */
typedef struct {
  const EditCommand *command;
  DdimRequest *request;
  gboolean visible;   /**< what is visible, not the layer alone */
  gboolean new_image; /**< the result goes into a new image */
} EditSettings;

/** Every argument has its default. */
EditSettings *edit_settings_new(const EditCommand *command);
EditSettings *edit_settings_copy(const EditSettings *settings);
void edit_settings_free(EditSettings *settings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EditSettings, edit_settings_free)

/** Set argument @name from a value of type int, boolean, double or string. An empty string is the
 * default. DDIM_ERROR_ARGUMENT names the argument and its range. */
gboolean edit_settings_set_value(EditSettings *settings, const char *name, const GValue *value,
                                 GError **error);
/** @value  an initialised value of any such type */
void edit_settings_get_value(const EditSettings *settings, const char *name, GValue *value);

/** All arguments as JSON, and back. What is missing or not valid there gets its default. (transfer
 * full) */
char *edit_settings_to_json(const EditSettings *settings);
EditSettings *edit_settings_from_json(const EditCommand *command, const char *json);

G_END_DECLS
