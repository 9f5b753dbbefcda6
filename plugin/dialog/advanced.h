/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "plugin/dialog/catalog.h"
#include "core/job/request.h"
#include "plugin/dialog/widgets.h"

G_BEGIN_DECLS

/** The rows under “Advanced” that say how to sample and where to compute. The list of devices comes
 * from a thread. */
typedef struct _Advanced Advanced;

/** @changed  called when anything is chosen
 * @problem  called with a message for the user when there is no device
 * Both get @user_data. */
Advanced *advanced_new(UiRows *rows, UiChanged changed, UiProblem problem, gpointer user_data);
/** After its widgets, which belong to their container, are gone. Waits for its thread. */
void advanced_free(Advanced *advanced);

/** Show the eta that suits @model (nullable). */
void advanced_set_model(Advanced *advanced, const CatalogModel *model);

/** Properties sampler, eta, device and precision of @request. */
void advanced_write(Advanced *advanced, DdimRequest *request);
void advanced_read(Advanced *advanced, DdimRequest *request);

G_END_DECLS
