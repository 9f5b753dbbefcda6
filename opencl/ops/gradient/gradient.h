/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/ops/attention/attention-params.h"
#include "opencl/ops/norm/norm-parts.h"

/** Gradients of operations with respect to what they read: of a number that depends on y, the
 * gradient with respect to y, called dy, is given, and that with respect to x is dx. Weights have
 * no gradient here. That of a convolution is a convolution itself, with in and out exchanged and
 * the taps turned around, and in front of it ddim_cl_dilate() where the stride is 2. */

/** Record dx = the gradient of y = norm(x), followed by SiLU if asked, plus @add.
 * @ones, @zeros  as many as x has channels
 * @add  (nullable) may be dx
 * @dx  may be dy */
void ddim_cl_norm_gradient(DdimClPlan *plan, const DdimClTensor *x, const DdimClNorm *norm,
                           gboolean silu, DdimClMem ones, DdimClMem zeros, const DdimClTensor *dy,
                           const DdimClTensor *add, const DdimClTensor *dx);
/** Record that of ddim_cl_attention(). No T x T matrix is held. With P the weights and O the
 * result, dV = P^T dO, dS = P * (dO V^T - rowsum(dO * O)), dQ = dS K / sqrt(ch), dK = dS^T Q /
 * sqrt(ch) (Dao et al. 2022, arXiv 2205.14135, appendix B.2). @dqkv  lies as @qkv does */
void ddim_cl_attention_gradient(DdimClPlan *plan, const DdimClTensor *qkv,
                                const DdimClAttention *attention, const DdimClTensor *dout,
                                const DdimClTensor *dqkv);
/** Record that of ddim_cl_average_pool(). */
void ddim_cl_average_pool_gradient(DdimClPlan *plan, const DdimClTensor *dy,
                                   const DdimClTensor *dx);
/** Record y = dy at pixels (2 i, 2 j), zeros at the others; y has twice the height and width. */
void ddim_cl_dilate(DdimClPlan *plan, const DdimClTensor *dy, const DdimClTensor *y);
/** Record that of ddim_cl_mean(), plus @add. @add  (nullable) may be dx */
void ddim_cl_mean_gradient(DdimClPlan *plan, const DdimClTensor *dy, const DdimClTensor *add,
                           const DdimClTensor *dx);
/** Record that of ddim_cl_tokens(). */
void ddim_cl_tokens_gradient(DdimClPlan *plan, const DdimClTensor *dy, const DdimClTensor *dx);
/** Record that of ddim_cl_relu(), 0 at x = 0. @dx  may be dy */
void ddim_cl_relu_gradient(DdimClPlan *plan, const DdimClTensor *x, const DdimClTensor *dy,
                           const DdimClTensor *dx);
/** Record the gradient of log softmax(logits)[label] with respect to the logits: dx = 1 at the
 * label, minus the softmax. @logits [n][1][1][C] of which @classes are real; @labels [n] floats;
 * @dx is 0 behind the classes */
void ddim_cl_log_softmax_gradient(DdimClPlan *plan, const DdimClTensor *logits, guint classes,
                                  DdimClMem labels, const DdimClTensor *dx);
/** Record y = 0. */
void ddim_cl_clear_tensor(DdimClPlan *plan, const DdimClTensor *y);
