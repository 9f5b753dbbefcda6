/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "core/model/architecture.h"

G_BEGIN_DECLS

/* `ddim info --modules`: the modules of a network in the order of evaluation. */

/** Append the section for people. */
void ddim_info_append_modules(GString *out, const DdimArchitecture *architecture);
/** Add the member "modules", an array of objects. */
void ddim_info_add_modules(JsonBuilder *builder, const DdimArchitecture *architecture);

G_END_DECLS
