/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/job/request.h"
#include "plugin/dialog/catalog.h"

G_BEGIN_DECLS

/** What will happen, and how long it will take, from what was measured on this device. */

/** One or two sentences. (transfer full)
 * @request  with the target's size, see target_fit_request()
 * @model    (nullable) */
char *forecast_describe(DdimRequest *request, const CatalogModel *model);

/** A request for a draft of @request: small, and of as few steps as fit into a second, as far as is
 * known. (transfer full) */
DdimRequest *forecast_draft(DdimRequest *request, const CatalogModel *model);
/** A request for a thumbnail of a class. (transfer full) (nullable) NULL when the model is too slow
 * for that on this device, or when it is not known how fast it is. */
DdimRequest *forecast_thumbnail(DdimRequest *request, const CatalogModel *model, guint class);

G_END_DECLS
