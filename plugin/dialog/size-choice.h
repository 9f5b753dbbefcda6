/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "plugin/dialog/catalog.h"
#include "core/job/request.h"
#include "plugin/image/target.h"
#include "plugin/dialog/widgets.h"

G_BEGIN_DECLS

/** The rows “Width” and “Height”, with the choice to be as large as the selection or image. */
typedef struct _SizeChoice SizeChoice;

SizeChoice *size_choice_new(UiRows *rows);
/** After its widgets, which belong to their container, are gone. */
void size_choice_free(SizeChoice *choice);

/** Show what @model (nullable) does to sizes. */
void size_choice_set_model(SizeChoice *choice, const CatalogModel *model);
/** Show the size that @target has. */
void size_choice_set_target(SizeChoice *choice, const Target *target);

/** Properties width and height of @request; 0 stands for the target's. */
void size_choice_write(SizeChoice *choice, DdimRequest *request);
void size_choice_read(SizeChoice *choice, DdimRequest *request);

G_END_DECLS
