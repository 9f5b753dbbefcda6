/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/device/device-private.h"

/** Which of several devices is used when nobody says which. */

/** Whether @a is used rather than @b. In this order count: a graphics card, before an accelerator,
 * before a processor, before a driver that imitates a device in software; memory of its own; a
 * driver that is not Mesa's; the number of compute units. */
gboolean ddim_device_is_better(const DdimDeviceInfo *a, const DdimDeviceInfo *b);

/** Why @chosen of @infos (DdimDeviceInfo, all that there are) is used when no --device is given, as
 * the end of a sentence that begins with its name. (transfer full) */
char *ddim_device_explain(GPtrArray *infos, const DdimDeviceInfo *chosen);
