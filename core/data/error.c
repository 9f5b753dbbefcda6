/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/data/error.h"

/* clang-format off: it takes the name for a subtraction */
G_DEFINE_QUARK(ddim - error - quark, ddim_error)
