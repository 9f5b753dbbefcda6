/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/job/request.h"
#include "plugin/image/target.h"
#include "plugin/dialog/widgets.h"

G_BEGIN_DECLS

/** The row “Mean color”: the mean color of what is made, as the model likes or given. */
typedef struct _ColorChoice ColorChoice;

/** @changed  called when another color is chosen */
ColorChoice *color_choice_new(UiRows *rows, UiChanged changed, gpointer user_data);
/** After its widgets, which belong to their container, are gone. */
void color_choice_free(ColorChoice *choice);

/** Where the mean color is looked for. */
void color_choice_set_target(ColorChoice *choice, const Target *target);

/** Property color of @request. */
void color_choice_write(ColorChoice *choice, DdimRequest *request);
void color_choice_read(ColorChoice *choice, DdimRequest *request);

G_END_DECLS
