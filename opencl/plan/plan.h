/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/device/context-private.h"
#include "opencl/plan/scratch.h"
#include "opencl/plan/steps.h"

/** A recorded sequence of kernels and matrix products on one device, replayed with nothing but
 * enqueues. While recording, memory of intermediates is handed out and taken back by lifetime;
 * sealing fixes the arena's size, creates one kernel object for each operation and sets all of its
 * arguments.
 *
 * Recording functions return nothing: the first failure is kept and ddim_cl_plan_seal() reports it.
 */
typedef struct _DdimClPlan DdimClPlan;

/** A place in device memory. */
typedef struct {
  DdimClBuffer *buffer; /**< NULL: in the arena of the plan */
  guint64 offset;       /**< in floats */
  guint64 size;         /**< in floats; only of what ddim_cl_plan_alloc() gave */
} DdimClMem;

/** An activation: NHWC with `ld` floats from one pixel to the next, so that a tensor may be a slice
 * of channels of a wider one. */
typedef struct {
  DdimClMem mem;
  guint n, h, w, c;
  guint ld;
} DdimClTensor;

DdimClPlan *ddim_cl_plan_new(DdimContext *context);
void ddim_cl_plan_free(DdimClPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimClPlan, ddim_cl_plan_free)

DdimContext *ddim_cl_plan_get_context(DdimClPlan *plan);

/** Memory in the arena for the operations recorded until it is released. Contents are undefined. */
DdimClMem ddim_cl_plan_alloc(DdimClPlan *plan, guint64 floats);
/** Let operations recorded from now on reuse @mem. */
void ddim_cl_plan_release(DdimClPlan *plan, DdimClMem mem);
/** A new dense tensor in the arena. */
DdimClTensor ddim_cl_plan_alloc_tensor(DdimClPlan *plan, guint n, guint h, guint w, guint c);
/** Channels [first, first + count) of @tensor. */
DdimClTensor ddim_cl_tensor_slice(DdimClTensor tensor, guint first, guint count);

/** Begin a kernel of kernels/@source.cl built with @options; the arguments follow in order, then
 * its range.
 * @label  (static string) what a profile calls it; @flops for the whole launch. */
void ddim_cl_plan_kernel(DdimClPlan *plan, const char *source, const char *options,
                         const char *name, const char *label, double flops);
/** Begin a step of the persistent kernel (kernels/amx-run.cl) in the same way; every argument is
 * then one word of 64 bits. Steps in a row are one launch. */
void ddim_cl_plan_step(DdimClPlan *plan, enum AmxStep step, const char *label, double flops);
void ddim_cl_plan_arg_mem(DdimClPlan *plan,
                          DdimClMem mem); /**< two arguments: pointer, ulong offset */
/** Of a step: @mem, or 0 for NULL. */
void ddim_cl_plan_arg_optional(DdimClPlan *plan, const DdimClMem *mem);
void ddim_cl_plan_arg_buffer(DdimClPlan *plan, DdimClBuffer *buffer); /**< one argument */
void ddim_cl_plan_arg_u32(DdimClPlan *plan, guint value);
void ddim_cl_plan_arg_u64(DdimClPlan *plan, guint64 value);
void ddim_cl_plan_arg_f32(DdimClPlan *plan, float value);
void ddim_cl_plan_range(DdimClPlan *plan, gsize x, gsize y, gsize z);
/** The size of its work-groups, which divides its range; without, one is chosen that suits. */
void ddim_cl_plan_local(DdimClPlan *plan, gsize x, gsize y, gsize z);

/** Record an operation that enqueues by itself (a library's call). @data lives until the plan is
 * freed. */
typedef gboolean (*DdimClEnqueueFunc)(gpointer data, DdimClPlan *plan, GError **error);
void ddim_cl_plan_call(DdimClPlan *plan, DdimClEnqueueFunc func, gpointer data,
                       GDestroyNotify destroy, const char *label, double flops);
/** For such an operation: the buffer of @mem, once sealed. */
cl_mem ddim_cl_plan_get_cl_mem(DdimClPlan *plan, DdimClMem mem);

/** Keep the first error of a recording. (transfer full) */
void ddim_cl_plan_fail(DdimClPlan *plan, GError *error);
gboolean ddim_cl_plan_seal(DdimClPlan *plan, GError **error);
/** The same with an arena in memory that plans share: in *@scratch where that is large enough, else
 * in new memory, which replaces *@scratch for the plans to come. The arena's contents then last
 * only until another plan runs: what must outlive a run belongs into a buffer. */
gboolean ddim_cl_plan_seal_shared(DdimClPlan *plan, DdimClScratch **scratch, GError **error);

/** Enqueue everything; does not wait. */
gboolean ddim_cl_plan_run(DdimClPlan *plan, GError **error);
/** Copy to or from arena or buffer memory, @count floats; waits. */
gboolean ddim_cl_plan_write(DdimClPlan *plan, DdimClMem mem, guint64 count, const float *data,
                            GError **error);
gboolean ddim_cl_plan_read(DdimClPlan *plan, DdimClMem mem, guint64 count, float *data,
                           GError **error);
/** Enqueue a copy of @count floats between places of two plans (or one) of the same context. */
gboolean ddim_cl_plan_copy(DdimClPlan *from_plan, DdimClMem from, DdimClPlan *to_plan, DdimClMem to,
                           guint64 count, GError **error);
guint64 ddim_cl_plan_get_arena_bytes(const DdimClPlan *plan);
/** What the arena of a sealed plan lies in. (transfer none) */
DdimClScratch *ddim_cl_plan_get_scratch(const DdimClPlan *plan);

/** Run once, waiting after each launch, and tell the time of each operation, in its order. Steps
 * tell theirs themselves, as they run one after another without a wait. For profiles. */
typedef void (*DdimClProfileFunc)(const char *label, double seconds, double flops,
                                  gpointer user_data);
gboolean ddim_cl_plan_profile(DdimClPlan *plan, DdimClProfileFunc func, gpointer user_data,
                              GError **error);
