/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/model/family.h"

G_BEGIN_DECLS

/** All families, NULL-terminated, in the order in which they are asked. */
extern const DdimFamily *const ddim_families[];

G_END_DECLS
