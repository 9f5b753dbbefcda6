/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** Names inside models, in the user's language where this program knows them: those of the default
 * model. Others are shown as they are. */

/** @name  of a class. (transfer none) */
const char *names_show_class(const char *name);
/** @description  (nullable) of a model. (transfer none) (nullable) */
const char *names_show_description(const char *description);

/** Whether @part, as g_utf8_casefold() makes it, is in @name, a class of a model, or in what is
 * shown for it. */
gboolean names_contain(const char *name, const char *part);

/** Class names that a user typed or chose, separated by commas and maybe with weights
 * ("lava:0.7,rust:0.3"), as the model knows them: names in the user's language become the model's,
 * and so does a part of a name that no other class has. @classes  of the model, NULL-terminated.
 * (transfer full) */
char *names_read_classes(const char *text, const char *const *classes);
/** The other way. (transfer full) */
char *names_show_classes(const char *text);

G_END_DECLS
