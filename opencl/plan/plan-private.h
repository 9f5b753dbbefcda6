/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/plan/arena.h"
#include "opencl/plan/plan.h"

/** An argument as it was recorded. */
typedef struct {
  enum {
    DDIM_CL_ARG_POINTER, /**< a kernel's pointer: the buffer that mem is in */
    DDIM_CL_ARG_ADDRESS, /**< a task's word: where mem lies in the host's memory */
    DDIM_CL_ARG_VALUE
  } kind;
  DdimClMem mem;
  guint8 value[8];
  guint size;
} DdimClArg;

/** A kernel, a task or a call. */
typedef struct {
  enum { DDIM_CL_OP_KERNEL, DDIM_CL_OP_TASK, DDIM_CL_OP_CALL } kind;
  const char *label;
  double flops;
  GArray *args; /**< DdimClArg, of a kernel or a task */
  gsize range[3];
  /* a kernel */
  char *source, *options, *name;
  gsize local[3]; /**< all 0: the driver's choice */
  cl_kernel kernel;
  /* a task */
  guint task;
  guint index; /**< among the tasks */
  /* a call */
  DdimClEnqueueFunc func;
  gpointer data;
  GDestroyNotify destroy;
} DdimClOp;

/** What ddim_cl_plan_note() was told. */
typedef struct {
  const char *kind;
  char *way;
  gpointer params;
} DdimClNote;

struct _DdimClPlan {
  DdimContext *context;
  DdimClArena arena;
  DdimClScratch *scratch; /**< what the arena lies in; NULL before the plan is sealed */
  GPtrArray *ops;         /**< DdimClOp */
  DdimClOp *current;
  GArray *notes;                  /**< DdimClNote */
  const DdimClTaskRunner *runner; /**< NULL when there are no tasks */
  gpointer tasks;                 /**< the runner's table */
  gboolean tasks_use_half;        /**< a tensor of some task is of half precision */
  GError *error;
};

/** The operation at @index. */
DdimClOp *ddim_cl_plan_get_op(const DdimClPlan *plan, guint index);
/** The buffer that @mem is in, once sealed. */
DdimClBuffer *ddim_cl_plan_get_buffer(DdimClPlan *plan, DdimClMem mem);
