/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/wrap.h"

const char *
ddim_cl_wrap_option(DdimWrap wrap)
{
  static const char *const options[] = {"", " -DWRAP=1", " -DWRAP=2", " -DWRAP=3"};
  return options[wrap & DDIM_WRAP_XY];
}
