/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/model/config.h"

G_BEGIN_DECLS

/** The two forms of what `ddim info` tells about a model. (transfer full) */
char *ddim_info_model_text(DdimCheckpoint *checkpoint, DdimConfig *config);
char *ddim_info_model_json(DdimCheckpoint *checkpoint, DdimConfig *config);

G_END_DECLS
