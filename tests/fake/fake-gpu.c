/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * A graphics card that fails, for tests: preloaded (LD_PRELOAD), it changes what the OpenCL
 * loader's functions do for the first device, with a driver that offers two:
 *
 *   FAKE_GPU=1      it says that it is a graphics card
 *   FAKE_MEMORY=N   it has no more than N bytes for buffers
 *   FAKE_LOST=N     after N kernels it does not answer any more, as NVIDIA's driver does after a
 *                   kernel that was killed: everything is CL_OUT_OF_RESOURCES
 *
 * tests/torture/fail.c, which may lie on top of it, makes single calls fail. */
#define _GNU_SOURCE
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static cl_device_id card;
static size_t used;
static long launched;

#define NEXT(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

static long
get_number(const char *name)
{
  const char *text = getenv(name);
  return text ? atol(text) : -1;
}

static int
is_on_card(cl_context context)
{
  cl_device_id device = NULL;
  NEXT(clGetContextInfo)(context, CL_CONTEXT_DEVICES, sizeof device, &device, NULL);
  return device == card;
}

/* A card that is lost touches no memory any more: what was launched before has ended. */
static int
is_lost(cl_command_queue queue)
{
  cl_device_id device = NULL;
  NEXT(clGetCommandQueueInfo)(queue, CL_QUEUE_DEVICE, sizeof device, &device, NULL);
  if (device != card || get_number("FAKE_LOST") < 0 || launched <= get_number("FAKE_LOST"))
    return 0;
  NEXT(clFinish)(queue);
  return 1;
}

cl_int
clGetDeviceIDs(cl_platform_id platform, cl_device_type type, cl_uint n, cl_device_id *devices,
               cl_uint *count)
{
  const cl_int status = NEXT(clGetDeviceIDs)(platform, type, n, devices, count);
  if (status == CL_SUCCESS && devices && n && !card)
    card = devices[0];
  return status;
}

cl_int
clGetDeviceInfo(cl_device_id device, cl_device_info what, size_t size, void *value, size_t *needed)
{
  const cl_int status = NEXT(clGetDeviceInfo)(device, what, size, value, needed);
  if (status == CL_SUCCESS && what == CL_DEVICE_TYPE && value && device == card &&
      get_number("FAKE_GPU") > 0)
    *(cl_device_type *)value = CL_DEVICE_TYPE_GPU;
  return status;
}

static void CL_CALLBACK
on_destroyed(cl_mem mem, void *size)
{
  pthread_mutex_lock(&mutex);
  used -= (size_t)size;
  pthread_mutex_unlock(&mutex);
}

cl_mem
clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size, void *host, cl_int *status)
{
  const long limit = get_number("FAKE_MEMORY");
  cl_mem mem;
  if (limit < 0 || !is_on_card(context))
    return NEXT(clCreateBuffer)(context, flags, size, host, status);
  pthread_mutex_lock(&mutex);
  const int fits = used + size <= (size_t)limit;
  used += fits ? size : 0;
  pthread_mutex_unlock(&mutex);
  if (!fits) {
    if (status)
      *status = CL_MEM_OBJECT_ALLOCATION_FAILURE;
    return NULL;
  }
  /* Kernels hold buffers, so that a buffer's end may come after its release. */
  mem = NEXT(clCreateBuffer)(context, flags, size, host, status);
  if (mem)
    clSetMemObjectDestructorCallback(mem, on_destroyed, (void *)size);
  return mem;
}

cl_int
clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                       const size_t *offset, const size_t *range, const size_t *local,
                       cl_uint n_events, const cl_event *events, cl_event *event)
{
  launched++;
  if (is_lost(queue))
    return CL_OUT_OF_RESOURCES;
  return NEXT(clEnqueueNDRangeKernel)(queue, kernel, dimensions, offset, range, local, n_events,
                                      events, event);
}

cl_int
clEnqueueReadBuffer(cl_command_queue queue, cl_mem mem, cl_bool blocking, size_t offset,
                    size_t size, void *data, cl_uint n_events, const cl_event *events,
                    cl_event *event)
{
  return is_lost(queue) ? CL_OUT_OF_RESOURCES
                        : NEXT(clEnqueueReadBuffer)(queue, mem, blocking, offset, size, data,
                                                    n_events, events, event);
}

cl_int
clEnqueueWriteBuffer(cl_command_queue queue, cl_mem mem, cl_bool blocking, size_t offset,
                     size_t size, const void *data, cl_uint n_events, const cl_event *events,
                     cl_event *event)
{
  return is_lost(queue) ? CL_OUT_OF_RESOURCES
                        : NEXT(clEnqueueWriteBuffer)(queue, mem, blocking, offset, size, data,
                                                     n_events, events, event);
}

cl_int
clFinish(cl_command_queue queue)
{
  return is_lost(queue) ? CL_OUT_OF_RESOURCES : NEXT(clFinish)(queue);
}
