/* SPDX-License-Identifier: LGPL-3.0-or-later
 * What was measured: its file, and that choices follow it. */
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <string.h>

#include "opencl/tune/choice.h"
#include "opencl/tune/tuning.h"

static const DdimConvShape shape = {
    .in = 64, .out = 96, .taps = 3, .stride = 1, .n = 1, .h = 32, .w = 16};
static const DdimClChoice direct = {DDIM_CONV_DIRECT, DDIM_GEMM_PACKED};
static const DdimClChoice library = {DDIM_CONV_WINOGRAD4, DDIM_GEMM_CLBLAST};

typedef struct {
  char *folder, *path;
  DdimDeviceInfo info;
} File;

static void
file_set_up(File *file, gconstpointer data)
{
  g_autoptr(GError) error = NULL;
  file->folder = g_dir_make_tmp("ddim-tuning-XXXXXX", &error);
  g_assert_no_error(error);
  file->path = g_build_filename(file->folder, "tuning.ini", NULL);
  file->info = (DdimDeviceInfo){.name = (char *)"Some [device] = \n;#",
                                .vendor = (char *)"\xff vendor",
                                .platform = (char *)"",
                                .device_version = (char *)" OpenCL 3.0 ",
                                .driver_version = (char *)"1.2",
                                .compute_units = 4,
                                .max_work_group_size = 256,
                                .local_memory = 32 << 10};
}

static void
file_tear_down(File *file, gconstpointer data)
{
  g_remove(file->path);
  g_rmdir(file->folder);
  g_free(file->path);
  g_free(file->folder);
}

static DdimClTuning *
make_tuning(const DdimDeviceInfo *info)
{
  DdimClTuning *tuning = ddim_cl_tuning_new(info, TRUE);
  ddim_cl_tuning_set(tuning, &shape, FALSE, direct, 0.25);
  ddim_cl_tuning_set(tuning, &shape, TRUE, library, 1.5e-6);
  return tuning;
}

/* Save, and return what was written. */
static char *
save(File *file)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimClTuning) tuning = make_tuning(&file->info);
  char *text = NULL;
  ddim_cl_tuning_save(tuning, file->path, &error);
  g_assert_no_error(error);
  g_file_get_contents(file->path, &text, NULL, &error);
  g_assert_no_error(error);
  return text;
}

static void
write_bytes(File *file, const char *data, gssize size)
{
  g_autoptr(GError) error = NULL;
  /* Not flushed to the disk, which would take most of the time. */
  g_file_set_contents_full(file->path, data, size, G_FILE_SET_CONTENTS_NONE, 0600, &error);
  g_assert_no_error(error);
}

/* @body behind its right checksum. */
static void
write_checked(File *file, const char *body)
{
  g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, body, -1);
  g_autofree char *text = g_strconcat("#sha256=", sum, "\n", body, NULL);
  write_bytes(file, text, -1);
}

/* Check that the file is refused and that nothing of it is used. Returns the message. */
static char *
refused(File *file, const DdimDeviceInfo *info)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimClTuning) tuning = ddim_cl_tuning_new(info, TRUE);
  g_assert_false(ddim_cl_tuning_load(tuning, file->path, &error));
  g_assert_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_FAILED);
  g_assert_cmpfloat(ddim_cl_tuning_get(tuning, &shape, FALSE, direct), <, 0);
  return g_strdup(error->message);
}

static void
assert_damaged(File *file)
{
  g_autofree char *message = refused(file, &file->info);
  g_assert_nonnull(strstr(message, "damaged"));
}

/* What lies there is not a file of the program's, so 'ddim tune' could not repair it. */
static void
assert_unreadable(File *file)
{
  g_autofree char *message = refused(file, &file->info);
  g_assert_nonnull(strstr(message, "cannot be read"));
  g_assert_nonnull(strstr(message, file->path));
}

/* What could not be read is not replaced: it may be good. A link that leads nowhere stands for a
 * disk that does not answer. */
static void
test_unread(File *file, gconstpointer data)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimClTuning) tuning = ddim_cl_tuning_new(&file->info, TRUE);
  g_assert_cmpint(symlink(file->path, file->path), ==, 0);
  g_assert_false(ddim_cl_tuning_load(tuning, file->path, NULL));
  g_assert_false(ddim_cl_tuning_save(tuning, file->path, &error));
  g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED);
  g_assert_nonnull(strstr(error->message, file->path));
  g_assert_true(g_file_test(file->path, G_FILE_TEST_IS_SYMLINK));
  g_remove(file->path);
}

static void
test_round_trip(File *file, gconstpointer data)
{
  g_free(save(file));
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimClTuning) tuning = ddim_cl_tuning_new(&file->info, TRUE);
  DdimConvShape other = shape;
  g_assert_true(ddim_cl_tuning_load(tuning, file->path, &error));
  g_assert_no_error(error);
  g_assert_cmpfloat_with_epsilon(ddim_cl_tuning_get(tuning, &shape, FALSE, direct), 0.25, 1e-9);
  g_assert_cmpfloat_with_epsilon(ddim_cl_tuning_get(tuning, &shape, TRUE, library), 1.5e-6, 1e-12);
  g_assert_cmpfloat(ddim_cl_tuning_get(tuning, &shape, TRUE, direct), <, 0);
  g_assert_cmpfloat(ddim_cl_tuning_get(tuning, &shape, FALSE, library), <, 0);
  other.w = shape.h;
  other.h = shape.w;
  g_assert_cmpfloat(ddim_cl_tuning_get(tuning, &other, FALSE, direct), <, 0);
  other = shape;
  other.up = TRUE;
  g_assert_cmpfloat(ddim_cl_tuning_get(tuning, &other, FALSE, direct), <, 0);
}

static void
test_missing(File *file, gconstpointer data)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimClTuning) tuning = ddim_cl_tuning_new(&file->info, TRUE);
  g_assert_true(ddim_cl_tuning_load(tuning, file->path, &error));
  g_assert_no_error(error);
}

static void
test_damaged(File *file, gconstpointer data)
{
  g_autofree char *text = save(file);
  const gsize size = strlen(text);
  for (gsize i = 0; i < size; i++) {
    text[i] ^= 1;
    write_bytes(file, text, size);
    assert_damaged(file);
    text[i] ^= 1;
  }
  for (gsize i = 0; i < size; i++) {
    write_bytes(file, text, i);
    assert_damaged(file);
  }
}

static void
test_foreign(File *file, gconstpointer data)
{
  g_autofree char *text = save(file);
  DdimDeviceInfo other = file->info;
  other.driver_version = (char *)"1.3";
  g_autofree char *driver = refused(file, &other);
  g_assert_nonnull(strstr(driver, "driver-version is '1.2', here it is '1.3'"));
  other = file->info;
  other.name = (char *)"Another device";
  g_autofree char *device = refused(file, &other);
  g_assert_nonnull(strstr(device, "Another device"));
  g_auto(GStrv) parts =
      g_strsplit(strchr(text, '\n') + 1, "version=" DDIM_VERSION, 2); /* behind the checksum */
  g_assert_cmpuint(g_strv_length(parts), ==, 2);
  g_autofree char *body = g_strjoinv("version=0.0.1", parts);
  write_checked(file, body);
  g_autofree char *version = refused(file, &file->info);
  g_assert_nonnull(strstr(version, "0.0.1"));
}

/* A checksum does not make a file harmless. */
static void
test_hostile(File *file, gconstpointer data)
{
  static const char *const ends[] = {"[x]\ndirect-packed=nan\n",
                                     "[x]\ndirect-packed=inf\n",
                                     "[x]\ndirect-packed=-1\n",
                                     "[x]\ndirect-packed=0\n",
                                     "[x]\ndirect-packed=\n",
                                     "[x]\ndirect-packed=1e99999\n",
                                     "[x]\ndirect-packed=1;2\n",
                                     "[x]\nmagic-packed=1\n",
                                     "[x]\ndirect-packed=1\nmore=1\n",
                                     "[x\ndirect-packed=1\n",
                                     "[x]\n",
                                     "no key file\n",
                                     "[x]\ndirect-packed=\xff\xfe"};
  g_autofree char *text = save(file);
  const char *body = strchr(text, '\n') + 1;
  for (guint i = 0; i < G_N_ELEMENTS(ends); i++) {
    g_autofree char *all = g_strconcat(body, "\n", ends[i], NULL);
    write_checked(file, all);
    assert_damaged(file);
  }
  g_autoptr(GString) many = g_string_new(body);
  for (guint i = 0; i < 5000; i++)
    g_string_append_printf(many, "[%u]\ndirect-packed=1\n", i);
  write_checked(file, many->str);
  assert_damaged(file);
  g_autofree char *large = g_strnfill(3 << 20, '#');
  write_checked(file, large);
  assert_unreadable(file);
  g_remove(file->path);
  write_bytes(file, "\0\0\0", 3);
  assert_damaged(file);
  g_remove(file->path);
  g_assert_cmpint(g_mkdir(file->path, 0700), ==, 0);
  assert_unreadable(file);
  g_rmdir(file->path);
  g_assert_cmpint(mkfifo(file->path, 0600), ==, 0);
  assert_unreadable(file);
  g_remove(file->path);
  g_assert_cmpint(symlink(file->path, file->path), ==, 0);
  assert_unreadable(file);
  g_remove(file->path);
  if (geteuid() != 0)
    return;
  g_free(save(file));
  g_assert_cmpint(chown(file->path, 1234, 1234), ==, 0);
  assert_unreadable(file);
  g_remove(file->path);
}

/* CLBlast's parameters are kept as well, and what was measured with others is forgotten. */
static void
test_clblast(File *file, gconstpointer data)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimClTuning) tuning = make_tuning(&file->info);
  g_autoptr(DdimClTuning) loaded = ddim_cl_tuning_new(&file->info, TRUE);
  const DdimClblastParameters parameters = ddim_clblast_start(1);
  g_assert_null(ddim_cl_tuning_get_clblast(tuning));
  ddim_cl_tuning_set_clblast(tuning, &parameters);
  g_assert_cmpfloat(ddim_cl_tuning_get(tuning, &shape, FALSE, direct), ==, 0.25);
  g_assert_cmpfloat(ddim_cl_tuning_get(tuning, &shape, TRUE, library), <, 0);
  g_assert_true(ddim_cl_tuning_save(tuning, file->path, &error));
  g_assert_true(ddim_cl_tuning_load(loaded, file->path, &error));
  g_assert_no_error(error);
  g_assert_cmpmem(ddim_cl_tuning_get_clblast(loaded), sizeof parameters, &parameters,
                  sizeof parameters);
  g_assert_cmpfloat(ddim_cl_tuning_get(loaded, &shape, FALSE, direct), ==, 0.25);
}

/* Values that CLBlast's kernels are not made for never reach them. */
static void
test_hostile_clblast(File *file, gconstpointer data)
{
  static const char *const lines[][2] = {
      {"Xgemm=0;1;32;2;8;8;64;8;8;64;1;1;0;0;4;", "Xgemm=0;1;32;2;8;8;64;8;8;64;1;1;0;0;4;4;4;"},
      {"Xgemm=1;1;32;2;8;8;64;8;8;64;1;1;0;0;4;4;", "Xgemm=0;1;32;2;8;8;64;8;8;63;1;1;0;0;4;4;"},
      {"Xgemm=0;1;32;2;8;8;64;8;8;64;1;1;0;0;-4;4;",
       "Xgemm=0;1;32;2;8;8;64;8;8;99999999999;1;1;0;0;4;4;"},
      {"Xgemm=", "Xgemm=x;1;32;2;8;8;64;8;8;64;1;1;0;0;4;4;"},
      {"Xgemm=0;1;32;2;32;32;64;32;32;64;1;1;0;0;1;1;", "Other=1"}};
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimClTuning) tuning = make_tuning(&file->info);
  const DdimClblastParameters parameters = ddim_clblast_start(1);
  g_autofree char *text = NULL;
  ddim_cl_tuning_set_clblast(tuning, &parameters);
  g_assert_true(ddim_cl_tuning_save(tuning, file->path, &error));
  g_assert_true(g_file_get_contents(file->path, &text, NULL, &error));
  const char *body = strchr(text, '\n') + 1, *at = strstr(body, "Xgemm=");
  g_assert_nonnull(at);
  const char *rest = strchr(at, '\n');
  for (guint i = 0; i < 2 * G_N_ELEMENTS(lines); i++) {
    g_autoptr(GString) all = g_string_new_len(body, at - body);
    g_string_append(all, lines[i / 2][i % 2]);
    g_string_append(all, rest);
    write_checked(file, all->str);
    assert_damaged(file);
  }
}

static void
test_cannot_save(File *file, gconstpointer data)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimClTuning) tuning = make_tuning(&file->info);
  write_bytes(file, "a file, no folder", -1);
  g_autofree char *below = g_build_filename(file->path, "x.ini", NULL);
  g_assert_false(ddim_cl_tuning_save(tuning, below, &error));
  g_assert_nonnull(error);
  g_assert_cmpint(error->domain, ==, G_FILE_ERROR);
}

static void
test_own_file(void)
{
  const DdimDeviceInfo info = {.name = (char *)"a",
                               .vendor = (char *)"",
                               .platform = (char *)"",
                               .device_version = (char *)"",
                               .driver_version = (char *)"1"};
  DdimDeviceInfo newer = info;
  newer.driver_version = (char *)"2";
  g_autoptr(DdimClTuning) one = ddim_cl_tuning_new(&info, TRUE);
  g_autoptr(DdimClTuning) two = ddim_cl_tuning_new(&newer, TRUE);
  g_autoptr(DdimClTuning) three = ddim_cl_tuning_new(&info, FALSE);
  g_autofree char *first = ddim_cl_tuning_path(one), *second = ddim_cl_tuning_path(two);
  g_autofree char *third = ddim_cl_tuning_path(three);
  g_assert_true(g_str_has_prefix(first, g_get_user_cache_dir()));
  g_assert_cmpstr(first, !=, second);
  g_assert_cmpstr(first, !=, third);
}

/* Seconds for every method with the device's own provider. */
static void
measure(DdimContext *context, DdimClTuning *tuning, double direct_s, double winograd2_s,
        double winograd4_s)
{
  const DdimGemmProvider own = ddim_cl_default_provider(context, FALSE);
  ddim_cl_tuning_set(tuning, &shape, FALSE, (DdimClChoice){DDIM_CONV_DIRECT, own}, direct_s);
  ddim_cl_tuning_set(tuning, &shape, FALSE, (DdimClChoice){DDIM_CONV_WINOGRAD2, own}, winograd2_s);
  ddim_cl_tuning_set(tuning, &shape, FALSE, (DdimClChoice){DDIM_CONV_WINOGRAD4, own}, winograd4_s);
  ddim_cl_tuning_set(tuning, &shape, FALSE, (DdimClChoice){DDIM_CONV_AMX, own}, 99);
  ddim_cl_tuning_set(tuning, &shape, FALSE, (DdimClChoice){DDIM_CONV_AMX_WINOGRAD, own}, 99);
  ddim_cl_tuning_set(tuning, &shape, FALSE, (DdimClChoice){DDIM_CONV_WINOGRAD4_LEAN, own}, 99);
}

static void
assert_choice(DdimContext *context, const DdimClTuning *tuning, guint64 budget,
              DdimConvMethod method, DdimGemmProvider provider)
{
  DdimClChoice choice;
  ddim_cl_choose(context, tuning, &shape, 1, FALSE, budget, &choice);
  g_assert_cmpint(choice.method, ==, method);
  g_assert_cmpint(choice.provider, ==, provider);
}

static void
test_choices(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimContext) context = ddim_context_new(NULL, &error);
  g_assert_no_error(error);
  g_autoptr(DdimClTuning) tuning = ddim_cl_tuning_new(ddim_context_get_device(context), TRUE);
  const DdimGemmProvider own = ddim_cl_default_provider(context, FALSE);
  const DdimGemmProvider other = own == DDIM_GEMM_PACKED ? DDIM_GEMM_CLBLAST : DDIM_GEMM_PACKED;
  const guint64 plenty = G_MAXUINT64 / 2;
  measure(context, tuning, 1, 2, 3);
  assert_choice(context, tuning, plenty, DDIM_CONV_DIRECT, own);
  measure(context, tuning, 3, 1, 2);
  assert_choice(context, tuning, plenty, DDIM_CONV_WINOGRAD2, own);
  measure(context, tuning, 3, 2, 1);
  assert_choice(context, tuning, plenty, DDIM_CONV_WINOGRAD4, own);
  /* Transformed weights that do not fit are not used, however fast. */
  assert_choice(context, tuning, 1, DDIM_CONV_DIRECT, own);
  ddim_cl_tuning_set(tuning, &shape, FALSE, (DdimClChoice){DDIM_CONV_WINOGRAD2, other}, 0.5);
  assert_choice(context, tuning, plenty, DDIM_CONV_WINOGRAD2, other);
  ddim_cl_tuning_set(tuning, &shape, FALSE, (DdimClChoice){DDIM_CONV_DIRECT, other}, 0.25);
  assert_choice(context, tuning, plenty, DDIM_CONV_DIRECT, other);
}

/* One method measured says nothing about the others. */
static void
test_incomplete(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimContext) context = ddim_context_new(NULL, &error);
  g_assert_no_error(error);
  const DdimGemmProvider own = ddim_cl_default_provider(context, FALSE);
  DdimClChoice builtin;
  ddim_cl_choose(context, NULL, &shape, 1, FALSE, G_MAXUINT64 / 2, &builtin);
  const DdimConvMethod another =
      builtin.method == DDIM_CONV_DIRECT ? DDIM_CONV_WINOGRAD4 : DDIM_CONV_DIRECT;
  g_autoptr(DdimClTuning) tuning = ddim_cl_tuning_new(ddim_context_get_device(context), TRUE);
  ddim_cl_tuning_set(tuning, &shape, FALSE, (DdimClChoice){another, own}, 1e-9);
  assert_choice(context, tuning, G_MAXUINT64 / 2, builtin.method, builtin.provider);
}

int
main(int argc, char **argv)
{
  static const struct {
    const char *path;
    void (*test)(File *file, gconstpointer data);
  } tests[] = {
      {"/tuning/round-trip", test_round_trip}, {"/tuning/missing", test_missing},
      {"/tuning/damaged", test_damaged},       {"/tuning/foreign", test_foreign},
      {"/tuning/hostile", test_hostile},       {"/tuning/cannot-save", test_cannot_save},
      {"/tuning/clblast", test_clblast},       {"/tuning/hostile-clblast", test_hostile_clblast},
      {"/tuning/unread", test_unread}};
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(tests); i++)
    g_test_add(tests[i].path, File, NULL, file_set_up, tests[i].test, file_tear_down);
  g_test_add_func("/tuning/own-file", test_own_file);
  g_test_add_func("/tuning/choices", test_choices);
  g_test_add_func("/tuning/incomplete", test_incomplete);
  return g_test_run();
}
