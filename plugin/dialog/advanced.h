/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "plugin/dialog/catalog.h"
#include "core/job/request.h"
#include "plugin/dialog/widgets.h"

G_BEGIN_DECLS

/** The rows under “Advanced” that say how to sample and where to compute. The list of devices comes
 * from a thread. */
typedef struct _Advanced Advanced;

/** @sampling  whether a sampler can be chosen, and its noise
 * @changed  called when anything is chosen
 * @problem  called with a message for the user when there is no device
 * Both get @user_data. */
Advanced *advanced_new(UiRows *rows, gboolean sampling, UiChanged changed, UiProblem problem,
                       gpointer user_data);
/** What is under “Advanced”. @text  that word with its mnemonic. (transfer floating) */
GtkWidget *advanced_expander_new(const char *text);
/** After its widgets, which belong to their container, are gone. Waits for its thread. */
void advanced_free(Advanced *advanced);

/** Show the eta that suits @model (nullable). */
void advanced_set_model(Advanced *advanced, const CatalogModel *model);

/** Properties sampler and eta, if they can be chosen, device and precision of @request. */
void advanced_write(Advanced *advanced, DdimRequest *request);
void advanced_read(Advanced *advanced, DdimRequest *request);

G_END_DECLS
