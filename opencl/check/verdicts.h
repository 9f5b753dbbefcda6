/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/device/context-private.h"

/** What was found out about a device, in a file of the cache: uses that are right, ways that are
 * wrong. Names are any text without line breaks. */
typedef struct {
  char *path;
  GHashTable *right, *wrong; /**< char*, as keys */
} DdimVerdicts;

/** What the file holds for @context's device, driver, shape of kernels and kernels. A file that is
 * missing, damaged or another user's holds nothing. (transfer full) */
DdimVerdicts *ddim_verdicts_load(DdimContext *context);
/** Written whole or not at all. That it cannot be written only costs time at the next start. */
void ddim_verdicts_save(const DdimVerdicts *verdicts);
void ddim_verdicts_free(DdimVerdicts *verdicts);
