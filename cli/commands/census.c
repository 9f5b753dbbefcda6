/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/commands/census.h"

void
ddim_census_take(DdimCheckpoint *checkpoint, DdimCensus *census)
{
  *census = (DdimCensus){0};
  for (guint i = 0; i < ddim_checkpoint_get_n_tensors(checkpoint); i++) {
    const DdimTensor *tensor = ddim_checkpoint_get_tensor(checkpoint, i);
    guint64 count = ddim_tensor_count(tensor);
    census->parameters += count;
    census->by_dtype[tensor->dtype] += count;
  }
}

gboolean
ddim_census_is_half(const DdimCensus *census)
{
  return census->by_dtype[DDIM_DTYPE_F16] == census->parameters;
}

double
ddim_census_half_error(const DdimCensus *census)
{
  /* Winograd's transformed weights are rounded to half also where the weights themselves fit. */
  return ddim_census_is_half(census) ? 5e-4 : 2e-3;
}
