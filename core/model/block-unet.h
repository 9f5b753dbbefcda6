/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/model/architecture.h"
#include "core/model/inference.h"

G_BEGIN_DECLS

/* The UNet of Denoising Diffusion Probabilistic Models (Ho et al. 2020) as ermongroup/ddim and
 * huggingface/diffusers have it: levels of residual blocks, which may be followed by attention, on
 * the way down and on the way up. Both programs make the same network but for its names and for a
 * few choices. */

/** What the parts of the network are called in the state dict. */
typedef struct {
  const char *down, *up;                  /**< lists of levels: "down_blocks" */
  const char *res, *attention;            /**< lists in a level: "resnets" */
  const char *downsample, *upsample;      /**< at the end of a level: "downsamplers.0" */
  const char *middle[3];                  /**< res, attention, res */
  const char *emb, *skip;                 /**< in a residual block */
  const char *norm, *q, *k, *v, *proj;    /**< in an attention */
  const char *time_first, *time_second;   /**< layers of the time embedding */
  const char *label_table;                /**< (nullable) */
  const char *label_first, *label_second; /**< (nullable) layers in place of the table */
  const char *norm_out;
  gboolean up_from_inside; /**< the list `up` begins with the innermost level, else with the
                              outermost */
} DdimBlockNames;

/** How a level ends. */
typedef enum {
  DDIM_BLOCK_END_CONV,  /**< a convolution of stride 2, or nearest upsampling and a convolution */
  DDIM_BLOCK_END_PLAIN, /**< the mean of 2x2 pixels, or nearest upsampling */
  DDIM_BLOCK_END_RES    /**< a residual block that resamples */
} DdimBlockEnd;

typedef struct {
  guint channels;
  gboolean down_attention, up_attention;
  DdimBlockEnd down_end; /**< not of the last level */
  DdimBlockEnd up_end;   /**< not of the first level */
} DdimBlockLevel;

typedef struct {
  const DdimBlockNames *names;
  guint in_channels, out_channels;
  guint first_channels;            /**< of the first convolution's result */
  guint time_channels, time_width; /**< of the sines and cosines; of the time embedding */
  double frequency_shift;
  gboolean sine_first;
  guint num_classes;
  gboolean label_layers; /**< labels are embedded as timesteps are */
  gboolean centers_input;
  guint n_levels;
  DdimBlockLevel levels[DDIM_MAX_LEVELS];
  guint num_res_blocks; /**< of a level on the way down; on the way up there is one more */
  gboolean has_middle, middle_attention;
  guint middle_groups; /**< of the norm of the middle's attention; 0: it has none */
  guint groups;
  float eps;
  guint head_channels; /**< 0: all channels are one head's */
  gboolean scale_shift;
  DdimPadding padding; /**< of the convolutions of stride 2 */
} DdimBlockUNet;

DdimArchitecture *ddim_block_unet_architecture_new(const DdimBlockUNet *unet);

G_END_DECLS
