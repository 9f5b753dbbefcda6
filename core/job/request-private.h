/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "core/job/request.h"

#include "core/network/network.h"
#include "opencl/ops/wrap.h"

G_BEGIN_DECLS

/** Whether the request's command, its property "command", takes the option @name. "command" itself
 * counts where it is not `generate`. */
gboolean ddim_request_takes(DdimRequest *request, const char *name);
/** The axes that the option @name says: "x", "y" or "xy". */
DdimWrap ddim_request_get_axes(DdimRequest *request, const char *name);
DdimPrecision ddim_request_get_precision(DdimRequest *request);

/** Set the property @name, or "size", from a value of JSON, which must have its type.
 * DDIM_ERROR_ARGUMENT names the option and its range. */
gboolean ddim_request_set_from_node(DdimRequest *request, const char *name, JsonNode *node,
                                    GError **error);

G_END_DECLS
