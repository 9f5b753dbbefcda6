/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Which device is chosen, and what is said when there is none. */
#include <glib/gstdio.h>
#include <string.h>

#include "opencl/device/compile-worker.h"
#include "opencl/device/context.h"
#include "opencl/device/device-choice.h"
#include "opencl/device/matrix-unit.h"

static GPtrArray *
list(void)
{
  g_autoptr(GError) error = NULL;
  GPtrArray *devices = ddim_device_list(&error);
  g_assert_no_error(error);
  g_assert_cmpuint(devices->len, >, 0);
  return devices;
}

/* What an application's threads may do before anything else: find the devices, open one. */
static gpointer
open_first(gpointer data)
{
  int *waiting = data;
  g_atomic_int_dec_and_test(waiting);
  while (g_atomic_int_get(waiting) > 0)
    ; /* all at the same moment */
  g_autoptr(GPtrArray) devices = list();
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimContext) context = ddim_context_new(NULL, &error);
  g_assert_no_error(error);
  g_assert_nonnull(context);
  g_assert_cmpuint(devices->len, >, 0);
  return NULL;
}

static void
open_in_threads(void)
{
  GThread *threads[4];
  int waiting = G_N_ELEMENTS(threads);
  for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
    threads[i] = g_thread_new("opener", open_first, &waiting);
  for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
    g_thread_join(threads[i]);
}

/* The driver starts at the first use in a process, so each try is a process of its own. */
static void
test_threads(void)
{
  if (g_test_subprocess()) {
    open_in_threads();
    return;
  }
  for (guint i = 0; i < 10; i++) {
    g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_passed();
  }
}

static void
test_list(void)
{
  g_autoptr(GPtrArray) devices = list();
  for (guint i = 0; i < devices->len; i++) {
    const DdimDeviceInfo *d = devices->pdata[i];
    g_assert_cmpuint(d->index, ==, i);
    g_assert_cmpstr(d->name, !=, "");
    g_assert_cmpstr(d->platform, !=, "");
    g_assert_true(g_str_has_prefix(d->device_version, "OpenCL "));
    g_assert_cmpuint(d->compute_units, >, 0);
    g_assert_cmpuint(d->max_allocation, >, 0);
    g_assert_cmpuint(d->max_allocation, <=, d->global_memory);
    g_assert_cmpuint(d->max_work_group_size, >, 0);
  }
}

static void
test_index(void)
{
  g_autoptr(GPtrArray) devices = list();
  for (guint i = 0; i < devices->len; i++) {
    g_autoptr(GError) error = NULL;
    g_autofree char *spec = g_strdup_printf("%u", i);
    g_autoptr(DdimDeviceInfo) chosen = ddim_device_choose(spec, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(chosen->index, ==, i);
    g_assert_cmpstr(chosen->name, ==, ((DdimDeviceInfo *)devices->pdata[i])->name);
  }
}

/* Parts of names, in any case, of the device or of its platform. */
static void
test_name(void)
{
  g_autoptr(GPtrArray) devices = list();
  for (guint i = 0; i < devices->len; i++) {
    const DdimDeviceInfo *d = devices->pdata[i];
    const char *names[] = {d->name, d->platform};
    for (guint k = 0; k < G_N_ELEMENTS(names); k++) {
      g_autoptr(GError) error = NULL;
      g_autofree char *upper = g_utf8_strup(names[k], -1);
      g_autoptr(DdimDeviceInfo) whole = ddim_device_choose(names[k], &error);
      g_assert_no_error(error);
      g_autoptr(DdimDeviceInfo) shouted = ddim_device_choose(upper, &error);
      g_assert_no_error(error);
      g_assert_cmpuint(whole->index, ==, shouted->index);
      g_assert_true(strstr(k ? whole->platform : whole->name, names[k]) != NULL);
      g_autoptr(DdimDeviceInfo) part = ddim_device_choose(names[k] + strlen(names[k]) / 2, &error);
      g_assert_no_error(error);
      g_assert_nonnull(part);
    }
  }
}

/* Of every two of these the first is used. */
static const DdimDeviceInfo ordered[] = {
    {.kind = DDIM_DEVICE_GPU,
     .name = "NVIDIA",
     .platform = "NVIDIA CUDA",
     .has_own_memory = TRUE,
     .compute_units = 132},
    {.kind = DDIM_DEVICE_GPU,
     .name = "NVIDIA",
     .platform = "NVIDIA CUDA",
     .has_own_memory = TRUE,
     .compute_units = 40},
    {.kind = DDIM_DEVICE_GPU,
     .name = "AMD Radeon (radeonsi)",
     .platform = "rusticl",
     .has_own_memory = TRUE,
     .compute_units = 96},
    {.kind = DDIM_DEVICE_GPU,
     .name = "Intel UHD",
     .platform = "Intel(R) OpenCL Graphics",
     .compute_units = 32},
    {.kind = DDIM_DEVICE_GPU,
     .name = "Mesa Intel UHD (iris)",
     .platform = "rusticl",
     .compute_units = 32},
    {.kind = DDIM_DEVICE_ACCELERATOR, .name = "FPGA", .platform = "p", .compute_units = 1},
    {.kind = DDIM_DEVICE_CPU,
     .name = "cpu-sapphirerapids",
     .platform = "Portable Computing Language",
     .compute_units = 8},
    {.kind = DDIM_DEVICE_GPU,
     .name = "Oclgrind Simulator",
     .platform = "Oclgrind",
     .has_own_memory = TRUE,
     .compute_units = 1},
    {.kind = DDIM_DEVICE_GPU,
     .name = "llvmpipe (LLVM 19.1.7, 256 bits)",
     .platform = "rusticl",
     .compute_units = 64},
};

static void
test_better(void)
{
  for (guint i = 0; i < G_N_ELEMENTS(ordered); i++) {
    g_assert_false(ddim_device_is_better(&ordered[i], &ordered[i]));
    for (guint k = i + 1; k < G_N_ELEMENTS(ordered); k++) {
      g_assert_true(ddim_device_is_better(&ordered[i], &ordered[k]));
      g_assert_false(ddim_device_is_better(&ordered[k], &ordered[i]));
    }
  }
}

/* Why the first of @n of them, beginning with @first and each @step further, is used. */
static void
check_reason(guint first, guint step, guint n, const char *expected)
{
  g_autoptr(GPtrArray) infos = g_ptr_array_new();
  DdimDeviceInfo copies[G_N_ELEMENTS(ordered)];
  for (guint i = 0; i < n; i++) {
    /* in reverse, so that the place in the list does not decide */
    copies[i] = ordered[first + (n - 1 - i) * step];
    copies[i].index = i;
    g_ptr_array_add(infos, &copies[i]);
  }
  g_autofree char *reason = ddim_device_explain(infos, &copies[n - 1]);
  g_assert_cmpstr(reason, ==, expected);
}

static void
test_reason(void)
{
  g_unsetenv("DDIM_DEVICE");
  check_reason(0, 1, 1, "is the only device");
  check_reason(0, 1, 9, "has the most compute units of its kind, 132");
  check_reason(2, 1, 3, "is the only graphics card with memory of its own");
  check_reason(3, 1, 5, "has a driver that is not Mesa's");
  check_reason(4, 1, 4, "is the only graphics card");
  check_reason(5, 1, 2, "is an accelerator, and there is no graphics card");
  check_reason(6, 1, 3,
               "is a processor with a driver of its own, and the others only imitate a "
               "device");
  check_reason(6, 0, 2, "is the first of several that are alike");
  g_setenv("DDIM_DEVICE", "x", TRUE);
  check_reason(0, 1, 3, "is what DDIM_DEVICE asks for");
  g_unsetenv("DDIM_DEVICE");
}

/* In a process of its own, as the environment is set before all else: rusticl's drivers are asked
 * for, unless the user has said which. */
static void
test_rusticl(void)
{
  char *arguments[] = {(char *)"ddim", NULL};
  int status;
  if (!g_test_subprocess()) {
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
    return;
  }
  g_setenv("RUSTICL_ENABLE", "iris", TRUE);
  g_assert_false(ddim_compile_worker_begin(1, arguments, &status));
  g_assert_cmpstr(g_getenv("RUSTICL_ENABLE"), ==, "iris");
  g_unsetenv("RUSTICL_ENABLE");
  g_assert_false(ddim_compile_worker_begin(1, arguments, &status));
  g_assert_nonnull(strstr(g_getenv("RUSTICL_ENABLE"), "radeonsi"));
}

/* The message lists the devices, so that the next try can be right. */
static void
test_unknown(void)
{
  g_autoptr(GPtrArray) devices = list();
  g_autofree char *behind = g_strdup_printf("%u", devices->len);
  const char *specs[] = {"no such device", behind, "99999999999999999999", "-1", "%s%n"};
  for (guint i = 0; i < G_N_ELEMENTS(specs); i++) {
    g_autoptr(GError) error = NULL;
    g_assert_null(ddim_device_choose(specs[i], &error));
    g_assert_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_NO_MATCH);
    g_assert_nonnull(strstr(error->message, specs[i]));
    g_assert_nonnull(strstr(error->message, ((DdimDeviceInfo *)devices->pdata[0])->name));
    g_clear_error(&error);
    g_assert_null(ddim_context_new(specs[i], &error));
    g_assert_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_NO_MATCH);
  }
}

/* The environment holds any bytes; messages are UTF-8. */
static void
test_not_utf8(void)
{
  static const char *const specs[] = {"\xf0", "a\xff", "\xe2\x82"};
  for (guint i = 0; i < G_N_ELEMENTS(specs); i++) {
    g_autoptr(GError) error = NULL;
    g_assert_null(ddim_device_choose(specs[i], &error));
    g_assert_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_NO_MATCH);
    g_assert_true(g_utf8_validate(error->message, -1, NULL));
  }
}

/* The environment chooses when the caller does not. */
static void
test_environment(void)
{
  g_autoptr(GError) error = NULL;
  g_setenv("DDIM_DEVICE", "no such device", TRUE);
  g_assert_null(ddim_device_choose(NULL, &error));
  g_assert_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_NO_MATCH);
  g_clear_error(&error);
  g_assert_null(ddim_device_choose("", &error));
  g_assert_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_NO_MATCH);
  g_clear_error(&error);
  g_autoptr(DdimDeviceInfo) named = ddim_device_choose("0", &error);
  g_assert_no_error(error);
  g_assert_cmpuint(named->index, ==, 0);
  g_setenv("DDIM_DEVICE", "0", TRUE);
  g_autoptr(DdimDeviceInfo) chosen = ddim_device_choose(NULL, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(chosen->index, ==, 0);
  g_unsetenv("DDIM_DEVICE");
}

/* In a process of its own: the loader looks for platforms once. */
static void
test_no_platform(void)
{
  if (g_test_subprocess()) {
    g_autoptr(GError) error = NULL;
    g_setenv("OCL_ICD_VENDORS", "/nonexistent/", TRUE);
    g_assert_null(ddim_device_list(&error));
    g_assert_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_NO_DEVICE);
    g_assert_nonnull(strstr(error->message, "pocl-opencl-icd"));
    g_clear_error(&error);
    g_assert_null(ddim_device_choose("0", &error));
    g_assert_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_NO_DEVICE);
    g_clear_error(&error);
    g_assert_null(ddim_context_new(NULL, &error));
    g_assert_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_NO_DEVICE);
    return;
  }
  g_test_trap_subprocess(NULL, 0, 0);
  g_test_trap_assert_passed();
}

/* When drivers are there but do not work, the message must not advise installing one. */
static void
test_no_working_driver(void)
{
  if (g_test_subprocess()) {
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = g_dir_make_tmp("ddim-drivers-XXXXXX", NULL);
    g_autofree char *driver = g_build_filename(folder, "broken.icd", NULL);
    g_assert_true(g_file_set_contents(driver, "libnothing.so", -1, NULL));
    g_setenv("OCL_ICD_VENDORS", folder, TRUE);
    g_assert_null(ddim_device_list(&error));
    g_assert_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_NO_DEVICE);
    g_assert_nonnull(strstr(error->message, "broken.icd"));
    g_assert_null(strstr(error->message, "nstall your"));
    g_unlink(driver);
    g_rmdir(folder);
    return;
  }
  g_test_trap_subprocess(NULL, 0, 0);
  g_test_trap_assert_passed();
}

/* Intel's matrix unit needs both extensions, by their whole names, and is made for the smallest
 * sub-groups. */
static void
test_intel_matrix_unit(void)
{
#define UNIT "cl_intel_subgroup_matrix_multiply_accumulate"
#define SIZES "cl_intel_required_subgroup_size"
  static const gsize arc[] = {8, 16, 32}, xe2[] = {32, 16}, other[] = {32, 64};
  static const struct {
    const char *extensions;
    const gsize *sub_groups;
    gsize n;
    DdimClMatrixUnit unit;
  } cases[] = {
      {"cl_khr_fp16 " UNIT " " SIZES, arc, G_N_ELEMENTS(arc), DDIM_CL_MATRIX_UNIT_INTEL8},
      {SIZES " " UNIT " ", xe2, G_N_ELEMENTS(xe2), DDIM_CL_MATRIX_UNIT_INTEL16},
      {UNIT " " SIZES, other, G_N_ELEMENTS(other), DDIM_CL_NO_MATRIX_UNIT},
      {UNIT " " SIZES, arc, 0, DDIM_CL_NO_MATRIX_UNIT},
      {UNIT, arc, G_N_ELEMENTS(arc), DDIM_CL_NO_MATRIX_UNIT},
      {SIZES " " UNIT "_tf32", arc, G_N_ELEMENTS(arc), DDIM_CL_NO_MATRIX_UNIT},
      {"", arc, G_N_ELEMENTS(arc), DDIM_CL_NO_MATRIX_UNIT},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
    g_assert_cmpint(
        ddim_cl_matrix_unit_of_intel(cases[i].extensions, cases[i].sub_groups, cases[i].n), ==,
        cases[i].unit);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/device/threads", test_threads);
  g_test_add_func("/device/list", test_list);
  g_test_add_func("/device/index", test_index);
  g_test_add_func("/device/name", test_name);
  g_test_add_func("/device/better", test_better);
  g_test_add_func("/device/reason", test_reason);
  g_test_add_func("/device/rusticl", test_rusticl);
  g_test_add_func("/device/unknown", test_unknown);
  g_test_add_func("/device/not-utf8", test_not_utf8);
  g_test_add_func("/device/environment", test_environment);
  g_test_add_func("/device/no-platform", test_no_platform);
  g_test_add_func("/device/no-working-driver", test_no_working_driver);
  g_test_add_func("/device/intel-matrix-unit", test_intel_matrix_unit);
  return g_test_run();
}
