/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/network/network-private.h"

/** How one convolution is computed at one size. */
typedef struct {
  DdimConvShape shape;
  DdimConvMethod method;
  DdimLayout *layout;
} DdimRecordConv;

/** Where a recording meets the rest of an evaluation. */
typedef struct {
  const DdimRecordConv *convs; /**< one for each of DdimNetwork.convs */
  DdimClTensor x;              /**< the input, with channels padded to DDIM_CL_DEPTH_PADDING */
  DdimClTensor y;              /**< where the output goes; its channels are padded as well */
  DdimClMem emb;               /**< [n][columns]: the step's conditioning of all blocks */
} DdimRecordPorts;

/** Record the network's stages, from ports->x to ports->y, as operations of @plan. Returns their
 * floating-point operations, convolutions counted as direct ones. Source: UNetModel.forward of
 * improved_diffusion.unet. */
double ddim_record_network(const DdimNetwork *network, DdimClPlan *plan,
                           const DdimRecordPorts *ports);
