/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "plugin/edit/commands.h"
#include "plugin/image/compat.h"

G_BEGIN_DECLS

/** A procedure that changes a picture, with a dialog: what it makes is shown before it is put in.
 * @settings  to begin with; on return the last ones used
 * Returns as edit_result_insert(); NO_LAYER without an error when the dialog was closed. */
LayerRef edit_dialog_run(ImageRef image, DrawableRef drawable, EditSettings *settings,
                         GError **error);

G_END_DECLS
