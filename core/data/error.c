/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/data/error.h"

/* clang-format would put spaces into the name. */
/* clang-format off */
G_DEFINE_QUARK(ddim-error-quark, ddim_error)
/* clang-format on */
