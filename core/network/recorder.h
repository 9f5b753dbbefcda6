/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/network/network-private.h"
#include "opencl/ops/attention/attention-params.h"

/** How one convolution is computed at one size. */
typedef struct {
  DdimConvShape shape;
  DdimConvMethod method;
  DdimLayout *layout;
} DdimRecordConv;

/** Where a recording meets the rest of an evaluation. */
typedef struct {
  const DdimRecordConv *convs; /**< one for each of DdimNetwork.convs, those of the gradient only
                                  where there is one */
  DdimClTensor x;              /**< the input, with channels padded to DDIM_CL_DEPTH_PADDING */
  DdimClTensor y;              /**< where the output goes; its channels are padded as well. Of a
                                  classifier it has one pixel for each image. */
  DdimClMem emb;               /**< [n][columns]: the step's conditioning of all blocks */
  gboolean gradient;           /**< of a classifier: that of log p(label | x) as well */
  DdimClMem labels;            /**< for the gradient: [n], as floats */
  DdimClTensor dx;             /**< where the gradient goes, as wide as `y` of a UNet */
} DdimRecordPorts;

/** What the gradient needs of a module that was recorded. */
typedef struct {
  DdimClTensor x;     /**< what the module reads */
  DdimClTensor inner; /**< of a RES: what norm2 reads; of an ATTENTION: q, k and v */
} DdimModuleTrace;

/** A recording while it is made. */
typedef struct {
  const DdimNetwork *network;
  DdimClPlan *plan;
  const DdimRecordPorts *ports;
  DdimClType type; /**< of all activations between the ports */
  double flops;
  GArray *trace; /**< (nullable) DdimModuleTrace of every module, in the order of evaluation, whose
                    memory is kept */
} DdimRecorder;

DdimClMem ddim_recorder_get_vector(const DdimRecorder *recorder, guint64 place);
/** This block's slice of the conditioning's rows. */
DdimClMem ddim_recorder_get_emb(const DdimRecorder *recorder, const DdimNetworkModule *module);
/** The norm without what a timestep tells it. */
DdimClNorm ddim_recorder_get_norm(const DdimRecorder *recorder, const DdimNorm *norm,
                                  const DdimNetworkNorm *places);
/** norm2 of a RES, with what a timestep tells it. */
DdimClNorm ddim_recorder_get_inner_norm(const DdimRecorder *recorder,
                                        const DdimNetworkModule *module);
/** Record y = convolution @index of DdimNetwork.convs of @x.
 * @prologue, @residual, @emb  (nullable) */
void ddim_recorder_conv(DdimRecorder *recorder, guint index, const DdimClTensor *x,
                        const DdimClPrologue *prologue, const DdimClTensor *y,
                        const DdimClTensor *residual, const DdimClMem *emb);
/** DdimClAttention of the module. */
DdimClAttention ddim_recorder_get_attention(const DdimModule *module);
/** The floating-point operations of attention whose result is @out. */
double ddim_recorder_attention_flops(const DdimClTensor *out);
