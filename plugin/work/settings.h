/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "plugin/work/worker.h"

G_BEGIN_DECLS

/** Names of the options that the procedure takes, in the order of its arguments, NULL-terminated:
 * properties of DdimRequest, which give types, ranges, defaults and help. (transfer container) */
const char **settings_list_options(void);

/** (transfer none) The property of DdimRequest that holds option @name. */
GParamSpec *settings_get_pspec(const char *name);
/** The help of an option with its range, as the procedure browser shows it. (transfer full) */
char *settings_get_help(const char *name);

/** Set option @name from the value of a procedure's argument: int, double or string. An empty
 * string is the option's default. DDIM_ERROR_ARGUMENT names the option and its range. */
gboolean settings_set_value(DdimRequest *request, const char *name, const GValue *value,
                            GError **error);

/** The largest seed that a procedure's argument, a double, holds exactly. */
#define SETTINGS_MAX_SEED 9007199254740992.0

/** Name of the parasite on a generated layer. */
#define SETTINGS_PARASITE "ddim-settings"

/** All settings of a generated layer as JSON.
 * @index  of the image in @result, or -1 for the group of all */
char *settings_to_parasite(const WorkerResult *result, int index);
/** Every property, for ddim_request_new_from_json(). (transfer full) */
char *settings_to_json(DdimRequest *request);
/** What settings_to_parasite() wrote, from the @size bytes @data. */
DdimRequest *settings_from_parasite(const char *data, gsize size, GError **error);

G_END_DECLS
