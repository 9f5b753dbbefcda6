/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

#include "opencl/device/cl-error.h"

G_BEGIN_DECLS

typedef enum { DDIM_DEVICE_CPU, DDIM_DEVICE_GPU, DDIM_DEVICE_ACCELERATOR } DdimDeviceKind;

/** What OpenCL says of a device. Plain data; strings owned. */
typedef struct {
  guint index; /**< position in the list, what --device N means */
  DdimDeviceKind kind;
  char *name, *vendor, *platform, *device_version, *driver_version;
  guint compute_units;
  guint64 global_memory, max_allocation, local_memory; /**< bytes */
  gsize max_work_group_size;
  gboolean local_is_real; /**< local memory is dedicated, not emulated in global memory */
  gboolean has_fp16;
} DdimDeviceInfo;

void ddim_device_info_free(DdimDeviceInfo *info);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimDeviceInfo, ddim_device_info_free)

/** Every device of every platform. (transfer full) (element-type DdimDeviceInfo), never empty: none
 * at all is DDIM_CL_ERROR_NO_DEVICE. Any thread may call this and ddim_device_choose(), also as the
 * first use of OpenCL in the process. */
GPtrArray *ddim_device_list(GError **error);
/** The device that @spec chooses: an index, or a part of a device's or platform's name
 * (case-insensitive; more than two characters if all are digits). NULL or "" means $DDIM_DEVICE,
 * and without that the best: a GPU before an accelerator before a CPU, then the most compute units.
 * (transfer full) */
DdimDeviceInfo *ddim_device_choose(const char *spec, GError **error);

G_END_DECLS
