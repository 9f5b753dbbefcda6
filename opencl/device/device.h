/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

#include "opencl/since.h"
#include "opencl/device/cl-error.h"

G_BEGIN_DECLS

/** Later versions may add kinds at the end. */
typedef enum { DDIM_DEVICE_CPU, DDIM_DEVICE_GPU, DDIM_DEVICE_ACCELERATOR } DdimDeviceKind;

/** What OpenCL says of a device. Constant once it is made; any thread may read it. It holds no
 * resources of the device. */
typedef struct _DdimDeviceInfo DdimDeviceInfo;

/** Every device of every platform. (transfer full) (element-type DdimDeviceInfo), never empty: none
 * at all is DDIM_CL_ERROR_NO_DEVICE. The array frees its elements. Any thread may call this and
 * ddim_device_choose(), also as the first use of OpenCL in the process. Drivers start at their
 * first use, which may take seconds. */
DDIM_AVAILABLE_IN_0_1
GPtrArray *ddim_device_list(GError **error);
/** The device that @spec chooses: an index, or a part of a device's or platform's name
 * (case-insensitive; more than two characters if all are digits). NULL or "" means $DDIM_DEVICE,
 * and without that the best: a GPU before an accelerator before a CPU before software that imitates
 * a device, then one with memory of its own, then one whose driver is not Mesa's, then the one with
 * the most compute units. (transfer full)
 * Errors: DDIM_CL_ERROR_NO_DEVICE; DDIM_CL_ERROR_NO_MATCH, whose message lists the devices. */
DDIM_AVAILABLE_IN_0_1
DdimDeviceInfo *ddim_device_choose(const char *spec, GError **error);
/** @info  (nullable) */
DDIM_AVAILABLE_IN_0_1
void ddim_device_info_free(DdimDeviceInfo *info);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimDeviceInfo, ddim_device_info_free)

/** Its position in the list, from 0: what the request's property "device" takes. */
DDIM_AVAILABLE_IN_0_1
guint ddim_device_info_get_index(const DdimDeviceInfo *info);
DDIM_AVAILABLE_IN_0_1
DdimDeviceKind ddim_device_info_get_kind(const DdimDeviceInfo *info);

/* Texts of the driver: UTF-8, "" where it tells nothing. (transfer none), as long as @info. */

/** "NVIDIA A100-SXM4-80GB". Devices of one kind have the same name. */
DDIM_AVAILABLE_IN_0_1
const char *ddim_device_info_get_name(const DdimDeviceInfo *info);
DDIM_AVAILABLE_IN_0_1
const char *ddim_device_info_get_vendor(const DdimDeviceInfo *info);
/** "Portable Computing Language" */
DDIM_AVAILABLE_IN_0_1
const char *ddim_device_info_get_platform(const DdimDeviceInfo *info);
/** "OpenCL 3.0 …" */
DDIM_AVAILABLE_IN_0_1
const char *ddim_device_info_get_device_version(const DdimDeviceInfo *info);
DDIM_AVAILABLE_IN_0_1
const char *ddim_device_info_get_driver_version(const DdimDeviceInfo *info);

/** Cores of a processor, multiprocessors of a graphics card; 0 where the driver does not tell. */
DDIM_AVAILABLE_IN_0_1
guint ddim_device_info_get_compute_units(const DdimDeviceInfo *info);
/** Bytes of memory, and the most that one buffer can have. */
DDIM_AVAILABLE_IN_0_1
guint64 ddim_device_info_get_global_memory(const DdimDeviceInfo *info);
DDIM_AVAILABLE_IN_0_1
guint64 ddim_device_info_get_max_allocation(const DdimDeviceInfo *info);
/** Bytes that a work-group shares, and the most work-items that it can have. */
DDIM_AVAILABLE_IN_0_1
guint64 ddim_device_info_get_local_memory(const DdimDeviceInfo *info);
DDIM_AVAILABLE_IN_0_1
gsize ddim_device_info_get_max_work_group_size(const DdimDeviceInfo *info);
/** Whether it computes in half precision. Weights can be kept in half precision on any device. */
DDIM_AVAILABLE_IN_0_1
gboolean ddim_device_info_has_fp16(const DdimDeviceInfo *info);

G_END_DECLS
