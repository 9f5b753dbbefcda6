/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/context-private.h"

/** Whether the device is this machine's processor, has AMX with bfloat16, the operating system lets
 * this process use it, the driver compiles kernels/amx-conv.cl for it, and a small product comes
 * out right. Found out on the first call. */
gboolean ddim_cl_has_amx(DdimContext *context);
