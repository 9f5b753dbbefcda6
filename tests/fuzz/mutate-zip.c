/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* For archives: a changed input gets right checksums, as no changed pickle or array would ever be
 * read otherwise. One in eight keeps what it has. */
#include <zlib.h>

#include "tests/fuzz/mutate.h"

#define CENTRAL_SIZE 46
#define LOCAL_SIZE 30
#define MOST_INFLATED (1u << 20)

static guint
get16(const guint8 *at)
{
  return at[0] | (guint)at[1] << 8;
}

static guint32
get32(const guint8 *at)
{
  return get16(at) | (guint32)get16(at + 2) << 16;
}

static void
put32(guint8 *at, guint32 value)
{
  for (guint i = 0; i < 4; i++)
    at[i] = (guint8)(value >> (8 * i));
}

static guint32
checksum_inflated(const guint8 *data, guint32 size)
{
  static guint8 out[MOST_INFLATED];
  z_stream stream = {
      .next_in = (guint8 *)data, .avail_in = size, .next_out = out, .avail_out = sizeof out};

  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
    return 0;
  inflate(&stream, Z_SYNC_FLUSH);
  inflateEnd(&stream);
  return (guint32)crc32_z(0, out, sizeof out - stream.avail_out);
}

/* @record  an entry of the directory */
static void
mend_entry(guint8 *data, size_t size, guint8 *record)
{
  const gsize packed = get32(record + 20), at = get32(record + 42);
  guint8 *local = data + at;

  if (size < LOCAL_SIZE || at > size - LOCAL_SIZE)
    return;
  const gsize start = at + LOCAL_SIZE + get16(local + 26) + get16(local + 28);
  if (start > size || packed > size - start)
    return;
  const guint32 crc = get16(record + 10) == 0 ? (guint32)crc32_z(0, data + start, packed)
                                              : checksum_inflated(data + start, (guint32)packed);
  put32(record + 16, crc);
  put32(local + 14, crc);
}

void
fuzz_mend(uint8_t *data, size_t size)
{
  for (gsize i = 0; i + CENTRAL_SIZE <= size; i++)
    if (memcmp(data + i, "PK\1\2", 4) == 0)
      mend_entry(data, size, data + i);
}
