/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

#include "opencl/since.h"

G_BEGIN_DECLS

/** The error domain of everything in core/. Messages are one line and say what was wrong, where,
 * and what was expected. They are in the user's language where gettext finds the catalogs of the
 * domain "ddim" (see bindtextdomain()), else in English. Device errors keep their own domain,
 * DDIM_CL_ERROR; files that cannot be opened or written have G_FILE_ERROR, and a cancelled job has
 * G_IO_ERROR_CANCELLED. */
#define DDIM_ERROR (ddim_error_quark())

/** Later versions may add codes at the end. */
typedef enum {
  DDIM_ERROR_ARGUMENT, /**< a value out of range or an unknown name: the request must be changed */
  DDIM_ERROR_FORMAT,   /**< a file is truncated, corrupt or not of the kind it should be */
  DDIM_ERROR_UNSUPPORTED, /**< a well-formed file or request that this program cannot serve */
  DDIM_ERROR_MISMATCH,    /**< two sources contradict each other: a flag and a weight's shape */
  DDIM_ERROR_NOT_FOUND,   /**< no such model, tensor or class */
} DdimError;

DDIM_AVAILABLE_IN_0_1
GQuark ddim_error_quark(void);

G_END_DECLS
