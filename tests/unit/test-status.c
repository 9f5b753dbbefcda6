/* SPDX-License-Identifier: LGPL-3.0-or-later
 * What an error of OpenCL or CLBlast tells the user. */
#include "opencl/device/status.h"

#include <string.h>

static void
test_names(void)
{
  static const struct {
    cl_int status;
    const char *name;
  } names[] = {
      {0, "CL_SUCCESS"},
      {-1, "CL_DEVICE_NOT_FOUND"},
      {-13, "CL_MISALIGNED_SUB_BUFFER_OFFSET"},
      {-38, "CL_INVALID_MEM_OBJECT"},
      {-57, "CL_INVALID_EVENT_WAIT_LIST"},
      {-63, "CL_INVALID_GLOBAL_WORK_SIZE"},
      {-1001, "CL_PLATFORM_NOT_FOUND_KHR"},
      /* of clblast.h, StatusCode */
      {-1024, "CLBlastNotImplemented"},
      {-1016, "CLBlastInvalidLeadDimA"},
      {-1007, "CLBlastInsufficientMemoryY"},
      {-2050, "CLBlastInsufficientMemoryTemp"},
      {-2046, "CLBlastInvalidLocalMemUsage"},
      {-2039, "CLBlastUnexpectedError"},
  };
  for (guint i = 0; i < G_N_ELEMENTS(names); i++)
    g_assert_cmpstr(ddim_cl_status_name(names[i].status), ==, names[i].name);
  g_assert_null(ddim_cl_status_name(-12345));
  g_assert_null(ddim_cl_status_name(1));
}

static void
test_check(void)
{
  static const struct {
    cl_int status;
    DdimClError code;
    const char *part;
  } errors[] = {
      {CL_OUT_OF_RESOURCES, DDIM_CL_ERROR_MEMORY, "CL_OUT_OF_RESOURCES"},
      {CL_DEVICE_NOT_AVAILABLE, DDIM_CL_ERROR_LOST, "CL_DEVICE_NOT_AVAILABLE"},
      {CL_INVALID_COMMAND_QUEUE, DDIM_CL_ERROR_LOST, "CL_INVALID_COMMAND_QUEUE"},
      {-9999, DDIM_CL_ERROR_LOST, "-9999"},
      {CL_INVALID_KERNEL_ARGS, DDIM_CL_ERROR_FAILED, "CL_INVALID_KERNEL_ARGS"},
      {-1016, DDIM_CL_ERROR_FAILED, "CLBlastInvalidLeadDimA"},
      {-12345, DDIM_CL_ERROR_FAILED, "-12345"},
  };
  g_assert_true(ddim_cl_check(CL_SUCCESS, "clTest", NULL));
  for (guint i = 0; i < G_N_ELEMENTS(errors); i++) {
    g_autoptr(GError) error = NULL;
    g_assert_false(ddim_cl_check(errors[i].status, "clTest", &error));
    g_assert_error(error, DDIM_CL_ERROR, (gint)errors[i].code);
    g_assert_nonnull(strstr(error->message, errors[i].part));
    g_assert_nonnull(strstr(error->message, "clTest"));
  }
}

static void
test_domain(void)
{
  g_assert_cmpstr(g_quark_to_string(DDIM_CL_ERROR), ==, "ddim-cl-error-quark");
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/status/names", test_names);
  g_test_add_func("/status/check", test_check);
  g_test_add_func("/status/domain", test_domain);
  return g_test_run();
}
