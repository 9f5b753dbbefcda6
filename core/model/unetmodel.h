/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/model/architecture.h"
#include "core/model/config.h"

G_BEGIN_DECLS

/** The modules of improved_diffusion.unet.UNetModel and SuperResModel, and of guided_diffusion's,
 * as their __init__ makes them. */
DdimArchitecture *ddim_unetmodel_architecture_new(const DdimUNetConfig *config);

G_END_DECLS
