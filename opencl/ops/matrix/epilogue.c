/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/matrix/epilogue.h"

char *
ddim_cl_epilogue_options(const DdimClEpilogue *epilogue)
{
  if (!epilogue)
    return g_strdup("-DEPILOGUE=0");
  return g_strdup_printf("-DEPILOGUE=1 -DEMB=%d -DRES=%d", epilogue->has_emb ? 1 : 0,
                         epilogue->residual ? 1 : 0);
}

void
ddim_cl_epilogue_args(DdimClPlan *plan, const DdimClEpilogue *epilogue, DdimClType type)
{
  /* Pointers that are not read still need a valid buffer: the bias serves. */
  ddim_cl_plan_arg_floats(plan, epilogue->bias);
  ddim_cl_plan_arg_floats(plan, epilogue->has_emb ? epilogue->emb : epilogue->bias);
  ddim_cl_plan_arg_u32(plan, epilogue->has_emb ? epilogue->emb_ld : 0);
  if (epilogue->residual) {
    ddim_cl_plan_arg_tensor(plan, epilogue->residual, type);
  } else {
    ddim_cl_plan_arg_floats(plan, epilogue->bias);
    ddim_cl_plan_arg_u32(plan, 0);
  }
}
