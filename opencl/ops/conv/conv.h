/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/ops/conv/conv-params.h"
#include "opencl/ops/matrix/epilogue.h"
#include "opencl/ops/matrix/matrix.h"

/** How a convolution is computed. Winograd's ways are for 3x3 ones of stride 1. */
typedef enum {
  DDIM_CONV_DIRECT,    /**< implicit matrix product over (tap, channel) */
  DDIM_CONV_WINOGRAD2, /**< F(2x2,3x3): 2.25 times fewer multiplications, 1.8 times the weights */
  DDIM_CONV_WINOGRAD4, /**< F(4x4,3x3): 4 times fewer multiplications, 4 times the weights */
  DDIM_CONV_AMX,       /**< direct, on the matrix units of x86 processors (kernels/amx-conv.cl) */
  DDIM_CONV_AMX_WINOGRAD,   /**< F(4,3) along lines on those (kernels/amx-winograd.cl): half the
                               multiplications, twice the weights */
  DDIM_CONV_WINOGRAD4_LEAN, /**< F(4x4,3x3) that transforms the direct convolution's weights while
                               it multiplies: no more memory than those (kernels/winograd-lean.cl)
                             */
  DDIM_N_CONV_METHODS
} DdimConvMethod;

const char *ddim_conv_method_name(DdimConvMethod method);
/** "winograd4-packed": the name of the way that they are together. (transfer full) */
char *ddim_conv_way(DdimConvMethod method, DdimGemmProvider provider);
DdimClPacking ddim_conv_method_packing(DdimConvMethod method);

/** What ddim_cl_conv() notes of itself (ddim_cl_plan_note()), as DDIM_CL_NOTE_CONV. */
typedef struct {
  DdimConvMethod method;
  DdimGemmProvider provider;
  DdimConvShape shape;
  gboolean half, prologue, silu, emb, residual;
  DdimClType x_type, y_type;
} DdimClConvNote;

#define DDIM_CL_NOTE_CONV "conv"

/** Record y = conv(prologue(x)) + epilogue. y may be a slice; y->n, h, w are the output's. Each of
 * x and y is of either type; a residual is of y's.
 * @prologue  (nullable)
 * @weights   laid out for @method; y has room for weights->columns channels
 * @zeros     at least as many zeros as x has channels */
void ddim_cl_conv(DdimClPlan *plan, DdimConvMethod method, const DdimConvShape *shape,
                  const DdimClMatrix *weights, const DdimClTensor *x,
                  const DdimClPrologue *prologue, const DdimClTensor *y,
                  const DdimClEpilogue *epilogue, DdimClMem zeros);
