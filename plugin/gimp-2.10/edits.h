/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "plugin/edit/commands.h"
#include "plugin/image/compat.h"

G_BEGIN_DECLS

/** The procedures that change a picture, in GIMP 2.10. */

/** Register all of them, with their submenu. */
void edits_install(void);
/** Run one. Returns as edit_run_once(). @status  set when a call is wrong or the user closed the
 * dialog */
LayerRef edits_run(const EditCommand *command, int n_params, const GimpParam *params,
                   GimpPDBStatusType *status, GError **error);

G_END_DECLS
