/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "core/data/error.h"
#include "core/data/file.h"
#include "core/data/image-png.h"
#include "core/data/image-private.h"

/* ((x + 1) * 127.5).clamp(0, 255).to(uint8): truncated, not rounded. */
static void
test_from_samples(void)
{
  const float samples[8] = {-1, -1.5f, 1, 7, 0, -0.9999f, NAN, 0.99f};
  const guint8 expected[8] = {0, 0, 255, 255, 127, 0, 0, 253};
  g_autoptr(DdimImage) image = ddim_image_new_from_samples(samples, 1, 2, 4, NULL);

  g_assert_cmpmem(image->pixels, 8, expected, 8);
}

/* What torchvision's save_image and diffusers' numpy_to_pil make of the same samples. */
static void
test_roundings(void)
{
  const float samples[8] = {-1, -1.5f, 1, 7, 0, -0.9960f, NAN, 0.99f};
  const guint8 rounded[8] = {0, 0, 255, 255, 128, 1, 0, 254};
  const guint8 nearest[8] = {0, 0, 255, 255, 128, 1, 0, 254};
  g_autoptr(DdimImage) first =
      ddim_image_new_from_samples_as(samples, 1, 2, 4, DDIM_BYTES_ROUNDED, NULL);
  g_autoptr(DdimImage) second =
      ddim_image_new_from_samples_as(samples, 1, 2, 4, DDIM_BYTES_NEAREST, NULL);

  g_assert_cmpmem(first->pixels, 8, rounded, 8);
  g_assert_cmpmem(second->pixels, 8, nearest, 8);
}

static void
test_planes(void)
{
  const float samples[12] = {-1, -1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 1};
  g_autoptr(DdimImage) image = ddim_image_new_from_samples(samples, 3, 1, 4, NULL);
  float back[12];

  g_assert_cmpuint(image->pixels[0], ==, 0);
  g_assert_cmpuint(image->pixels[1], ==, 127);
  g_assert_cmpuint(image->pixels[2], ==, 255);
  ddim_image_to_samples(image, back);
  for (int i = 0; i < 12; i++)
    g_assert_cmpfloat_with_epsilon(back[i], samples[i], 1.0 / 127);
}

static void
test_sizes(void)
{
  static const guint sizes[][3] = {
      {0, 1, 3}, {1, 0, 3}, {1, 1, 0}, {1, 1, 5}, {G_MAXUINT, G_MAXUINT, 4}};

  for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
    g_autoptr(GError) error = NULL;
    g_assert_null(ddim_image_new(sizes[i][0], sizes[i][1], sizes[i][2], &error));
    g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
  }
}

static void
test_grid(void)
{
  DdimImage *images[5];
  g_autoptr(DdimImage) grid = NULL;

  for (guint i = 0; i < 5; i++) {
    images[i] = ddim_image_new(2, 1, 1, NULL);
    images[i]->pixels[0] = images[i]->pixels[1] = i + 1;
  }
  grid = ddim_image_new_grid(images, 5, NULL);
  g_assert_cmpuint(grid->width, ==, 6);
  g_assert_cmpuint(grid->height, ==, 2);
  g_assert_cmpmem(grid->pixels, 12, "\1\1\2\2\3\3\4\4\5\5\0\0", 12);
  for (guint i = 0; i < 5; i++)
    ddim_image_free(images[i]);
}

/* What is written is read back, for every number of channels, with text in and out of Latin-1. */
static void
test_png(gconstpointer data)
{
  guint channels = GPOINTER_TO_UINT(data);
  g_autofree char *folder = g_dir_make_tmp("ddim-image-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(folder, "x.png", NULL);
  g_autoptr(DdimImage) image = ddim_image_new(5, 7, channels, NULL);
  g_autoptr(DdimImage) back = NULL;
  g_autoptr(GHashTable) text = g_hash_table_new(g_str_hash, g_str_equal), found = NULL;
  g_autoptr(GError) error = NULL;

  for (guint i = 0; i < 5 * 7 * channels; i++)
    image->pixels[i] = i * 37;
  g_hash_table_insert(text, (gpointer) "Software", (gpointer) "ddim");
  g_hash_table_insert(text, (gpointer) "latin", (gpointer) "caf\xc3\xa9");
  g_hash_table_insert(text, (gpointer) "wide", (gpointer) "\xe5\xa4\xa7\xe7\x90\x86");
  g_assert_true(ddim_image_write_png(image, path, text, &error));
  g_assert_no_error(error);
  g_autoptr(DdimFile) file = ddim_file_open(path, &error);
  g_assert_no_error(error);
  back = ddim_png_read_image(file, &error);
  g_assert_no_error(error);
  found = ddim_png_read_text(file, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(back->channels, ==, channels);
  g_assert_cmpmem(back->pixels, 5 * 7 * channels, image->pixels, 5 * 7 * channels);
  g_assert_cmpuint(g_hash_table_size(found), ==, 3);
  g_assert_cmpstr(g_hash_table_lookup(found, "latin"), ==, "caf\xc3\xa9");
  g_assert_cmpstr(g_hash_table_lookup(found, "wide"), ==, "\xe5\xa4\xa7\xe7\x90\x86");
  g_remove(path);
  g_rmdir(folder);
}

/* A PNG cut anywhere, or with a byte changed anywhere, is an error or a picture, never a crash. */
static void
test_broken_png(void)
{
  g_autofree char *folder = g_dir_make_tmp("ddim-image-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(folder, "x.png", NULL);
  g_autoptr(DdimImage) image = ddim_image_new(6, 6, 3, NULL);
  g_autofree char *bytes = NULL;
  gsize size = 0;

  g_assert_true(ddim_image_write_png(image, path, NULL, NULL));
  g_assert_true(g_file_get_contents(path, &bytes, &size, NULL));
  for (gsize i = 0; i < size; i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(DdimImage) cut = NULL, flipped = NULL;
    g_autoptr(GHashTable) cut_text = NULL, flipped_text = NULL;
    g_autoptr(GBytes) part = g_bytes_new(bytes, i), whole = NULL;
    g_autoptr(DdimFile) cut_file = ddim_file_new_from_bytes(part, "cut"), flipped_file = NULL;

    cut = ddim_image_read_png(part, "cut", &error);
    g_assert_null(cut);
    g_assert_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT);
    g_clear_error(&error);
    cut_text = ddim_png_read_text(cut_file, &error);
    g_assert_null(cut_text);
    g_assert_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT);
    bytes[i] ^= 0x55;
    whole = g_bytes_new(bytes, size);
    flipped = ddim_image_read_png(whole, "flipped", NULL);
    flipped_file = ddim_file_new_from_bytes(whole, "flipped");
    flipped_text = ddim_png_read_text(flipped_file, NULL);
    bytes[i] ^= 0x55;
  }
  g_remove(path);
  g_rmdir(folder);
}

/* What cannot be compressed is a little larger as a PNG. Space is asked for accordingly, not for
 * much more, and for a sheet as for the picture that it is. */
static void
test_most_bytes(void)
{
  g_autofree char *folder = g_dir_make_tmp("ddim-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(folder, "most.png", NULL);
  g_autoptr(DdimImage) image = ddim_image_new(300, 200, 3, NULL);
  g_autoptr(GRand) random = g_rand_new_with_seed(1);
  const guint size = 300 * 200 * 3;
  GStatBuf info;

  for (guint i = 0; i < size; i++)
    image->pixels[i] = (guint8)g_rand_int_range(random, 0, 256);
  g_assert_true(ddim_image_write_png(image, path, NULL, NULL));
  g_assert_cmpint(g_stat(path, &info), ==, 0);
  g_remove(path);
  g_rmdir(folder);
  g_assert_cmpuint(info.st_size, >, size);
  g_assert_cmpuint(info.st_size, <=, ddim_png_most_bytes(3, 300, 200));
  g_assert_cmpuint(ddim_png_most_bytes(3, 300, 200), <, size + size / 20);
  g_assert_cmpuint(ddim_png_most_bytes_of_grid(5, 3, 300, 200), ==,
                   ddim_png_most_bytes(3, 900, 400));
  g_assert_cmpuint(ddim_png_most_bytes(4, 32768, 32768), >, (guint64)1 << 32);
}

static void
test_unwritable(void)
{
  g_autoptr(DdimImage) image = ddim_image_new(2, 2, 3, NULL);
  g_autoptr(GError) error = NULL;

  g_assert_false(ddim_image_write_png(image, "/nonexistent/x.png", NULL, &error));
  g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/image/from-samples", test_from_samples);
  g_test_add_func("/image/roundings", test_roundings);
  g_test_add_func("/image/planes", test_planes);
  g_test_add_func("/image/sizes", test_sizes);
  g_test_add_func("/image/grid", test_grid);
  g_test_add_data_func("/image/png/1", GUINT_TO_POINTER(1), test_png);
  g_test_add_data_func("/image/png/2", GUINT_TO_POINTER(2), test_png);
  g_test_add_data_func("/image/png/3", GUINT_TO_POINTER(3), test_png);
  g_test_add_data_func("/image/png/4", GUINT_TO_POINTER(4), test_png);
  g_test_add_func("/image/png/broken", test_broken_png);
  g_test_add_func("/image/png/unwritable", test_unwritable);
  g_test_add_func("/image/png/most-bytes", test_most_bytes);
  return g_test_run();
}
