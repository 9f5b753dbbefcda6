/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/network/recorder.h"

/** Record the network's stages, from ports->x to ports->y, as operations of @plan. Returns their
 * floating-point operations, convolutions counted as direct ones. Activations of a UNet are of the
 * network's precision; its input and output, what is summed up, norms and the weights of attention
 * are float32, and so is all of a classifier. Source: UNetModel.forward of improved_diffusion.unet,
 * EncoderUNetModel.forward of guided_diffusion.unet. */
double ddim_record_network(const DdimNetwork *network, DdimClPlan *plan,
                           const DdimRecordPorts *ports);
