/* SPDX-License-Identifier: LGPL-3.0-or-later
 * The kinds of tasks of amx-run.cl, and how a task lies in memory. The host includes this file as well
 * (opencl/ops/amx/amx-tasks.h). */

enum AmxTask {
  AMX_INPUT,
  AMX_INPUT_NORMALISED,
  AMX_PRODUCT,
  AMX_PRODUCT_WHOLE,
  AMX_PRODUCT_FEW,
  AMX_WIDEN,
  AMX_ATTENTION_PACK,
  AMX_ATTENTION,
  AMX_WINOGRAD_INPUT,
  AMX_WINOGRAD_INPUT_NORMALISED,
  AMX_WINOGRAD_PRODUCT,
  AMX_NORM_MOMENTS,
  AMX_NORM_FINISH
};

/* A task is so many words of 64 bits: its kind, its range in x, y and z, how long it took, and its arguments, each an
 * address, an integer or the bits of a float. */
#define AMX_TASK_WORDS 32
#define AMX_TASK_RANGE 1
#define AMX_TASK_TICKS 4
#define AMX_TASK_ARGS 5
