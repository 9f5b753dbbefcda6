/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/device/context-private.h"

#include <glib/gi18n-lib.h>

#include "opencl/device/device-private.h"
#include "opencl/device/host-memory.h"
#include "opencl/device/status.h"

/* Choose how kernels are shaped. On a CPU a kernel's vector is as wide as the native one, and one
 * work-item does a large piece of work, because the driver hands whole work-groups to threads. On a
 * GPU neighbouring work-items take neighbouring channel quads, so that reads coalesce.
 * DDIM_KERNELS=cpu or =gpu chooses that shape on any device, and leaves a processor's matrix units
 * unused. This is for tests, and to find out which shape is better for a new driver. With
 * =amx-emulated a CPU computes in plain C what those units do, also for tests.
 * A device that does not name CL_FP_FMA has no instruction for fma(). Its driver would imitate it
 * slowly, and Mesa 26.2's llvmpipe does not compile it. */
static void
choose_profile(DdimContext *context)
{
  DdimClProfile *profile = &context->profile;
  const char *forced = g_getenv("DDIM_KERNELS");
  gboolean cpu = context->info->kind == DDIM_DEVICE_CPU, amx_allowed = cpu;
  if (g_strcmp0(forced, "cpu") == 0 || g_strcmp0(forced, "gpu") == 0) {
    cpu = forced[0] == 'c';
    amx_allowed = FALSE;
  }
  if (cpu) {
    cl_uint native = 0;
    clGetDeviceInfo(context->device, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, sizeof native, &native,
                    NULL);
    profile->vec = native >= 16 ? 16 : native >= 8 ? 8 : 4;
    profile->nr = 32;
    profile->mr = native >= 16 ? 8 : 4;
    profile->row_loop = TRUE;
  } else {
    *profile = (DdimClProfile){.vec = 4, .nr = 32, .mr = 4, .row_loop = FALSE};
    profile->matrix_unit = ddim_cl_matrix_unit_find(context->device, context->info->vendor);
  }
  cl_device_fp_config single = 0;
  clGetDeviceInfo(context->device, CL_DEVICE_SINGLE_FP_CONFIG, sizeof single, &single, NULL);
  profile->no_fma = !(single & CL_FP_FMA);
  profile->amx_allowed = amx_allowed;
  profile->amx_emulated = amx_allowed && g_strcmp0(forced, "amx-emulated") == 0;
}

/* There may be several devices: say which one does not work. */
static gboolean
check_start(const DdimDeviceInfo *info, cl_int status, const char *what, GError **error)
{
  if (ddim_cl_check(status, what, error))
    return TRUE;
  g_prefix_error(error, "%s: ", info->name);
  return FALSE;
}

DdimContext *
ddim_context_new(const char *spec, GError **error)
{
  DdimDeviceInfo *info = NULL;
  cl_device_id device = ddim_cl_device_choose(spec, &info, error);
  if (!device)
    return NULL;
  g_autoptr(DdimContext) context = g_new0(DdimContext, 1);
  g_atomic_ref_count_init(&context->refs);
  context->info = info;
  context->device = device;
  cl_int status = CL_SUCCESS;
  context->context = clCreateContext(NULL, 1, &device, NULL, NULL, &status);
  if (!check_start(info, status, "clCreateContext", error))
    return NULL;
  context->queue = clCreateCommandQueue(context->context, device, 0, &status);
  if (!check_start(info, status, "clCreateCommandQueue", error))
    return NULL;
  cl_uint align_bits = 0;
  clGetDeviceInfo(device, CL_DEVICE_MEM_BASE_ADDR_ALIGN, sizeof align_bits, &align_bits, NULL);
  context->base_align = align_bits / 8;
  choose_profile(context);
  return g_steal_pointer(&context);
}

DdimContext *
ddim_context_ref(DdimContext *context)
{
  g_atomic_ref_count_inc(&context->refs);
  return context;
}

static void
detach(DdimClAttachment *attachment)
{
  if (attachment->destroy)
    attachment->destroy(attachment->data);
}

void
ddim_context_unref(DdimContext *context)
{
  if (!context || !g_atomic_ref_count_dec(&context->refs))
    return;
  detach(&context->programs);
  detach(&context->ways);
  detach(&context->checked);
  detach(&context->units);
  detach(&context->clblast);
  detach(&context->tuning);
  if (context->queue)
    clReleaseCommandQueue(context->queue);
  if (context->context)
    clReleaseContext(context->context);
  ddim_device_info_free(context->info);
  g_free(context);
}

const DdimDeviceInfo *
ddim_context_get_device(DdimContext *context)
{
  return context->info;
}

guint64
ddim_context_get_device_bytes(DdimContext *context, guint64 *peak)
{
  if (peak)
    *peak = context->peak;
  return context->bytes;
}

void
ddim_context_set_build_func(DdimContext *context, DdimContextBuildFunc func, gpointer user_data)
{
  context->build_func = func;
  context->build_data = user_data;
}

DdimClBuffer *
ddim_cl_buffer_new(DdimContext *context, guint64 size, GError **error)
{
  const guint64 limit = context->info->max_allocation;
  /* Compared before rounding, which could overflow. */
  if (size > limit || (size = MAX((size + 63) & ~(guint64)63, 64)) > limit) {
    g_set_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_MEMORY,
                _("this job needs a block of %.1f MiB, but %s allocates at most %.1f MiB at once; "
                  "try a smaller size or batch"),
                size / 1048576.0, context->info->name, limit / 1048576.0);
    return NULL;
  }
  DdimClBuffer *buffer = g_new0(DdimClBuffer, 1);
  buffer->context = context;
  buffer->size = size;
  /* A CPU computes in the host's memory, so use the kind of memory that it reads fastest. */
  if (context->info->kind == DDIM_DEVICE_CPU && !(buffer->host = ddim_cl_host_alloc(size))) {
    g_free(buffer);
    ddim_cl_check(CL_OUT_OF_HOST_MEMORY, "mmap", error);
    return NULL;
  }
  cl_int status = CL_SUCCESS;
  buffer->mem =
      clCreateBuffer(context->context, CL_MEM_READ_WRITE | (buffer->host ? CL_MEM_USE_HOST_PTR : 0),
                     size, buffer->host, &status);
  if (!ddim_cl_check(status, "clCreateBuffer", error)) {
    ddim_cl_host_free(buffer->host, size);
    g_free(buffer);
    return NULL;
  }
  context->bytes += size;
  context->peak = MAX(context->peak, context->bytes);
  return buffer;
}

void
ddim_cl_buffer_free(DdimClBuffer *buffer)
{
  if (!buffer)
    return;
  buffer->context->bytes -= buffer->size;
  clReleaseMemObject(buffer->mem);
  /* After an error kernels may still be computing in this memory. */
  if (buffer->host)
    clFinish(buffer->context->queue);
  ddim_cl_host_free(buffer->host, buffer->size);
  g_free(buffer);
}

gboolean
ddim_cl_buffer_write(DdimClBuffer *buffer, guint64 offset, guint64 size, const void *data,
                     GError **error)
{
  return ddim_cl_check(clEnqueueWriteBuffer(buffer->context->queue, buffer->mem, CL_TRUE, offset,
                                            size, data, 0, NULL, NULL),
                       "clEnqueueWriteBuffer", error);
}

gboolean
ddim_cl_buffer_read(DdimClBuffer *buffer, guint64 offset, guint64 size, void *data, GError **error)
{
  return ddim_cl_check(clEnqueueReadBuffer(buffer->context->queue, buffer->mem, CL_TRUE, offset,
                                           size, data, 0, NULL, NULL),
                       "clEnqueueReadBuffer", error);
}

gboolean
ddim_cl_finish(DdimContext *context, GError **error)
{
  return ddim_cl_check(clFinish(context->queue), "clFinish", error);
}

gboolean
ddim_context_is_lost(DdimContext *context)
{
  g_autoptr(DdimClBuffer) buffer = ddim_cl_buffer_new(context, sizeof(guint64), NULL);
  const guint64 value = 1;
  if (!ddim_cl_finish(context, NULL))
    return TRUE;
  return buffer && !ddim_cl_buffer_write(buffer, 0, sizeof value, &value, NULL);
}
