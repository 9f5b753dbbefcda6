/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/checkpoint/checkpoint-readers.h"
#include "tests/fuzz/touch.h"

void
fuzz_input(const uint8_t *data, size_t size)
{
  g_autoptr(GBytes) bytes = g_bytes_new_static(data, size);
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimCheckpoint) checkpoint = ddim_checkpoint_open_bytes(bytes, "fuzz", &error);

  fuzz_check_result(checkpoint, error);
  if (checkpoint)
    fuzz_touch_all(checkpoint);
}
