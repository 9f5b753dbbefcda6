/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "error.h"

G_DEFINE_QUARK(ddim - error - quark, ddim_error)
