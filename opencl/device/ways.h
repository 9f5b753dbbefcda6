/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/device/context-private.h"

/** Ways of computing something: "winograd4-packed", "attention-gpu". Most operations have several,
 * of which one is chosen for a device. A way that was found to compute wrongly on a device is not
 * chosen there any more. Private to opencl/. */

/** Whether @way may be chosen. */
gboolean ddim_cl_way_is_trusted(DdimContext *context, const char *way);
/** Never choose @way any more. */
void ddim_cl_way_distrust(DdimContext *context, const char *way);
/** Forget what was found out, for a check of every way. */
void ddim_cl_ways_trust_all(DdimContext *context);
/** For tests: whether DDIM_SPOIL, a list of names with commas, holds @way. Its results are then
 * made wrong, see opencl/plan/spoil.h. */
gboolean ddim_cl_way_is_spoiled(const char *way);
