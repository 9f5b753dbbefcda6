/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "plugin/edit/commands.h"
#include "plugin/image/compat.h"

G_BEGIN_DECLS

/** The procedures that change a picture, in GIMP 3. */

/** (transfer full) */
GimpProcedure *edits_create(GimpPlugIn *plug_in, const EditCommand *command);
/** @list with all their names added. (transfer full) */
GList *edits_list(GList *list);

G_END_DECLS
