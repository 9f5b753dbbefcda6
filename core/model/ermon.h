/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/model/family.h"

G_BEGIN_DECLS

/* The Model of ermongroup/ddim, which pesser/pytorch_diffusion has as well. */

extern const DdimFamily ddim_family_ermon;

G_END_DECLS
