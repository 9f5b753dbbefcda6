/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** The plug-in's own folder, plug-ins/ddim: beside the program lie its icon, its help pages and,
 * where one user installed it, its catalogs. */

#define PLACE_HELP_DOMAIN "https://ddim.invalid/help"

/** Full path of @name there. (transfer full) NULL when it does not exist. */
char *place_get_file(const char *name);
/** URI of the folder with the help pages' index. (transfer full) NULL when they are not installed.
 */
char *place_get_help_uri(void);
/** The folder with the message catalogs: the plug-in's own, else the system's. (transfer none) */
const char *place_get_locale_dir(void);
/** Take messages from there. Once, before any message. */
void place_init_i18n(void);

G_END_DECLS
