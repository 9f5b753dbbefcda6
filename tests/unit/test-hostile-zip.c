/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Checkpoints cut off, flipped and lying about what is where: an error or tensors that can be read.
 */
#include "hostile.h"

static GBytes *
load(const char *name)
{
  g_autofree char *path = g_build_filename(g_getenv("DDIM_TEST_DATA"), "checkpoint", name, NULL);
  char *content;
  gsize size;

  g_assert_true(g_file_get_contents(path, &content, &size, NULL));
  return g_bytes_new_take(content, size);
}

static const char *const files[] = {"forms.pt", "forms-legacy.pt", "forms-deflated.pt",
                                    "forms-protocol4.pt"};

/* Cut off anywhere. */
static void
test_truncated(void)
{
  for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
    g_autoptr(GBytes) whole = load(files[i]);
    for (gsize size = 0; size < g_bytes_get_size(whole); size++)
      assert_error(g_bytes_new(g_bytes_get_data(whole, NULL), size), DDIM_ERROR_FORMAT, "");
  }
}

/* In every byte, one bit flipped. */
static void
test_flips(void)
{
  for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
    g_autoptr(GBytes) whole = load(files[i]);
    gsize size = g_bytes_get_size(whole);
    for (gsize at = 0; at < size; at++) {
      guint8 *copy = g_memdup2(g_bytes_get_data(whole, NULL), size);
      g_autoptr(GBytes) bytes = g_bytes_new_take(copy, size);
      copy[at] ^= (guint8)(1 << (5 * at + 3) % 8);
      open_and_touch(bytes, NULL);
    }
  }
}

static GString *
make_good_pickle(void)
{
  const Spec spec = {"FloatStorage", "0", 6, 0, 1, {6}, {1}};
  GString *pickle = begin_pickle();

  append_tensor(pickle, "t", &spec);
  end_pickle(pickle);
  return pickle;
}

static GBytes *
make_lying_zip(Lie pickle_lie, Lie data_lie)
{
  GString *pickle = make_good_pickle();
  guint8 data[24] = {0};
  Zip zip;

  zip_begin(&zip);
  zip_add_lying(&zip, "x/data.pkl", pickle->str, pickle->len, pickle_lie);
  zip_add_lying(&zip, "x/data/0", data, sizeof data, data_lie);
  g_string_free(pickle, TRUE);
  return zip_end(&zip);
}

static void
test_zip_lies(void)
{
  g_autoptr(GBytes) good = make_lying_zip((Lie){0}, (Lie){0});

  g_assert_true(open_and_touch(good, NULL));
  assert_error(make_lying_zip((Lie){.crc = 1}, (Lie){0}), DDIM_ERROR_FORMAT, "checksum");
  assert_error(make_lying_zip((Lie){.method = 12}, (Lie){0}), DDIM_ERROR_UNSUPPORTED,
               "unknown way");
  assert_error(make_lying_zip((Lie){0}, (Lie){.size = 25}), DDIM_ERROR_FORMAT, "contradict");
  assert_error(make_lying_zip((Lie){0}, (Lie){.size = 0xfffffff0, .packed_size = 0xfffffff0}),
               DDIM_ERROR_FORMAT, "outside");
  assert_error(make_lying_zip((Lie){0}, (Lie){.header = 0xfffffff0}), DDIM_ERROR_FORMAT, "outside");
  assert_error(make_lying_zip((Lie){0}, (Lie){.header = 3}), DDIM_ERROR_FORMAT, "outside");
  /* data/0 pointed at data.pkl's header: another name */
  assert_error(make_lying_zip((Lie){.header = -1}, (Lie){0}), DDIM_ERROR_FORMAT, "outside");
}

/* Two entries that claim the same bytes just read them twice. */
static void
test_zip_duplicates(void)
{
  GString *pickle = make_good_pickle();
  guint8 data[24] = {0};
  Zip zip;

  zip_begin(&zip);
  zip_add(&zip, "x/data.pkl", pickle->str, pickle->len);
  zip_add(&zip, "x/data/0", data, sizeof data);
  zip_add(&zip, "x/data/0", data, sizeof data);
  assert_error(zip_end(&zip), DDIM_ERROR_FORMAT, "twice");

  zip_begin(&zip);
  zip_add(&zip, "x/data.pkl", pickle->str, pickle->len);
  zip_add(&zip, "y/data.pkl", pickle->str, pickle->len);
  zip_add(&zip, "x/data/0", data, sizeof data);
  assert_error(zip_end(&zip), DDIM_ERROR_FORMAT, "twice");

  zip_begin(&zip);
  zip_add(&zip, "x/data/0", data, sizeof data);
  assert_error(zip_end(&zip), DDIM_ERROR_FORMAT, "data.pkl is missing");

  zip_begin(&zip);
  zip_add(&zip, "x/data.pkl", pickle->str, pickle->len);
  zip_add(&zip, "y/data/0", data, sizeof data);
  assert_error(zip_end(&zip), DDIM_ERROR_FORMAT, "missing");

  zip_begin(&zip);
  zip_add(&zip, "x/data.pkl", pickle->str, pickle->len);
  zip_add(&zip, "x/byteorder", "big", 3);
  zip_add(&zip, "x/data/0", data, sizeof data);
  assert_error(zip_end(&zip), DDIM_ERROR_UNSUPPORTED, "big-endian");
  g_string_free(pickle, TRUE);
}

/* @size zeros, deflated. */
static GByteArray *
deflate_zeros(gsize size, guint32 *crc)
{
  g_autofree guint8 *zeros = g_malloc0(size);
  GByteArray *packed = g_byte_array_new();
  z_stream stream = {.next_in = zeros, .avail_in = (uInt)size};

  *crc = (guint32)crc32_z(0, zeros, size);
  g_byte_array_set_size(packed, (guint)(size / 500 + 1000));
  stream.next_out = packed->data;
  stream.avail_out = packed->len;
  g_assert_cmpint(deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), ==,
                  Z_OK);
  g_assert_cmpint(deflate(&stream, Z_FINISH), ==, Z_STREAM_END);
  g_byte_array_set_size(packed, (guint)stream.total_out);
  deflateEnd(&stream);
  return packed;
}

static GBytes *
make_deflated(gsize true_size, guint64 claimed)
{
  const Spec spec = {"ByteStorage", "0", 6, 0, 1, {6}, {1}};
  guint32 crc;
  g_autoptr(GByteArray) packed = deflate_zeros(true_size, &crc);
  GString *pickle = begin_pickle();
  Zip zip;

  append_tensor(pickle, "t", &spec);
  end_pickle(pickle);
  zip_begin(&zip);
  zip_add(&zip, "x/data.pkl", pickle->str, pickle->len);
  zip_add_lying(&zip, "x/data/0", packed->data, packed->len,
                (Lie){.method = 8, .size = claimed, .packed_size = packed->len, .crc = crc});
  g_string_free(pickle, TRUE);
  return zip_end(&zip);
}

static void
test_zip_bombs(void)
{
  g_autoptr(GBytes) good = make_deflated(1000, 1000);

  g_assert_true(open_and_touch(good, NULL));
  assert_error(make_deflated(1000, 999), DDIM_ERROR_FORMAT, "cannot be expanded");
  assert_error(make_deflated(1000, 1001), DDIM_ERROR_FORMAT, "cannot be expanded");
  assert_error(make_deflated(1000, 0xf0000000), DDIM_ERROR_FORMAT, "impossible size");
  assert_error(make_deflated(100u << 20, 100u << 20), DDIM_ERROR_FORMAT, "impossible size");
}

/* A ZIP64 end record and extra fields that point anywhere. */
static void
test_zip64(void)
{
  GString *pickle = make_good_pickle();
  const guint64 offsets[] = {0, 1, 30, 0xffffffff, G_MAXINT64, G_MAXUINT64, G_MAXUINT64 - 55};
  guint8 data[24] = {0};

  for (guint i = 0; i < G_N_ELEMENTS(offsets); i++)
    for (guint field = 0; field < 5; field++) {
      g_autoptr(GBytes) bytes = NULL;
      GByteArray *tail = g_byte_array_new();
      guint64 record, directory, directory_size;
      Zip zip;

      zip_begin(&zip);
      zip_add(&zip, "x/data.pkl", pickle->str, pickle->len);
      zip_add(&zip, "x/data/0", data, sizeof data);
      directory = zip.file->len;
      directory_size = zip.directory->len;
      record = directory + directory_size;
      g_byte_array_append(tail, (const guint8 *)"PK\6\6", 4);
      put(tail, 8, 44);
      put(tail, 12, 0);
      put(tail, 8, 2);
      put(tail, 8, field == 0 ? offsets[i] : 2);
      put(tail, 8, field == 1 ? offsets[i] : directory_size);
      put(tail, 8, field == 2 ? offsets[i] : directory);
      g_byte_array_append(tail, (const guint8 *)"PK\6\7", 4);
      put(tail, 4, 0);
      put(tail, 8, field == 3 ? offsets[i] : record);
      put(tail, 4, 1);
      g_byte_array_append(zip.directory, tail->data, tail->len);
      g_byte_array_unref(tail);
      bytes = zip_end(&zip);
      /* The last case has nothing wrong. With one entry too few the storage is missing. */
      g_assert_cmpint(open_and_touch(bytes, NULL), ==, field == 4);
    }
  g_string_free(pickle, TRUE);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/hostile-zip/truncated", test_truncated);
  g_test_add_func("/hostile-zip/flips", test_flips);
  g_test_add_func("/hostile-zip/zip-lies", test_zip_lies);
  g_test_add_func("/hostile-zip/zip-duplicates", test_zip_duplicates);
  g_test_add_func("/hostile-zip/zip-bombs", test_zip_bombs);
  g_test_add_func("/hostile-zip/zip64", test_zip64);
  return g_test_run();
}
