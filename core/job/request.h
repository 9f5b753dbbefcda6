/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib-object.h>

#include "opencl/since.h"

G_BEGIN_DECLS

/** What to make: a GObject with one property for every option that a command which makes pictures
 * lists (`ddim generate --help`), of the same name ("model", "steps", "init-noise"), except that
 * "size" is the two properties "width" and "height", and --no-clip is "clip" set to FALSE. Each
 * property's GParamSpec holds its type, range, default, label and help, the latter two translated;
 * g_object_class_list_properties() lists them. Later versions add properties, whose defaults leave
 * everything as it was. The property "command" says what is done: "generate", "inpaint", "vary",
 * "upscale", "colorize", "encode", "interpolate" or "seamless"; properties of other commands have
 * no effect.
 *
 * Setting a property through GObject keeps numbers inside their range; strings are taken as they
 * are and judged by ddim_request_check(). One thread at a time. */
#define DDIM_TYPE_REQUEST (ddim_request_get_type())
DDIM_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE(DdimRequest, ddim_request, DDIM, REQUEST, GObject)

/** Every property has its default. (transfer full) */
DDIM_AVAILABLE_IN_0_1
DdimRequest *ddim_request_new(void);
/** (transfer full) */
DDIM_AVAILABLE_IN_0_1
DdimRequest *ddim_request_copy(DdimRequest *request);
/** Whether every property has a value that it may have, as far as that can be told without the
 * model. DDIM_ERROR_ARGUMENT names the property and what it may be. */
DDIM_AVAILABLE_IN_0_1
gboolean ddim_request_check(DdimRequest *request, GError **error);
/** Every property that has a value and that the request's command takes, as one JSON object. A
 * string that is not valid UTF-8, as names of files may be, becomes an object like
 * {"bytes":"m\\377.pt"}: with escapes as g_strescape() makes them. (transfer full) */
DDIM_AVAILABLE_IN_0_1
char *ddim_request_to_json(DdimRequest *request);
/** The inverse of ddim_request_to_json(). Unknown members and values out of range are
 * DDIM_ERROR_ARGUMENT naming the member and its range. Members that are absent keep the defaults of
 * their properties. (transfer full) */
DDIM_AVAILABLE_IN_0_1
DdimRequest *ddim_request_new_from_json(const char *json, GError **error);
/** Set one property from text, as a command line gives it; "size" sets width and height from WxH or
 * N. DDIM_ERROR_ARGUMENT names the option and its range, and the property is left as it was. */
DDIM_AVAILABLE_IN_0_1
gboolean ddim_request_set_from_string(DdimRequest *request, const char *name, const char *value,
                                      GError **error);
/** The inverse of ddim_request_set_from_string(): NULL for a string that is not set. (transfer
 * full) (nullable) */
DDIM_AVAILABLE_IN_0_1
char *ddim_request_get_as_string(DdimRequest *request, const char *name);
/** The `ddim` command line that makes the same picture again, quoted for any POSIX shell. It is one
 * line of UTF-8 without control characters, whatever the settings hold; where they do hold what
 * cannot be shown, it begins with "eval". More options may be put behind it. (transfer full) */
DDIM_AVAILABLE_IN_0_1
char *ddim_request_to_command(DdimRequest *request);

G_END_DECLS
