/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/device/context-private.h"

/** Whether the device ought to have matrix units, by its driver and this machine's processor. */
gboolean ddim_cl_expects_amx(DdimContext *context);
/** Try whether the device is this machine's processor, has AMX with bfloat16, the operating system
 * lets this process use it, the driver compiles kernels/amx-*.cl for it, and a small product comes
 * out right. */
gboolean ddim_cl_try_amx(DdimContext *context);
