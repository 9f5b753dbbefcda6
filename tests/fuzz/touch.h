/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <stdint.h>
#include <string.h>

#include "core/checkpoint/checkpoint.h"

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

/** Read every element of @tensor, at most 1 << 20 of them from either end. */
static inline void
fuzz_touch(const DdimTensor *tensor)
{
  gsize count = ddim_tensor_count(tensor), n = MIN(count, 1 << 20);
  g_autofree float *values = g_new(float, n + 1);

  ddim_tensor_read(tensor, 0, n, DDIM_DTYPE_F32, values);
  ddim_tensor_read(tensor, count - n, n, DDIM_DTYPE_F32, values);
}

static inline void
fuzz_touch_all(DdimCheckpoint *checkpoint)
{
  for (guint i = 0; i < ddim_checkpoint_get_n_tensors(checkpoint); i++) {
    const DdimTensor *tensor = ddim_checkpoint_get_tensor(checkpoint, i);
    g_assert(ddim_checkpoint_lookup(checkpoint, tensor->name) == tensor);
    fuzz_touch(tensor);
    ddim_checkpoint_release(checkpoint, tensor);
  }
}
