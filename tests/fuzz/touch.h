/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/checkpoint/checkpoint-tensors.h"
#include "tests/fuzz/fuzz.h"

/** Read numbers of @tensor, which has its data: at most 1 << 20 of them from either end. */
static inline void
fuzz_touch_numbers(const DdimTensor *tensor)
{
  gsize count = ddim_tensor_count(tensor), n = MIN(count, 1 << 20);
  g_autofree float *values = g_new(float, n + 1);

  ddim_tensor_read(tensor, 0, n, DDIM_DTYPE_F32, values);
  ddim_tensor_read(tensor, count - n, n, DDIM_DTYPE_F32, values);
}

/** Read elements of @tensor, at most 1 << 20 of them from either end. */
static inline void
fuzz_touch(DdimCheckpoint *checkpoint, const DdimTensor *tensor)
{
  gsize count = ddim_tensor_count(tensor), n = MIN(count, 1 << 20);
  g_autofree float *values = g_new(float, n + 1);

  ddim_checkpoint_read(checkpoint, tensor, 0, n, DDIM_DTYPE_F32, values, NULL);
  ddim_checkpoint_read(checkpoint, tensor, count - n, n, DDIM_DTYPE_F32, values, NULL);
}

static inline void
fuzz_touch_all(DdimCheckpoint *checkpoint)
{
  for (guint i = 0; i < ddim_checkpoint_get_n_tensors(checkpoint); i++) {
    const DdimTensor *tensor = ddim_checkpoint_get_tensor(checkpoint, i);
    g_assert(ddim_checkpoint_lookup(checkpoint, tensor->name) == tensor);
    fuzz_touch(checkpoint, tensor);
  }
}
