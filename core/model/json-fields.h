/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/** The fields of a JSON object from a file that cannot be trusted. After the first error all
 * functions give their default, and the error is kept; its message is "ORIGIN: FIELD: …". A field
 * that is missing has its default; `null` is a value only where it is said. */
typedef struct {
  JsonObject *object; /**< not owned */
  const char *origin;
  GHashTable *known; /**< (element-type utf8) every field that was asked for */
  GError *error;
} DdimJsonFields;

void ddim_json_fields_init(DdimJsonFields *fields, JsonObject *object, const char *origin);
void ddim_json_fields_clear(DdimJsonFields *fields);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DdimJsonFields, ddim_json_fields_clear)

/** Keep an error of the field @name, if there is none yet. @code of DDIM_ERROR; @what translated.
 * Neither can do harm where the error is shown. */
void ddim_json_fields_fail(DdimJsonFields *fields, int code, const char *name, const char *what);
/** A field that has no effect here. */
void ddim_json_fields_ignore(DdimJsonFields *fields, const char *name);

gboolean ddim_json_fields_get_boolean(DdimJsonFields *fields, const char *name, gboolean fallback);
/** A whole number of @min … @max. */
guint ddim_json_fields_get_uint(DdimJsonFields *fields, const char *name, guint min, guint max,
                                guint fallback);
/** The same, or `null`, which is 0. */
guint ddim_json_fields_get_optional(DdimJsonFields *fields, const char *name, guint max,
                                    guint fallback);
/** A number of @min … @max. */
double ddim_json_fields_get_double(DdimJsonFields *fields, const char *name, double min, double max,
                                   double fallback);
/** (nullable) NULL for `null`. @fallback  (nullable) */
const char *ddim_json_fields_get_text(DdimJsonFields *fields, const char *name,
                                      const char *fallback);
/** A list of at most @max texts. Returns their number; 0 when the field is missing. */
guint ddim_json_fields_get_texts(DdimJsonFields *fields, const char *name, guint max,
                                 const char **texts);
/** A list of at most @max whole numbers of 1 … @most. */
guint ddim_json_fields_get_uints(DdimJsonFields *fields, const char *name, guint max, guint most,
                                 guint *values);
/** Refuse a field that nobody asked for, unless its value is `null` or false or its name begins
 * with an underscore. */
void ddim_json_fields_refuse_others(DdimJsonFields *fields);

G_END_DECLS
