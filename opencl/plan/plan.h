/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/plan/memory.h"
#include "opencl/plan/scratch.h"
#include "opencl/plan/tasks.h"

/** A recorded sequence of kernels and matrix products on one device, replayed with nothing but
 * enqueues. While recording, memory of intermediates is handed out and taken back by lifetime.
 * Sealing allocates that memory, in blocks no larger than the device allocates at once, creates one
 * kernel object for each operation and sets all of its arguments.
 *
 * Recording functions return nothing: the first failure is kept and ddim_cl_plan_seal() reports it.
 */
typedef struct _DdimClPlan DdimClPlan;

DdimClPlan *ddim_cl_plan_new(DdimContext *context);
void ddim_cl_plan_free(DdimClPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimClPlan, ddim_cl_plan_free)

DdimContext *ddim_cl_plan_get_context(DdimClPlan *plan);

/** Memory in the arena for the operations recorded until it is released. Contents are undefined. */
DdimClMem ddim_cl_plan_alloc_bytes(DdimClPlan *plan, guint64 bytes);
DdimClMem ddim_cl_plan_alloc_floats(DdimClPlan *plan, guint64 count);
/** Let operations recorded from now on reuse @mem. */
void ddim_cl_plan_release(DdimClPlan *plan, DdimClMem mem);
/** A new dense tensor in the arena. */
DdimClTensor ddim_cl_plan_alloc_tensor(DdimClPlan *plan, DdimClType type, guint n, guint h, guint w,
                                       guint c);

/** Begin a kernel of kernels/@source.cl built with @options; the arguments follow in order, then
 * its range.
 * @label  (static string) what a profile calls it; @flops for the whole launch. */
void ddim_cl_plan_kernel(DdimClPlan *plan, const char *source, const char *options,
                         const char *name, const char *label, double flops);
/** Begin a task in the same way. Every argument of a task is one word. Tasks in a row are one
 * launch. All tasks of a plan have the same @runner.
 * @task  a number that @runner knows */
void ddim_cl_plan_task(DdimClPlan *plan, const DdimClTaskRunner *runner, guint task,
                       const char *label, double flops);

/** A place of floats. Of a kernel: two arguments, the pointer and a ulong, the offset in floats. Of
 * a task: the address. */
void ddim_cl_plan_arg_floats(DdimClPlan *plan, DdimClMem mem);
/** The same of elements of any type; the offset is in elements. */
void ddim_cl_plan_arg_elements(DdimClPlan *plan, DdimClMem mem, DdimClType type);
/** A tensor, as ddim_cl_plan_arg_elements(), then a uint: ld, in elements. Of a task: then a word
 * that is 1 when the elements are of half precision. The plan fails when they are not of @type,
 * which is what the kernel reads or writes. */
void ddim_cl_plan_arg_tensor(DdimClPlan *plan, const DdimClTensor *tensor, DdimClType type);
/** The pointer of @buffer alone, or its address. */
void ddim_cl_plan_arg_buffer(DdimClPlan *plan, DdimClBuffer *buffer);
/** Only of a task: the address of @mem, 0 for NULL. */
void ddim_cl_plan_arg_address(DdimClPlan *plan, const DdimClMem *mem);
void ddim_cl_plan_arg_u32(DdimClPlan *plan, guint value);
void ddim_cl_plan_arg_u64(DdimClPlan *plan, guint64 value);
void ddim_cl_plan_arg_f32(DdimClPlan *plan, float value);
void ddim_cl_plan_range(DdimClPlan *plan, gsize x, gsize y, gsize z);
/** The size of a kernel's work-groups, which divides its range. Without, one that suits is chosen.
 */
void ddim_cl_plan_local(DdimClPlan *plan, gsize x, gsize y, gsize z);

/** Record an operation that enqueues by itself (a library's call). @data lives until the plan is
 * freed. */
typedef gboolean (*DdimClEnqueueFunc)(gpointer data, DdimClPlan *plan, GError **error);
void ddim_cl_plan_call(DdimClPlan *plan, DdimClEnqueueFunc func, gpointer data,
                       GDestroyNotify destroy, const char *label, double flops);
/** For such an operation: the buffer that @mem is in, once sealed. */
cl_mem ddim_cl_plan_get_cl_mem(DdimClPlan *plan, DdimClMem mem);

/** Note that an operation is recorded: as which @kind of operation (static string), in which way,
 * and what distinguishes it from others of that kind. For checks of what a plan uses.
 * @params  copied, @size bytes */
void ddim_cl_plan_note(DdimClPlan *plan, const char *kind, const char *way, gconstpointer params,
                       gsize size);
typedef void (*DdimClNoteFunc)(const char *kind, const char *way, gconstpointer params,
                               gpointer user_data);
/** In the order of recording. */
void ddim_cl_plan_foreach_note(DdimClPlan *plan, DdimClNoteFunc func, gpointer user_data);

/** Keep the first error of a recording. (transfer full) */
void ddim_cl_plan_fail(DdimClPlan *plan, GError *error);
/** Errors: what the recording failed with; DDIM_CL_ERROR_MEMORY when the device has not as much;
 * DDIM_CL_ERROR_*. */
gboolean ddim_cl_plan_seal(DdimClPlan *plan, GError **error);
/** The same with an arena in memory that plans share: in *@scratch where that is large enough, else
 * in new memory, which replaces *@scratch for the plans to come. The arena's contents then last
 * only until another plan runs: what must outlive a run belongs into a buffer. */
gboolean ddim_cl_plan_seal_shared(DdimClPlan *plan, DdimClScratch **scratch, GError **error);
/** This was the last plan to be sealed for now: free what only building programs takes. */
void ddim_cl_plan_all_sealed(DdimClPlan *plan);

/** Enqueue everything; does not wait. */
gboolean ddim_cl_plan_run(DdimClPlan *plan, GError **error);
/** Copy @count floats to or from a place; waits. */
gboolean ddim_cl_plan_write(DdimClPlan *plan, DdimClMem mem, guint64 count, const float *data,
                            GError **error);
gboolean ddim_cl_plan_read(DdimClPlan *plan, DdimClMem mem, guint64 count, float *data,
                           GError **error);
/** Enqueue a copy between places of two plans (or one) of the same context. */
gboolean ddim_cl_plan_copy_bytes(DdimClPlan *from_plan, DdimClMem from, DdimClPlan *to_plan,
                                 DdimClMem to, guint64 bytes, GError **error);
/** Of all blocks together. */
guint64 ddim_cl_plan_get_arena_bytes(const DdimClPlan *plan);
/** What the arena of a sealed plan lies in. (transfer none) */
DdimClScratch *ddim_cl_plan_get_scratch(const DdimClPlan *plan);

/** Run once, waiting after each launch, and tell the time of each operation, in its order. Tasks
 * tell theirs themselves, as they run one after another without a wait. For profiles. */
typedef void (*DdimClProfileFunc)(const char *label, double seconds, double flops,
                                  gpointer user_data);
gboolean ddim_cl_plan_profile(DdimClPlan *plan, DdimClProfileFunc func, gpointer user_data,
                              GError **error);
