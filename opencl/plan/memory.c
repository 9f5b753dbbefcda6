/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/plan/memory.h"

gsize
ddim_cl_type_size(DdimClType type)
{
  return type == DDIM_CL_F16 ? sizeof(cl_half) : sizeof(cl_float);
}

const char *
ddim_cl_type_options(DdimClType x, DdimClType y)
{
  static const char *const options[2][2] = {{"", " -DY_HALF"}, {" -DX_HALF", " -DX_HALF -DY_HALF"}};
  return options[x == DDIM_CL_F16][y == DDIM_CL_F16];
}

DdimClMem
ddim_cl_buffer_floats(DdimClBuffer *buffer, guint64 first)
{
  return (DdimClMem){.buffer = buffer, .at = first * sizeof(cl_float)};
}

DdimClMem
ddim_cl_mem_skip_floats(DdimClMem mem, guint64 floats)
{
  mem.at += floats * sizeof(cl_float);
  mem.bytes = 0;
  return mem;
}

DdimClTensor
ddim_cl_tensor_slice(DdimClTensor tensor, guint first, guint count)
{
  g_return_val_if_fail(first + count <= tensor.c, tensor);
  tensor.mem.at += first * ddim_cl_type_size(tensor.type);
  tensor.mem.bytes = 0;
  tensor.c = count;
  return tensor;
}
