/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <stdint.h>
#include <string.h>

#include "core/checkpoint/checkpoint-tensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** A reader gave a result or an error, and the error is one line that can be shown. */
static inline void
fuzz_check_result(gconstpointer result, const GError *error)
{
  g_assert_true((result != NULL) == (error == NULL));
  if (!error)
    return;
  g_assert_true(g_utf8_validate(error->message, -1, NULL));
  g_assert_null(strpbrk(error->message, "\n\r\033"));
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
