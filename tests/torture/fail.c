/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * A library to preload (LD_PRELOAD), for tests only. It makes the n-th call of one function fail,
 * as a full disk, a lack of memory or a bad driver would:
 *
 *   DDIM_FAIL_CALL=write   which function; see the definitions below ("tmpfile" are files without
 *                          a name, which FAT and NFS do not have)
 *   DDIM_FAIL_AT=3         which call fails, counted from 1; 0 for none
 *   DDIM_FAIL_SITE=HASH    only calls from this place in the program are counted for DDIM_FAIL_AT
 *   DDIM_FAIL_ONCE=1       only that call; otherwise all later ones fail too, as on a full disk,
 *                          from wherever they come
 *   DDIM_FAIL_COUNT=FILE   where the number of calls is written when the program ends, and behind
 *                          it how many of its own OpenCL objects it has not released
 *   DDIM_FAIL_SITES=FILE   where all places that call any of the functions are written, in the
 * order of their first calls: the function, a HASH, and how many calls came from there
 *   DDIM_FAIL_STATUS=-5    what OpenCL's functions return; without it, what the function is most
 *                          likely to
 *   DDIM_FAIL_LOST=1       from that call on, no function of OpenCL reaches a device any more
 *
 * It may lie on top of tests/fake/fake-gpu.c, which says what kind of device there is; this one
 * says when calls fail.
 *
 * A place is the whole stack of the call: each frame's library and offset in it, so that it has the
 * same HASH in every run of one build.
 *
 * Only calls by the program, and by libraries that read and compute for it, are counted. A driver's
 * own files and memory are the driver's affair. GLib is left out: it waits for ever when reading
 * from a pipe of its own to a new process fails. */
#undef _FILE_OFFSET_BITS /* open() and open64() are both defined below */
#define _GNU_SOURCE
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <glib.h>
#include <link.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#define MAX_FRAMES 64
#define MAX_SITES 4096

/* A place that calls a function: its stack here and in every run, and how often it did. */
typedef struct {
  const char *name; /* of the function */
  guint64 addresses, hash;
  long calls;
} Site;

static const char *wanted;
static guint64 wanted_site; /* 0: any */
static gboolean records;    /* all places are written down */
static Site sites[MAX_SITES];
static guint n_sites;
static GMutex sites_lock;
static long fail_at;
static gboolean fail_once, fail_lost;
static cl_int fail_status;
static atomic_long calls, objects;
static atomic_bool lost, failing;
static pid_t first_process;

__attribute__((constructor)) static void
begin(void)
{
  const char *at = getenv("DDIM_FAIL_AT"), *site = getenv("DDIM_FAIL_SITE");
  void *frame;

  backtrace(&frame, 1); /* the first call loads a library */
  wanted_site = site ? strtoull(site, NULL, 16) : 0;
  records = getenv("DDIM_FAIL_SITES") != NULL;
  wanted = getenv("DDIM_FAIL_CALL");
  fail_at = at ? atol(at) : 0;
  fail_once = getenv("DDIM_FAIL_ONCE") != NULL;
  fail_lost = getenv("DDIM_FAIL_LOST") != NULL;
  fail_status = getenv("DDIM_FAIL_STATUS") ? atoi(getenv("DDIM_FAIL_STATUS")) : 0;
  first_process = getpid();
}

/* The file that the variable @name names, to be written by the first process. (nullable) */
static FILE *
open_result(const char *name)
{
  const char *path = getenv(name);

  return path && getpid() == first_process ? fopen(path, "we") : NULL;
}

__attribute__((destructor)) static void
end(void)
{
  FILE *file;

  wanted = NULL;
  records = FALSE;
  if ((file = open_result("DDIM_FAIL_COUNT"))) {
    fprintf(file, "%ld %ld\n", atomic_load(&calls), atomic_load(&objects));
    fclose(file);
  }
  if ((file = open_result("DDIM_FAIL_SITES"))) {
    for (guint i = 0; i < n_sites; i++)
      fprintf(file, "%s %016" G_GINT64_MODIFIER "x %ld\n", sites[i].name, sites[i].hash,
              sites[i].calls);
    fclose(file);
  }
}

/* The name of the library that the code at @address belongs to; "" for the program itself. */
static const char *
name_of(void *address)
{
  struct link_map *map = NULL;
  Dl_info info;

  return dladdr1(address, &info, (void **)&map, RTLD_DL_LINKMAP) && map ? map->l_name : "?";
}

/* Whether the code at @address belongs to the program, or to a library whose calls are made for it.
 */
static gboolean
counts(void *address)
{
  static const char *const names[] = {"libzip.", "libpng16.", "libclblast.", "libddim."};
  const char *name = name_of(address);

  for (guint i = 0; i < G_N_ELEMENTS(names); i++)
    if (strstr(name, names[i]))
      return TRUE;
  return name[0] == '\0';
}

/* Count the objects that the program itself makes (@n 1) and releases (-1). */
static void
count_objects(long n, void *caller)
{
  if (name_of(caller)[0] == '\0')
    atomic_fetch_add(&objects, n);
}

/* Whether OpenCL's function @name needs the device to answer. */
static gboolean
reaches_device(const char *name)
{
  static const char *const starts[] = {"clEnqueue",   "clFinish",   "clFlush",
                                       "clWait",      "clBuild",    "clCreateContext",
                                       "clCreateBuf", "clCreateCom"};

  for (guint i = 0; i < G_N_ELEMENTS(starts); i++)
    if (g_str_has_prefix(name, starts[i]))
      return TRUE;
  return FALSE;
}

static guint64
add_bytes(guint64 hash, gconstpointer data, gsize size)
{
  for (const guint8 *at = data; size > 0; at++, size--)
    hash = (hash ^ *at) * 0x100000001b3; /* FNV-1a */
  return hash;
}

/* What the stack's @n frames are called in every run. */
static guint64
hash_frames(void *const *frames, int n)
{
  guint64 hash = 0xcbf29ce484222325;

  for (int i = 0; i < n; i++) {
    struct link_map *map = NULL;
    Dl_info info;
    if (!dladdr1(frames[i], &info, (void **)&map, RTLD_DL_LINKMAP) || !map)
      continue;
    const char *slash = strrchr(map->l_name, '/'), *name = slash ? slash + 1 : map->l_name;
    const guint64 offset = (guint64)((const char *)frames[i] - (const char *)info.dli_fbase);
    hash = add_bytes(add_bytes(hash, name, strlen(name)), &offset, sizeof offset);
  }
  return hash;
}

/* Count a call of the function @name, which @caller made, for the place that it comes from, and
 * return that place's hash. */
static guint64
count_for_site(const char *name, void *caller)
{
  void *stack[MAX_FRAMES], *const *frames = stack;
  int n = backtrace(stack, MAX_FRAMES);
  guint64 addresses, hash;
  guint i = 0;

  while (n > 1 && *frames != caller) /* this library's own */
    frames++, n--;
  addresses = add_bytes(0xcbf29ce484222325, frames, (gsize)n * sizeof *frames);
  g_mutex_lock(&sites_lock);
  while (i < n_sites && (sites[i].addresses != addresses || strcmp(sites[i].name, name) != 0))
    i++;
  if (i == MAX_SITES)
    abort();
  if (i == n_sites)
    sites[n_sites++] = (Site){name, addresses, hash_frames(frames, n), 0};
  sites[i].calls++;
  hash = sites[i].hash;
  g_mutex_unlock(&sites_lock);
  return hash;
}

/* Whether a call of the wanted function, from @site where that matters, fails. */
static gboolean
call_fails(guint64 site)
{
  long number;

  if (wanted_site && site != wanted_site)
    return atomic_load(&failing);
  number = atomic_fetch_add(&calls, 1) + 1;
  if (fail_once)
    return fail_at > 0 && number == fail_at;
  if (fail_at > 0 && number >= fail_at)
    atomic_store(&failing, true);
  return atomic_load(&failing);
}

static gboolean
fails(const char *name, void *caller)
{
  const gboolean is_wanted = wanted && strcmp(wanted, name) == 0;
  guint64 site = 0;
  gboolean fail;

  if (!(wanted || records) || !counts(caller))
    return FALSE;
  if (records || (is_wanted && wanted_site))
    site = count_for_site(name, caller);
  if (!is_wanted)
    return atomic_load(&lost) && reaches_device(name);
  fail = call_fails(site);
  if (fail && fail_lost)
    atomic_store(&lost, true);
  return fail;
}

#define FAILS(name) fails(name, __builtin_return_address(0))
#define REAL(name)                                                                                 \
  ({                                                                                               \
    static __typeof__(&name) real_;                                                                \
    if (!real_)                                                                                    \
      real_ = (__typeof__(&name))dlsym(RTLD_NEXT, #name);                                          \
    real_;                                                                                         \
  })

/* Each of these is a definition of the function that its first line names. */

#define FILE_CALL(type, name, kind, number, parameters, arguments)                                 \
  type name parameters                                                                             \
  {                                                                                                \
    if (FAILS(kind))                                                                               \
      return errno = (number), -1;                                                                 \
    return REAL(name) arguments;                                                                   \
  }

FILE_CALL(ssize_t, read, "read", EIO, (int fd, void *to, size_t size), (fd, to, size))
FILE_CALL(ssize_t, pread, "read", EIO, (int fd, void *to, size_t size, off_t at),
          (fd, to, size, at))
FILE_CALL(ssize_t, pread64, "read", EIO, (int fd, void *to, size_t size, off64_t at),
          (fd, to, size, at))
FILE_CALL(ssize_t, write, "write", ENOSPC, (int fd, const void *from, size_t size),
          (fd, from, size))
FILE_CALL(int, fsync, "fsync", EIO, (int fd), (fd))
FILE_CALL(int, rename, "rename", EIO, (const char *from, const char *to), (from, to))
FILE_CALL(int, linkat, "linkat", EIO, (int f, const char *from, int t, const char *to, int flags),
          (f, from, t, to, flags))

/* The mode, which is there when a file may be made. */
#define MODE(flags)                                                                                \
  ({                                                                                               \
    int mode_ = 0;                                                                                 \
    if ((flags) & (O_CREAT | __O_TMPFILE)) {                                                       \
      va_list list;                                                                                \
      va_start(list, flags);                                                                       \
      mode_ = va_arg(list, int);                                                                   \
      va_end(list);                                                                                \
    }                                                                                              \
    mode_;                                                                                         \
  })

int
open(const char *path, int flags, ...)
{
  int mode = MODE(flags);

  if ((flags & __O_TMPFILE) && FAILS("tmpfile"))
    return errno = EOPNOTSUPP, -1;
  if (FAILS("open"))
    return errno = EMFILE, -1;
  return REAL(open)(path, flags, mode);
}

int
open64(const char *path, int flags, ...)
{
  int mode = MODE(flags);

  if ((flags & __O_TMPFILE) && FAILS("tmpfile"))
    return errno = EOPNOTSUPP, -1;
  if (FAILS("open"))
    return errno = EMFILE, -1;
  return REAL(open64)(path, flags, mode);
}

#define MEMORY_CALL(name, kind, nothing, parameters, arguments)                                    \
  void *name parameters                                                                            \
  {                                                                                                \
    if (FAILS(kind))                                                                               \
      return errno = ENOMEM, nothing;                                                              \
    return REAL(name) arguments;                                                                   \
  }

MEMORY_CALL(mmap, "mmap", MAP_FAILED, (void *at, size_t size, int p, int flags, int fd, off_t from),
            (at, size, p, flags, fd, from))
MEMORY_CALL(mmap64, "mmap", MAP_FAILED,
            (void *at, size_t size, int p, int flags, int fd, off64_t from),
            (at, size, p, flags, fd, from))
MEMORY_CALL(g_try_malloc, "memory", NULL, (gsize size), (size))
MEMORY_CALL(g_try_malloc0, "memory", NULL, (gsize size), (size))
MEMORY_CALL(g_try_malloc_n, "memory", NULL, (gsize n, gsize size), (n, size))
MEMORY_CALL(g_try_malloc0_n, "memory", NULL, (gsize n, gsize size), (n, size))
MEMORY_CALL(g_try_realloc, "memory", NULL, (gpointer old, gsize size), (old, size))
MEMORY_CALL(g_try_realloc_n, "memory", NULL, (gpointer old, gsize n, gsize size), (old, n, size))

int
posix_memalign(void **memory, size_t alignment, size_t size)
{
  if (FAILS("memory"))
    return ENOMEM;
  return REAL(posix_memalign)(memory, alignment, size);
}

/* GLib's own calls are not counted, so what it does for the program fails as a whole. */
gboolean
g_file_set_contents(const char *path, const char *data, gssize size, GError **error)
{
  if (!FAILS("write"))
    return REAL(g_file_set_contents)(path, data, size, error);
  g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOSPC, "%s: %s", path, g_strerror(ENOSPC));
  return FALSE;
}

#define STATUS(usual) (fail_status ? fail_status : (usual))

#define CL_CALL(name, parameters, arguments)                                                       \
  cl_int name parameters                                                                           \
  {                                                                                                \
    if (FAILS(#name))                                                                              \
      return STATUS(CL_OUT_OF_RESOURCES);                                                          \
    return REAL(name) arguments;                                                                   \
  }

/* The device has worked by the time that a program learns of the failure. */
#define CL_WAIT(name, parameters, arguments)                                                       \
  cl_int name parameters                                                                           \
  {                                                                                                \
    gboolean fail = FAILS(#name);                                                                  \
    cl_int status = REAL(name) arguments;                                                          \
    return fail ? STATUS(CL_OUT_OF_RESOURCES) : status;                                            \
  }

#define CL_CREATE(type, name, parameters, arguments)                                               \
  type name parameters                                                                             \
  {                                                                                                \
    type object;                                                                                   \
                                                                                                   \
    if (FAILS(#name)) {                                                                            \
      if (status)                                                                                  \
        *status = STATUS(CL_OUT_OF_HOST_MEMORY);                                                   \
      return NULL;                                                                                 \
    }                                                                                              \
    object = REAL(name) arguments;                                                                 \
    count_objects(object ? 1 : 0, __builtin_return_address(0));                                    \
    return object;                                                                                 \
  }

#define CL_RELEASE(type, name)                                                                     \
  cl_int name(type object)                                                                         \
  {                                                                                                \
    count_objects(-1, __builtin_return_address(0));                                                \
    return REAL(name)(object);                                                                     \
  }

#define EVENTS cl_uint waits, const cl_event *list, cl_event *event
#define QUERY size_t size, void *value, size_t *needed
typedef void(CL_CALLBACK *Notify)(const char *, const void *, size_t, void *);
typedef void(CL_CALLBACK *Built)(cl_program, void *);

CL_CALL(clGetPlatformIDs, (cl_uint n, cl_platform_id *ids, cl_uint *found), (n, ids, found))
CL_CALL(clGetPlatformInfo, (cl_platform_id id, cl_platform_info what, QUERY),
        (id, what, size, value, needed))
CL_CALL(clGetDeviceIDs,
        (cl_platform_id id, cl_device_type type, cl_uint n, cl_device_id *ids, cl_uint *found),
        (id, type, n, ids, found))
CL_CALL(clGetDeviceInfo, (cl_device_id id, cl_device_info what, QUERY),
        (id, what, size, value, needed))
CL_CREATE(cl_context, clCreateContext,
          (const cl_context_properties *list, cl_uint n, const cl_device_id *ids, Notify notify,
           void *data, cl_int *status),
          (list, n, ids, notify, data, status))
CL_CREATE(cl_command_queue, clCreateCommandQueue,
          (cl_context context, cl_device_id id, cl_command_queue_properties list, cl_int *status),
          (context, id, list, status))
CL_CREATE(cl_mem, clCreateBuffer,
          (cl_context context, cl_mem_flags flags, size_t size, void *from, cl_int *status),
          (context, flags, size, from, status))
CL_CREATE(cl_mem, clCreateSubBuffer,
          (cl_mem memory, cl_mem_flags flags, cl_buffer_create_type type, const void *part,
           cl_int *status),
          (memory, flags, type, part, status))
CL_CREATE(cl_program, clCreateProgramWithSource,
          (cl_context context, cl_uint n, const char **texts, const size_t *sizes, cl_int *status),
          (context, n, texts, sizes, status))
CL_CREATE(cl_program, clCreateProgramWithBinary,
          (cl_context context, cl_uint n, const cl_device_id *ids, const size_t *sizes,
           const unsigned char **binaries, cl_int *each, cl_int *status),
          (context, n, ids, sizes, binaries, each, status))
CL_CALL(clBuildProgram,
        (cl_program program, cl_uint n, const cl_device_id *ids, const char *options, Built built,
         void *data),
        (program, n, ids, options, built, data))
CL_CALL(clGetProgramInfo, (cl_program program, cl_program_info what, QUERY),
        (program, what, size, value, needed))
CL_CALL(clGetProgramBuildInfo,
        (cl_program program, cl_device_id id, cl_program_build_info what, QUERY),
        (program, id, what, size, value, needed))
CL_CREATE(cl_kernel, clCreateKernel, (cl_program program, const char *name, cl_int *status),
          (program, name, status))
CL_CALL(clGetKernelWorkGroupInfo,
        (cl_kernel kernel, cl_device_id id, cl_kernel_work_group_info what, QUERY),
        (kernel, id, what, size, value, needed))
CL_CALL(clSetKernelArg, (cl_kernel kernel, cl_uint n, size_t size, const void *value),
        (kernel, n, size, value))
CL_CALL(clEnqueueNDRangeKernel,
        (cl_command_queue queue, cl_kernel kernel, cl_uint n, const size_t *offset,
         const size_t *global, const size_t *local, EVENTS),
        (queue, kernel, n, offset, global, local, waits, list, event))
CL_CALL(clEnqueueReadBuffer,
        (cl_command_queue queue, cl_mem memory, cl_bool wait, size_t offset, size_t size, void *to,
         EVENTS),
        (queue, memory, wait, offset, size, to, waits, list, event))
CL_CALL(clEnqueueWriteBuffer,
        (cl_command_queue queue, cl_mem memory, cl_bool wait, size_t offset, size_t size,
         const void *from, EVENTS),
        (queue, memory, wait, offset, size, from, waits, list, event))
CL_CALL(clEnqueueCopyBuffer,
        (cl_command_queue queue, cl_mem from, cl_mem to, size_t from_offset, size_t to_offset,
         size_t size, EVENTS),
        (queue, from, to, from_offset, to_offset, size, waits, list, event))
CL_CALL(clEnqueueFillBuffer,
        (cl_command_queue queue, cl_mem memory, const void *pattern, size_t length, size_t offset,
         size_t size, EVENTS),
        (queue, memory, pattern, length, offset, size, waits, list, event))
CL_WAIT(clWaitForEvents, (cl_uint n, const cl_event *list), (n, list))
CL_CALL(clFlush, (cl_command_queue queue), (queue))
CL_WAIT(clFinish, (cl_command_queue queue), (queue))
CL_RELEASE(cl_context, clReleaseContext)
CL_RELEASE(cl_command_queue, clReleaseCommandQueue)
CL_RELEASE(cl_mem, clReleaseMemObject)
CL_RELEASE(cl_program, clReleaseProgram)
CL_RELEASE(cl_kernel, clReleaseKernel)
