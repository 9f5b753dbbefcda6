/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

#include "core/job/options.h"
#include "core/job/request.h"

G_BEGIN_DECLS

/** Command-line options made from the properties of DdimRequest, so that names, ranges, defaults
 * and help texts are the option table's. Parsing sets the properties of the DdimRequest given to
 * ddim_cli_parse() as user data. */
typedef struct _DdimOptions DdimOptions;

/** @names  of options in the table of core/job/options.c, in the order of the help,
 *         NULL-terminated */
DdimOptions *ddim_options_new(const char *const *names);
/** All options that @command takes. */
DdimOptions *ddim_options_new_for(DdimCommands command);
void ddim_options_free(DdimOptions *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimOptions, ddim_options_free)

/** Add options of the command's own, ended by G_OPTION_ENTRY_NULL. */
void ddim_options_add(DdimOptions *options, const GOptionEntry *entries);
/** (transfer none) Ended by G_OPTION_ENTRY_NULL. */
const GOptionEntry *ddim_options_get_entries(DdimOptions *options);
/** Whether the command line named the option @name of @request, which it was parsed into. */
gboolean ddim_options_is_given(DdimRequest *request, const char *name);

G_END_DECLS
