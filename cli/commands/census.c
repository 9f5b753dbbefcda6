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
  /* Activations are rounded, and so are weights unless they are stored so: what test-unet finds on
   * models of random weights, and what the default model shows, with some room. */
  return ddim_census_is_half(census) ? 1e-3 : 5e-3;
}
