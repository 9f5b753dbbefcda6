/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/device/device.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "opencl/device/device-private.h"
#include "opencl/device/status.h"

/* A driver's @text, which is changed, as one line of valid UTF-8. (transfer full) */
static char *
to_line(char *text)
{
  for (char *at = text; *at; at++)
    if (g_ascii_iscntrl(*at))
      *at = ' ';
  return g_utf8_make_valid(g_strstrip(text), -1);
}

char *
ddim_cl_device_string(cl_device_id device, cl_device_info what)
{
  gsize size = 0;
  if (clGetDeviceInfo(device, what, 0, NULL, &size) != CL_SUCCESS || !size)
    return g_strdup("");
  g_autofree char *text = g_malloc0(size + 1);
  clGetDeviceInfo(device, what, size, text, NULL);
  return to_line(text);
}

static char *
platform_name(cl_platform_id platform)
{
  gsize size = 0;
  if (clGetPlatformInfo(platform, CL_PLATFORM_NAME, 0, NULL, &size) != CL_SUCCESS || !size)
    return g_strdup("");
  g_autofree char *text = g_malloc0(size + 1);
  clGetPlatformInfo(platform, CL_PLATFORM_NAME, size, text, NULL);
  return to_line(text);
}

#define QUERY(device, what, field) clGetDeviceInfo((device), (what), sizeof(field), &(field), NULL)

static DdimDeviceInfo *
device_info_new(cl_platform_id platform, cl_device_id device, guint index)
{
  DdimDeviceInfo *info = g_new0(DdimDeviceInfo, 1);
  cl_device_type type = 0;
  cl_device_local_mem_type local_type = 0;
  cl_uint units = 0;
  cl_ulong global = 0, allocation = 0, local = 0;
  cl_bool unified = CL_TRUE;
  gsize group = 0;
  QUERY(device, CL_DEVICE_TYPE, type);
  QUERY(device, CL_DEVICE_LOCAL_MEM_TYPE, local_type);
  QUERY(device, CL_DEVICE_MAX_COMPUTE_UNITS, units);
  QUERY(device, CL_DEVICE_GLOBAL_MEM_SIZE, global);
  QUERY(device, CL_DEVICE_MAX_MEM_ALLOC_SIZE, allocation);
  QUERY(device, CL_DEVICE_LOCAL_MEM_SIZE, local);
  QUERY(device, CL_DEVICE_MAX_WORK_GROUP_SIZE, group);
  QUERY(device, CL_DEVICE_HOST_UNIFIED_MEMORY, unified);
  info->index = index;
  info->kind = type & CL_DEVICE_TYPE_GPU   ? DDIM_DEVICE_GPU
               : type & CL_DEVICE_TYPE_CPU ? DDIM_DEVICE_CPU
                                           : DDIM_DEVICE_ACCELERATOR;
  info->name = ddim_cl_device_string(device, CL_DEVICE_NAME);
  info->vendor = ddim_cl_device_string(device, CL_DEVICE_VENDOR);
  info->device_version = ddim_cl_device_string(device, CL_DEVICE_VERSION);
  info->driver_version = ddim_cl_device_string(device, CL_DRIVER_VERSION);
  info->platform = platform_name(platform);
  info->compute_units = units;
  info->global_memory = global;
  info->max_allocation = allocation;
  info->local_memory = local;
  info->max_work_group_size = group;
  info->has_own_memory = !unified;
  info->local_is_real = local_type == CL_LOCAL;
  g_autofree char *extensions = ddim_cl_device_string(device, CL_DEVICE_EXTENSIONS);
  info->has_fp16 = strstr(extensions, "cl_khr_fp16") != NULL;
  return info;
}

/* The drivers that the OpenCL loader would use, or NULL when there are none. (transfer full) */
static char *
describe_drivers(GError **error)
{
  const char *folder = g_getenv("OCL_ICD_VENDORS");
  if (!folder)
    folder = "/etc/OpenCL/vendors";
  if (g_file_test(folder, G_FILE_TEST_IS_REGULAR))
    return g_filename_display_name(folder);
  g_autoptr(GDir) dir = g_dir_open(folder, 0, error);
  g_autoptr(GString) names = g_string_new(NULL);
  for (const char *name; dir && (name = g_dir_read_name(dir));)
    if (g_str_has_suffix(name, ".icd"))
      g_string_append_printf(names, "%s%s", names->len ? ", " : "", name);
  return names->len ? g_utf8_make_valid(names->str, -1) : NULL;
}

/* Set the error that there is no device. Drivers may be missing, or may not work: PoCL has no
 * device when it cannot make its cache folder, and no driver starts when too many files are
 * open. */
static GPtrArray *
no_device(GError **error)
{
  g_autoptr(GError) why = NULL;
  g_autofree char *drivers = describe_drivers(&why);
  if (drivers)
    g_set_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_NO_DEVICE,
                _("OpenCL drivers are installed (%s), but none of them offers a device. Do they "
                  "work for this user, can they write into the folder for caches, and are not too "
                  "many files open?"),
                drivers);
  else if (why && why->code != G_FILE_ERROR_NOENT)
    g_set_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_NO_DEVICE,
                _("no OpenCL device can be looked for: %s"), why->message);
  else
    g_set_error_literal(
        error, DDIM_CL_ERROR, DDIM_CL_ERROR_NO_DEVICE,
        _("no OpenCL device found. Install your GPU's OpenCL driver, or one that runs on any "
          "processor: Debian and Ubuntu: pocl-opencl-icd (CPU), mesa-opencl-icd (AMD, Intel), "
          "intel-opencl-icd (Intel), nvidia-opencl-icd (NVIDIA); Fedora: pocl, mesa-libOpenCL"));
  return NULL;
}

static void
append_devices(cl_platform_id platform, GPtrArray *infos, GArray *ids)
{
  cl_uint n = 0;
  if (clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, NULL, &n) != CL_SUCCESS || !n)
    return;
  g_autofree cl_device_id *devices = g_new0(cl_device_id, n);
  if (clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, n, devices, NULL) != CL_SUCCESS)
    return;
  for (cl_uint i = 0; i < n; i++) {
    cl_bool available = CL_FALSE, compiler = CL_FALSE;
    QUERY(devices[i], CL_DEVICE_AVAILABLE, available);
    QUERY(devices[i], CL_DEVICE_COMPILER_AVAILABLE, compiler);
    if (!available || !compiler)
      continue;
    g_ptr_array_add(infos, device_info_new(platform, devices[i], infos->len));
    if (ids)
      g_array_append_val(ids, devices[i]);
  }
}

static GPtrArray *
list_locked(GArray *ids, GError **error)
{
  cl_uint n = 0;
  if (clGetPlatformIDs(0, NULL, &n) != CL_SUCCESS || !n)
    return no_device(error);
  g_autofree cl_platform_id *platforms = g_new0(cl_platform_id, n);
  if (clGetPlatformIDs(n, platforms, NULL) != CL_SUCCESS)
    return no_device(error);
  g_autoptr(GPtrArray) infos =
      g_ptr_array_new_with_free_func((GDestroyNotify)ddim_device_info_free);
  for (cl_uint p = 0; p < n; p++)
    append_devices(platforms[p], infos, ids);
  if (!infos->len)
    return no_device(error);
  return g_steal_pointer(&infos);
}

/* Drivers start at their first use, and PoCL crashes when two threads start it at once. A driver
 * starts once in a process, so the lock belongs to the process as well. */
GPtrArray *
ddim_cl_device_list(GArray *ids, GError **error)
{
  static GMutex mutex;
  g_mutex_lock(&mutex);
  GPtrArray *infos = list_locked(ids, error);
  g_mutex_unlock(&mutex);
  return infos;
}

GPtrArray *
ddim_device_list(GError **error)
{
  return ddim_cl_device_list(NULL, error);
}
