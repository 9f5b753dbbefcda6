/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/device/status.h"

#include <glib/gi18n-lib.h>

G_DEFINE_QUARK(ddim - cl - error - quark, ddim_cl_error)

#define NAME(code)                                                                                 \
  case code:                                                                                       \
    return #code

const char *
ddim_cl_status_name(cl_int status)
{
  switch (status) {
    NAME(CL_SUCCESS);
    NAME(CL_DEVICE_NOT_FOUND);
    NAME(CL_DEVICE_NOT_AVAILABLE);
    NAME(CL_COMPILER_NOT_AVAILABLE);
    NAME(CL_MEM_OBJECT_ALLOCATION_FAILURE);
    NAME(CL_OUT_OF_RESOURCES);
    NAME(CL_OUT_OF_HOST_MEMORY);
    NAME(CL_BUILD_PROGRAM_FAILURE);
    NAME(CL_INVALID_VALUE);
    NAME(CL_INVALID_DEVICE);
    NAME(CL_INVALID_CONTEXT);
    NAME(CL_INVALID_COMMAND_QUEUE);
    NAME(CL_INVALID_MEM_OBJECT);
    NAME(CL_INVALID_BINARY);
    NAME(CL_INVALID_BUILD_OPTIONS);
    NAME(CL_INVALID_PROGRAM);
    NAME(CL_INVALID_PROGRAM_EXECUTABLE);
    NAME(CL_INVALID_KERNEL_NAME);
    NAME(CL_INVALID_KERNEL);
    NAME(CL_INVALID_ARG_INDEX);
    NAME(CL_INVALID_ARG_VALUE);
    NAME(CL_INVALID_ARG_SIZE);
    NAME(CL_INVALID_KERNEL_ARGS);
    NAME(CL_INVALID_WORK_DIMENSION);
    NAME(CL_INVALID_WORK_GROUP_SIZE);
    NAME(CL_INVALID_WORK_ITEM_SIZE);
    NAME(CL_INVALID_GLOBAL_OFFSET);
    NAME(CL_INVALID_EVENT);
    NAME(CL_INVALID_OPERATION);
    NAME(CL_INVALID_BUFFER_SIZE);
    NAME(CL_INVALID_GLOBAL_WORK_SIZE);
  case -1001:
    return "CL_PLATFORM_NOT_FOUND_KHR";
  default:
    return NULL;
  }
}

gboolean
ddim_cl_check(cl_int status, const char *what, GError **error)
{
  if (status == CL_SUCCESS)
    return TRUE;
  g_autofree char *number = g_strdup_printf("%d", status);
  const char *name = ddim_cl_status_name(status);
  if (status == CL_MEM_OBJECT_ALLOCATION_FAILURE || status == CL_OUT_OF_HOST_MEMORY ||
      status == CL_OUT_OF_RESOURCES || status == CL_INVALID_BUFFER_SIZE)
    g_set_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_MEMORY,
                _("the device has not enough memory for this job (%s: %s); try a smaller size or "
                  "batch"),
                what, name ? name : number);
  else
    g_set_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_FAILED, _("OpenCL: %s failed with %s"), what,
                name ? name : number);
  return FALSE;
}
