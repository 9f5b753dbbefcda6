/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "plugin/dialog/catalog.h"
#include "core/job/request.h"
#include "plugin/image/target.h"
#include "plugin/dialog/widgets.h"

G_BEGIN_DECLS

/** The rows “Width”, “Height” and “Feature scale”, with the choice to be as large as the selection
 * or image.
 */
typedef struct _SizeChoice SizeChoice;

/** @changed  called when another size is chosen */
SizeChoice *size_choice_new(UiRows *rows, UiChanged changed, gpointer user_data);
/** After its widgets, which belong to their container, are gone. */
void size_choice_free(SizeChoice *choice);

/** Show the size that @target has. A selection that is new or was changed is what the image becomes
 * as large as. */
void size_choice_set_target(SizeChoice *choice, const Target *target);

/** Properties width, height, scale and seamless of @request; width and height 0 stand for the
 * target's. */
void size_choice_write(SizeChoice *choice, DdimRequest *request);
void size_choice_read(SizeChoice *choice, DdimRequest *request);

G_END_DECLS
