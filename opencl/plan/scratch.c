/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/plan/scratch.h"

DdimClScratch *
ddim_cl_scratch_new(DdimContext *context, guint64 size, GError **error)
{
  DdimClBuffer *buffer = ddim_cl_buffer_new(context, size, error);
  if (!buffer)
    return NULL;
  DdimClScratch *scratch = g_new(DdimClScratch, 1);
  *scratch = (DdimClScratch){.refs = 1, .buffer = buffer};
  return scratch;
}

DdimClScratch *
ddim_cl_scratch_ref(DdimClScratch *scratch)
{
  scratch->refs++;
  return scratch;
}

void
ddim_cl_scratch_unref(DdimClScratch *scratch)
{
  if (!scratch || --scratch->refs)
    return;
  ddim_cl_buffer_free(scratch->buffer);
  g_free(scratch);
}
