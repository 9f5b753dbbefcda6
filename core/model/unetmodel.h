/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/model/family.h"

G_BEGIN_DECLS

/* UNetModel and SuperResModel, the networks of improved-diffusion and of guided-diffusion. The
 * latter began as a copy of the former: its additions are residual blocks that resample, heads of a
 * fixed number of channels, and another order of q, k and v. consistency_models has a copy of the
 * latter whose attention has 2D convolutions and always the other order. */

extern const DdimFamily ddim_family_improved_diffusion, ddim_family_guided_diffusion,
    ddim_family_consistency_models;

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

  /* Only of EncoderUNetModel, whose out_channels are classes. */
  DdimPoolType pool;
  guint pool_positions; /**< of an attention pool */
  guint pool_hidden;    /**< of the spatial pools */
} DdimUNetConfig;

/** The only tensor that an attention pool's size shows in: [channels][1 + pixels]. */
#define DDIM_ENCODER_TABLE "out.2.positional_embedding"
/** classifier_depth of guided_diffusion.script_util.classifier_defaults(). */
#define DDIM_ENCODER_USUAL_DEPTH 2
#define DDIM_ENCODER_MOST_CHANNELS 4

/** GroupNorm32 of improved_diffusion.nn. */
#define DDIM_UNETMODEL_NORM_GROUPS 32

/* unetmodel-families.c */

/** Whether the heads divide the channels wherever there is attention; else @key is at fault. */
gboolean ddim_unetmodel_check_heads(const DdimUNetConfig *unet, DdimKey *key, char **reason);
/** num_head_channels decides over num_heads, but not over one from a more binding source. */
void ddim_unetmodel_settle_heads(DdimValues *values);

/* unetmodel.c: the list of modules */

DdimArchitecture *ddim_unetmodel_architecture_new(const DdimUNetConfig *config);
/** EncoderUNetModel: the first half of a UNet, and a pool behind it. */
DdimArchitecture *ddim_encoder_architecture_new(const DdimUNetConfig *config);
/** What an EncoderUNetModel's spatial pools read: the channels of all its blocks together. */
guint ddim_encoder_count_features(const DdimUNetConfig *config);

/* unetmodel-infer.c: what the tensors tell */

/** Whether the names of the tensors are those of UNetModel. */
gboolean ddim_unetmodel_recognise(DdimCheckpoint *checkpoint);
/** Whether one of its residual blocks upsamples, so that only guided-diffusion can have made it. */
gboolean ddim_unetmodel_has_resampling_block(DdimCheckpoint *checkpoint);
/** Whether its attention has 2D convolutions, as consistency_models makes them. */
gboolean ddim_unetmodel_has_flat_attention(DdimCheckpoint *checkpoint);
/** DdimInference.data is a DdimUNetConfig, of which only the fields of the attention's heads and
 * order are still missing. */
DdimInference *ddim_unetmodel_infer(DdimCheckpoint *checkpoint, const char *const *stated,
                                    GError **error);

/** Whether the names are those of EncoderUNetModel. */
gboolean ddim_encoder_recognise(DdimCheckpoint *checkpoint);
/** The same for an EncoderUNetModel, without what `out` tells. */
DdimInference *ddim_encoder_infer(DdimCheckpoint *checkpoint, const char *const *stated,
                                  GError **error);

/* unetmodel-presets.c: the published checkpoints */

/** The published model of the file's name, or else of the same shapes. */
DdimSettings *ddim_unetmodel_find_preset(const char *checkpoint_path,
                                         const DdimInference *inference);
/** The size that the shapes tell, and for a file named like one of consistency_models' EDM models
 * ("edm_imagenet64_ema.pt") that it is one. */
DdimSettings *ddim_unetmodel_find_consistency_preset(const char *checkpoint_path,
                                                     const DdimInference *inference);

G_END_DECLS
