/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* For PNG: a changed input gets right checksums of its chunks, as libpng would refuse nearly all
 * others. One in eight keeps what it has. */
#include <zlib.h>

#include "tests/fuzz/mutate.h"

void
fuzz_mend(uint8_t *data, size_t size)
{
  for (gsize at = 8; at + 12 <= size;) {
    const gsize length =
        (gsize)data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3];
    if (length > size - at - 12)
      return;
    const guint32 crc = (guint32)crc32_z(0, data + at + 4, length + 4);
    for (guint i = 0; i < 4; i++)
      data[at + 8 + length + i] = (guint8)(crc >> (24 - 8 * i));
    at += length + 12;
  }
}
