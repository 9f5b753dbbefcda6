/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define DDIM_MAX_LEVELS 12

/** The arguments of UNetModel.__init__, in the form in which the network is made of them. */
typedef struct {
  guint in_channels;  /**< of the UNet's first convolution; doubled in a super-resolution model */
  guint out_channels; /**< doubled with learn_sigma */
  guint model_channels;
  guint n_levels;
  guint level_channels[DDIM_MAX_LEVELS]; /**< channel_mult[i] * model_channels */
  gboolean level_attention[DDIM_MAX_LEVELS];
  guint num_res_blocks;
  guint num_classes; /**< 0: unconditional */
  guint num_heads, num_heads_upsample;
  guint num_head_channels; /**< 0: use num_heads; else heads = channels / this (guided-diffusion) */
  gboolean use_scale_shift_norm;
  gboolean conv_resample;
  gboolean resblock_updown;         /**< guided-diffusion */
  gboolean use_new_attention_order; /**< guided-diffusion */
  gboolean super_res;               /**< low_res is concatenated to x */
} DdimUNetConfig;

G_END_DECLS
