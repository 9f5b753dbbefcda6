/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/** Members of the JSON objects that commands print. Strings, such as a device's name, may hold any
 * bytes: what is not UTF-8 is replaced. NULL becomes null. */

void ddim_member_string(JsonBuilder *builder, const char *name, const char *value);
void ddim_member_int(JsonBuilder *builder, const char *name, guint64 value);
void ddim_member_double(JsonBuilder *builder, const char *name, double value);
void ddim_member_boolean(JsonBuilder *builder, const char *name, gboolean value);
void ddim_member_null(JsonBuilder *builder, const char *name);
/** NULL-terminated. */
void ddim_member_strings(JsonBuilder *builder, const char *name, const char *const *values);

/** What was built, as one line. (transfer full) */
char *ddim_members_to_line(JsonBuilder *builder);

G_END_DECLS
