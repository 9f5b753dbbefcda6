/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/device/cl.h"
#include "opencl/device/context.h"
#include "opencl/device/device-private.h"
#include "opencl/device/matrix-unit.h"

/** How kernels are shaped for a device. Chosen once per context. */
typedef struct {
  guint vec; /**< lanes of a kernel's float vector: channels per work-item */
  guint nr;  /**< columns of a packed weight panel */
  guint mr;  /**< rows of the packed micro-kernel */
  DdimClMatrixUnit matrix_unit;
  gboolean emulated; /**< the matrix unit is emulated, on any device, for tests */
  gboolean no_fma;   /**< the device has no fma(), which kernels then do without */
  gboolean row_loop; /**< CPU: a work-item loops over a row of tiles or rows, work-groups of one */
  gboolean amx_allowed;  /**< AMX is used if the device has it, see ddim_cl_has_amx() */
  gboolean amx_emulated; /**< what AMX does is computed in plain C, for tests */
} DdimClProfile;

/** Something that a layer above this one keeps with a context: made there on first use, freed with
 * the context. */
typedef struct {
  gpointer data;
  GDestroyNotify destroy;
} DdimClAttachment;

struct _DdimContext {
  gatomicrefcount refs;
  DdimDeviceInfo *info;
  cl_device_id device;
  cl_context context;
  cl_command_queue queue;
  DdimClProfile profile;
  gsize base_align;          /**< alignment of sub-buffers, in bytes */
  DdimClAttachment programs; /**< used by program.c */
  DdimClAttachment ways;     /**< which ways are not trusted: ways.c */
  DdimClAttachment checked;  /**< which ways were checked: opencl/check/short.c */
  DdimClAttachment units;    /**< which special units work: opencl/ops/units/units.c */
  DdimClAttachment clblast;  /**< CLBlast's parameters: opencl/ops/matrix/clblast-use.c */
  DdimClAttachment tuning;   /**< see ddim_cl_context_tuning() */
  guint64 bytes, peak;
  DdimContextBuildFunc build_func;
  gpointer build_data;
};

/** Device memory, which is counted as memory of its context. The context must outlive it. */
typedef struct {
  DdimContext *context;
  cl_mem mem;
  guint64 size;
  gpointer host; /**< the memory behind it, when it is the host's own */
} DdimClBuffer;

/** @size in bytes, rounded up to a multiple of 64. Contents are undefined. */
DdimClBuffer *ddim_cl_buffer_new(DdimContext *context, guint64 size, GError **error);
void ddim_cl_buffer_free(DdimClBuffer *buffer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimClBuffer, ddim_cl_buffer_free)

/** Copy @size bytes in or out at byte @offset; both wait until @data may be reused or read. */
gboolean ddim_cl_buffer_write(DdimClBuffer *buffer, guint64 offset, guint64 size, const void *data,
                              GError **error);
gboolean ddim_cl_buffer_read(DdimClBuffer *buffer, guint64 offset, guint64 size, void *data,
                             GError **error);
/** Wait until everything in the queue is done. */
gboolean ddim_cl_finish(DdimContext *context, GError **error);
