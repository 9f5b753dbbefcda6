/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/device/status.h"

#include <clblast_c.h>
#include <glib/gi18n-lib.h>

/* clang-format would put spaces into the name. */
/* clang-format off */
G_DEFINE_QUARK(ddim-cl-error-quark, ddim_cl_error)
/* clang-format on */

/* NVIDIA's driver gives it after a kernel that accessed memory which is not there. */
#define NVIDIA_FAULT (-9999)

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
    NAME(CL_PROFILING_INFO_NOT_AVAILABLE);
    NAME(CL_MEM_COPY_OVERLAP);
    NAME(CL_IMAGE_FORMAT_MISMATCH);
    NAME(CL_IMAGE_FORMAT_NOT_SUPPORTED);
    NAME(CL_BUILD_PROGRAM_FAILURE);
    NAME(CL_MAP_FAILURE);
    NAME(CL_MISALIGNED_SUB_BUFFER_OFFSET);
    NAME(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST);
    NAME(CL_COMPILE_PROGRAM_FAILURE);
    NAME(CL_LINKER_NOT_AVAILABLE);
    NAME(CL_LINK_PROGRAM_FAILURE);
    NAME(CL_DEVICE_PARTITION_FAILED);
    NAME(CL_KERNEL_ARG_INFO_NOT_AVAILABLE);
    NAME(CL_INVALID_VALUE);
    NAME(CL_INVALID_DEVICE_TYPE);
    NAME(CL_INVALID_PLATFORM);
    NAME(CL_INVALID_DEVICE);
    NAME(CL_INVALID_CONTEXT);
    NAME(CL_INVALID_QUEUE_PROPERTIES);
    NAME(CL_INVALID_COMMAND_QUEUE);
    NAME(CL_INVALID_HOST_PTR);
    NAME(CL_INVALID_MEM_OBJECT);
    NAME(CL_INVALID_IMAGE_FORMAT_DESCRIPTOR);
    NAME(CL_INVALID_IMAGE_SIZE);
    NAME(CL_INVALID_SAMPLER);
    NAME(CL_INVALID_BINARY);
    NAME(CL_INVALID_BUILD_OPTIONS);
    NAME(CL_INVALID_PROGRAM);
    NAME(CL_INVALID_PROGRAM_EXECUTABLE);
    NAME(CL_INVALID_KERNEL_NAME);
    NAME(CL_INVALID_KERNEL_DEFINITION);
    NAME(CL_INVALID_KERNEL);
    NAME(CL_INVALID_ARG_INDEX);
    NAME(CL_INVALID_ARG_VALUE);
    NAME(CL_INVALID_ARG_SIZE);
    NAME(CL_INVALID_KERNEL_ARGS);
    NAME(CL_INVALID_WORK_DIMENSION);
    NAME(CL_INVALID_WORK_GROUP_SIZE);
    NAME(CL_INVALID_WORK_ITEM_SIZE);
    NAME(CL_INVALID_GLOBAL_OFFSET);
    NAME(CL_INVALID_EVENT_WAIT_LIST);
    NAME(CL_INVALID_EVENT);
    NAME(CL_INVALID_OPERATION);
    NAME(CL_INVALID_GL_OBJECT);
    NAME(CL_INVALID_BUFFER_SIZE);
    NAME(CL_INVALID_MIP_LEVEL);
    NAME(CL_INVALID_GLOBAL_WORK_SIZE);
    NAME(CL_INVALID_PROPERTY);
    NAME(CL_INVALID_IMAGE_DESCRIPTOR);
    NAME(CL_INVALID_COMPILER_OPTIONS);
    NAME(CL_INVALID_LINKER_OPTIONS);
    NAME(CL_INVALID_DEVICE_PARTITION_COUNT);
    NAME(CLBlastInsufficientMemoryTemp);
    NAME(CLBlastInvalidBatchCount);
    NAME(CLBlastInvalidOverrideKernel);
    NAME(CLBlastMissingOverrideParameter);
    NAME(CLBlastInvalidLocalMemUsage);
    NAME(CLBlastNoHalfPrecision);
    NAME(CLBlastNoDoublePrecision);
    NAME(CLBlastInvalidVectorScalar);
    NAME(CLBlastInsufficientMemoryScalar);
    NAME(CLBlastDatabaseError);
    NAME(CLBlastUnknownError);
    NAME(CLBlastUnexpectedError);
    NAME(CLBlastNotImplemented);
    NAME(CLBlastInvalidMatrixA);
    NAME(CLBlastInvalidMatrixB);
    NAME(CLBlastInvalidMatrixC);
    NAME(CLBlastInvalidVectorX);
    NAME(CLBlastInvalidVectorY);
    NAME(CLBlastInvalidDimension);
    NAME(CLBlastInvalidLeadDimA);
    NAME(CLBlastInvalidLeadDimB);
    NAME(CLBlastInvalidLeadDimC);
    NAME(CLBlastInvalidIncrementX);
    NAME(CLBlastInvalidIncrementY);
    NAME(CLBlastInsufficientMemoryA);
    NAME(CLBlastInsufficientMemoryB);
    NAME(CLBlastInsufficientMemoryC);
    NAME(CLBlastInsufficientMemoryX);
    NAME(CLBlastInsufficientMemoryY);
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
  else if (status == CL_DEVICE_NOT_AVAILABLE || status == CL_INVALID_COMMAND_QUEUE ||
           status == CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST || status == NVIDIA_FAULT)
    g_set_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_LOST,
                _("the device does not answer any more (%s: %s)"), what, name ? name : number);
  else
    g_set_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_FAILED, _("OpenCL: %s failed with %s"), what,
                name ? name : number);
  return FALSE;
}
