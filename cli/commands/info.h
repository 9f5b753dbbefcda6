/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/model/config.h"

G_BEGIN_DECLS

/** The two forms of what `ddim info` says about a model. @modules  with the list of the network's
 * modules (transfer full) */
char *ddim_info_model_text(DdimCheckpoint *checkpoint, DdimConfig *config, gboolean modules);
char *ddim_info_model_json(DdimCheckpoint *checkpoint, DdimConfig *config, gboolean modules);

G_END_DECLS
