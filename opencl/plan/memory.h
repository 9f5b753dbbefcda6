/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/device/context-private.h"

/** What the elements of a tensor are. */
typedef enum { DDIM_CL_F32, DDIM_CL_F16 } DdimClType;

/** Bytes of an element. */
gsize ddim_cl_type_size(DdimClType type);
/** What a kernel is built with that reads activations of type @x and writes, or adds to, some of
 * type @y (X_HALF and Y_HALF in kernels/common.cl): "" where both are float32, else with a space in
 * front. */
const char *ddim_cl_type_options(DdimClType x, DdimClType y);

/** A place in device memory: in a buffer, or in the arena of a plan. */
typedef struct {
  DdimClBuffer *buffer; /**< NULL: in the plan's arena */
  guint block;          /**< of the arena */
  guint64 at;           /**< where it begins, in bytes */
  guint64 bytes;        /**< only of what ddim_cl_plan_alloc_bytes() gave, else 0 */
} DdimClMem;

/** The place of float number @first in @buffer. */
DdimClMem ddim_cl_buffer_floats(DdimClBuffer *buffer, guint64 first);
/** The place @floats floats behind @mem, which stays the owner. */
DdimClMem ddim_cl_mem_skip_floats(DdimClMem mem, guint64 floats);

/** An activation: NHWC with `ld` elements from one pixel to the next, so that a tensor may be a
 * slice of channels of a wider one. */
typedef struct {
  DdimClMem mem;
  guint n, h, w, c;
  guint ld;
  DdimClType type;
} DdimClTensor;

/** Channels [first, first + count) of @tensor, which stays the owner. */
DdimClTensor ddim_cl_tensor_slice(DdimClTensor tensor, guint first, guint count);
