/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/model/config.h"

/** The architecture of a UNet as a list of stages, as improved_diffusion's UNetModel.__init__
 * builds it. Weights are named by the state dict's prefixes. */

typedef enum {
  DDIM_MODULE_CONV_IN,
  DDIM_MODULE_RES,
  DDIM_MODULE_ATTENTION,
  DDIM_MODULE_DOWN,
  DDIM_MODULE_UP
} DdimModuleType;

typedef enum { DDIM_RESAMPLE_NONE, DDIM_RESAMPLE_DOWN, DDIM_RESAMPLE_UP } DdimResample;

typedef struct {
  DdimModuleType type;
  char *prefix;          /**< "input_blocks.1.0" */
  guint in, out;         /**< channels */
  DdimResample resample; /**< of a RES with resblock_updown */
  gboolean has_conv;     /**< of DOWN and UP: FALSE is average pooling or nearest */
  guint heads;           /**< of ATTENTION */
} DdimModule;

typedef enum { DDIM_STAGE_INPUT, DDIM_STAGE_MIDDLE, DDIM_STAGE_OUTPUT } DdimStageType;

/** One entry of input_blocks or output_blocks, or the middle block. An OUTPUT stage reads the
 * previous stage's result concatenated with the result of INPUT stage `skip`. */
typedef struct {
  DdimStageType type;
  GPtrArray *modules; /**< DdimModule */
  guint skip;
  guint in, out; /**< channels; `in` of an OUTPUT stage is without the skip's */
} DdimStage;

/** (transfer full) (element-type DdimStage) in order of evaluation. */
GPtrArray *ddim_unet_structure_new(const DdimUNetConfig *config);
