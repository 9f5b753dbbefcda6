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

/** Read elements of tensor number @index, at most @most from its beginning and half as many from
 * its end, each as another type. Either gives the numbers, or an error that is one line. Returns
 * how many were read. */
static inline gsize
fuzz_touch(DdimCheckpoint *checkpoint, guint index, gsize most)
{
  const DdimTensor *tensor = ddim_checkpoint_get_tensor(checkpoint, index);
  const DdimDType types[] = {DDIM_DTYPE_F32, DDIM_DTYPE_F16, tensor->dtype};
  const gsize count = ddim_tensor_count(tensor), n = MIN(count, most), last = n - n / 2;
  g_autofree guint64 *values = g_new(guint64, n + 1); /* no type is larger */

  for (guint i = 0; i < 2; i++) {
    g_autoptr(GError) error = NULL;
    const gboolean read =
        ddim_checkpoint_read(checkpoint, tensor, i ? count - last : 0, i ? last : n,
                             types[(index + i) % G_N_ELEMENTS(types)], values, &error);
    fuzz_check_result(read ? checkpoint : NULL, error);
  }
  return n + last;
}

/** Read elements of every tensor. Tensors that repeat a few bytes over and over cost a file next to
 * nothing: of all together at most some millions are read, so that an input takes seconds at
 * most. */
static inline void
fuzz_touch_all(DdimCheckpoint *checkpoint)
{
  gsize left = 1 << 22;

  for (guint i = 0; i < ddim_checkpoint_get_n_tensors(checkpoint); i++) {
    const DdimTensor *tensor = ddim_checkpoint_get_tensor(checkpoint, i);
    g_assert(ddim_checkpoint_lookup(checkpoint, tensor->name) == tensor);
    left -= MIN(left, fuzz_touch(checkpoint, i, MIN(left, 1 << 20)));
  }
}
