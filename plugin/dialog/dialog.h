/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "plugin/image/compat.h"
#include "core/job/request.h"

G_BEGIN_DECLS

/** Once, before any dialog. */
void dialog_init_toolkit(void);

/** The procedure with a dialog, which stays open for more images until it is closed.
 * @request  the settings to begin with; on return the last ones used
 * Returns the last layer or group made; NO_LAYER without an error when the dialog was closed before
 * any. */
LayerRef dialog_run(ImageRef image, DrawableRef drawable, DdimRequest *request, GError **error);

G_END_DECLS
