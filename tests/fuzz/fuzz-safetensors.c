/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/checkpoint/checkpoint-readers.h"
#include "tests/fuzz/touch.h"

/* The whole input is the file. It is tried a second time with the right header length, so that a
 * mutated header is read even if its length no longer fits. */
static void
open_one(GBytes *bytes)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimCheckpoint) checkpoint = ddim_checkpoint_open_bytes(bytes, "fuzz", &error);

  fuzz_check_result(checkpoint, error);
  if (checkpoint)
    fuzz_touch_all(checkpoint);
}

void
fuzz_input(const uint8_t *data, size_t size)
{
  g_autoptr(GBytes) bytes = g_bytes_new_static(data, size), mended = NULL;
  const uint8_t *end = NULL;
  guint8 *copy;

  open_one(bytes);
  for (size_t i = size; i-- > 8 && !end;)
    if (data[i] == '}')
      end = data + i + 1;
  if (!end)
    return;
  copy = g_memdup2(data, size);
  for (guint i = 0; i < 8; i++)
    copy[i] = (guint8)((guint64)(end - data - 8) >> (8 * i));
  mended = g_bytes_new_take(copy, size);
  open_one(mended);
}
