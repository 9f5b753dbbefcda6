/* SPDX-License-Identifier: LGPL-3.0-or-later
 * What a step of amx-run.cl can do, and how it is told. Also included by the host (opencl/plan/steps.h). */

enum AmxStep {
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

/* A step is so many words of 64 bits: which one, its range in x, y and z, how long it took, then its
 * arguments: addresses, integers, or the bits of a float. */
#define AMX_STEP_WORDS 32
#define AMX_STEP_RANGE 1
#define AMX_STEP_TICKS 4
#define AMX_STEP_ARGS 5
