/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/model/family.h"

G_BEGIN_DECLS

/** The families that make pictures, NULL-terminated, in the order in which they are asked. */
extern const DdimFamily *const ddim_families[];
/** Those whose networks tell the classes of pictures, and make none. */
extern const DdimFamily *const ddim_classifier_families[];

G_END_DECLS
