/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Pictures and noise in files that other people change while they are read. */
#include "core/data/samples.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "core/data/error.h"
#include "core/data/image-private.h"
#include "core/data/npy.h"

enum { SIDE = 8, COUNT = 3, IMAGE = 3 * SIDE * SIDE };
/* More than is ever read at once: such files were mapped once, and reading a mapping of a file that
 * became shorter ends the process. */
#define LARGE (65u << 20)

typedef struct {
  char *folder, *path;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer name)
{
  fixture->folder = g_dir_make_tmp("ddim-samples-XXXXXX", NULL);
  fixture->path = g_build_filename(fixture->folder, name, NULL);
}

static void
tear_down(Fixture *fixture, gconstpointer name)
{
  g_unlink(fixture->path);
  g_rmdir(fixture->folder);
  g_free(fixture->path);
  g_free(fixture->folder);
}

static gboolean
is_named(const Fixture *fixture, const char *end)
{
  return g_str_has_suffix(fixture->path, end);
}

/* Write a PNG with a chunk of @gap bytes, which are not on the disk, in front of its pixels. */
static void
write_png(const char *path, guint height, guint width, gsize gap)
{
  enum { BEHIND_HEADER = 33 };
  const guint8 start[8] = {gap >> 24, gap >> 16 & 255, gap >> 8 & 255, gap & 255, 'd', 'd', 'I',
                           'm'};
  g_autoptr(DdimImage) image = ddim_image_new(width, height, 3, NULL);
  g_autofree char *bytes = NULL;
  gsize size;
  int fd;

  for (guint i = 0; i < 3 * height * width; i++)
    image->pixels[i] = (guint8)i;
  g_assert_true(ddim_image_write_png(image, path, NULL, NULL));
  g_assert_true(g_file_get_contents(path, &bytes, &size, NULL));
  fd = g_open(path, O_WRONLY | O_TRUNC, 0);
  g_assert_cmpint(write(fd, bytes, BEHIND_HEADER), ==, BEHIND_HEADER);
  g_assert_cmpint(write(fd, start, sizeof start), ==, sizeof start);
  g_assert_cmpint(lseek(fd, (off_t)gap + 4, SEEK_CUR), >, 0);
  g_assert_cmpint(write(fd, bytes + BEHIND_HEADER, size - BEHIND_HEADER), ==, size - BEHIND_HEADER);
  close(fd);
}

/* Write COUNT images of floats, and @gap bytes before or behind them. */
static void
write_array(const char *path, guint height, guint width, gsize gap)
{
  const gsize shape[] = {COUNT, 3, height, width};
  g_autoptr(DdimArray) array = ddim_array_new(DDIM_DTYPE_F32, 4, shape, NULL);
  g_autoptr(DdimArray) filler = ddim_array_new(DDIM_DTYPE_U8, 1, &gap, NULL);
  float *values = ddim_array_get_data(array);

  for (gsize i = 0; i < ddim_tensor_count(&array->tensor); i++)
    values[i] = (float)i;
  array->tensor.name = "arr_0";
  filler->tensor.name = "filler";
  if (g_str_has_suffix(path, ".npz")) {
    const DdimTensor tensors[] = {filler->tensor, array->tensor};
    g_assert_true(ddim_npz_write(path, tensors, 2, NULL));
    return;
  }
  g_assert_true(ddim_npy_write(path, &array->tensor, NULL));
  if (gap)
    g_assert_cmpint(truncate(path, (off_t)gap), ==, 0);
}

static void
write_file(const char *path, guint height, guint width, gsize gap)
{
  (g_str_has_suffix(path, ".png") ? write_png : write_array)(path, height, width, gap);
}

static DdimSamples *
open_samples(const Fixture *fixture)
{
  g_autoptr(GError) error = NULL;
  DdimSamples *samples = ddim_samples_open_images(fixture->path, 3, &error);

  g_assert_no_error(error);
  return samples;
}

/* Each image alone is the same as all of them at once. */
static void
test_read(Fixture *fixture, gconstpointer name)
{
  g_autoptr(DdimSamples) samples = NULL;
  g_autoptr(GError) error = NULL;
  float all[COUNT * IMAGE], one[IMAGE];

  write_file(fixture->path, SIDE, SIDE, 0);
  samples = open_samples(fixture);
  g_assert_true(ddim_samples_load(samples, &error));
  g_assert_true(ddim_samples_read(samples, 0, COUNT, all, &error));
  for (guint i = 0; i < COUNT; i++) {
    g_assert_true(ddim_samples_read(samples, i, 1, one, &error));
    g_assert_cmpmem(one, sizeof one, all + i * IMAGE, sizeof one);
    for (guint k = 0; k < IMAGE && !is_named(fixture, ".png"); k++)
      g_assert_cmpfloat(one[k], ==, (float)(i * IMAGE + k));
  }
  g_assert_no_error(error);
}

/* In Fortran order the first index runs fastest. */
static void
test_fortran(Fixture *fixture, gconstpointer name)
{
  static const char header[] =
      "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3, 1, 4), }                       \n";
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  g_autoptr(DdimSamples) samples = NULL;
  const guint16 length = sizeof header - 1;
  float values[24], read[24];

  g_byte_array_append(bytes, (const guint8 *)"\x93NUMPY\1\0", 8);
  g_byte_array_append(bytes, (const guint8 *)&length, 2);
  g_byte_array_append(bytes, (const guint8 *)header, length);
  for (guint i = 0; i < 24; i++)
    values[i] = (float)i;
  g_byte_array_append(bytes, (const guint8 *)values, sizeof values);
  g_assert_true(g_file_set_contents(fixture->path, (char *)bytes->data, bytes->len, NULL));
  samples = open_samples(fixture);
  g_assert_true(ddim_samples_read(samples, 0, 2, read, NULL));
  for (guint n = 0; n < 2; n++)
    for (guint c = 0; c < 3; c++)
      for (guint x = 0; x < 4; x++)
        g_assert_cmpfloat(read[(n * 3 + c) * 4 + x], ==, (float)(n + 2 * c + 6 * x));
}

static void
test_shortened(Fixture *fixture, gconstpointer name)
{
  g_autoptr(DdimSamples) samples = NULL;
  g_autoptr(GError) error = NULL;
  float image[IMAGE];

  write_file(fixture->path, SIDE, SIDE, LARGE);
  samples = open_samples(fixture);
  g_assert_cmpint(truncate(fixture->path, 300), ==, 0);
  g_assert_false(ddim_samples_read(samples, 0, 1, image, &error));
  g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_IO);
  g_assert_nonnull(strstr(error->message, fixture->path));
}

/* The caller judged a shape. Another one must not be read into the caller's memory. */
static void
test_replaced(Fixture *fixture, gconstpointer name)
{
  g_autofree char *other = g_strconcat(fixture->folder, "/other-", name, NULL);
  g_autoptr(DdimSamples) samples = NULL;
  g_autoptr(GError) error = NULL;
  g_autofree char *bytes = NULL;
  float image[IMAGE];
  gsize size;
  int fd;

  /* A file that is not longer than the first one, but holds more rows. */
  write_file(fixture->path, SIDE, SIDE, is_named(fixture, ".png") ? 100000 : 0);
  samples = open_samples(fixture);
  write_file(other, 2 * SIDE, SIDE / 2, 0);
  g_assert_true(g_file_get_contents(other, &bytes, &size, NULL));
  fd = g_open(fixture->path, O_WRONLY, 0);
  g_assert_cmpint(write(fd, bytes, size), ==, size);
  close(fd);
  g_unlink(other);
  g_assert_false(ddim_samples_read(samples, 0, 1, image, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT);
  g_assert_nonnull(strstr(error->message, "changed"));
}

int
main(int argc, char **argv)
{
#define ADD(NAME, FILE, FUNCTION)                                                                  \
  g_test_add("/samples/" NAME "/" FILE, Fixture, FILE, set_up, FUNCTION, tear_down)
  g_test_init(&argc, &argv, NULL);
  ADD("read", "x.npy", test_read);
  ADD("read", "x.npz", test_read);
  ADD("fortran", "x.npy", test_fortran);
  ADD("shortened", "x.npy", test_shortened);
  ADD("shortened", "x.npz", test_shortened);
  ADD("shortened", "x.png", test_shortened);
  ADD("replaced", "x.npz", test_replaced);
  ADD("replaced", "x.png", test_replaced);
  return g_test_run();
}
