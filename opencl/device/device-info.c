/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/device/device-private.h"

void
ddim_device_info_free(DdimDeviceInfo *info)
{
  if (!info)
    return;
  g_free(info->name);
  g_free(info->vendor);
  g_free(info->platform);
  g_free(info->device_version);
  g_free(info->driver_version);
  g_free(info);
}

guint
ddim_device_info_get_index(const DdimDeviceInfo *info)
{
  g_return_val_if_fail(info != NULL, 0);
  return info->index;
}

DdimDeviceKind
ddim_device_info_get_kind(const DdimDeviceInfo *info)
{
  g_return_val_if_fail(info != NULL, DDIM_DEVICE_CPU);
  return info->kind;
}

const char *
ddim_device_info_get_name(const DdimDeviceInfo *info)
{
  g_return_val_if_fail(info != NULL, NULL);
  return info->name;
}

const char *
ddim_device_info_get_vendor(const DdimDeviceInfo *info)
{
  g_return_val_if_fail(info != NULL, NULL);
  return info->vendor;
}

const char *
ddim_device_info_get_platform(const DdimDeviceInfo *info)
{
  g_return_val_if_fail(info != NULL, NULL);
  return info->platform;
}

const char *
ddim_device_info_get_device_version(const DdimDeviceInfo *info)
{
  g_return_val_if_fail(info != NULL, NULL);
  return info->device_version;
}

const char *
ddim_device_info_get_driver_version(const DdimDeviceInfo *info)
{
  g_return_val_if_fail(info != NULL, NULL);
  return info->driver_version;
}

guint
ddim_device_info_get_compute_units(const DdimDeviceInfo *info)
{
  g_return_val_if_fail(info != NULL, 0);
  return info->compute_units;
}

guint64
ddim_device_info_get_global_memory(const DdimDeviceInfo *info)
{
  g_return_val_if_fail(info != NULL, 0);
  return info->global_memory;
}

guint64
ddim_device_info_get_max_allocation(const DdimDeviceInfo *info)
{
  g_return_val_if_fail(info != NULL, 0);
  return info->max_allocation;
}

guint64
ddim_device_info_get_local_memory(const DdimDeviceInfo *info)
{
  g_return_val_if_fail(info != NULL, 0);
  return info->local_memory;
}

gsize
ddim_device_info_get_max_work_group_size(const DdimDeviceInfo *info)
{
  g_return_val_if_fail(info != NULL, 0);
  return info->max_work_group_size;
}

gboolean
ddim_device_info_has_fp16(const DdimDeviceInfo *info)
{
  g_return_val_if_fail(info != NULL, FALSE);
  return info->has_fp16;
}
