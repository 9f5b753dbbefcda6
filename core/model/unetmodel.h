/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/model/family.h"
#include "core/model/unet-config.h"

G_BEGIN_DECLS

/* UNetModel and SuperResModel, the networks of improved-diffusion and of guided-diffusion. The
 * latter began as a copy of the former: its additions are residual blocks that resample, heads of a
 * fixed number of channels, and another order of q, k and v. */

extern const DdimFamily ddim_family_improved_diffusion, ddim_family_guided_diffusion;

/** GroupNorm32 of improved_diffusion.nn. */
#define DDIM_UNETMODEL_NORM_GROUPS 32

/* unetmodel.c: the list of modules */

DdimArchitecture *ddim_unetmodel_architecture_new(const DdimUNetConfig *config);

/* unetmodel-families.c */

/** What the shapes tell, and the heads. @inference of ddim_unetmodel_infer() */
DdimUNetConfig ddim_unetmodel_complete(const DdimInference *inference, const DdimValues *values);

/* unetmodel-infer.c: what the tensors tell */

/** Whether the names of the tensors are those of UNetModel. */
gboolean ddim_unetmodel_recognise(DdimCheckpoint *checkpoint);
/** Whether one of its residual blocks upsamples, so that only guided-diffusion can have made it. */
gboolean ddim_unetmodel_has_resampling_block(DdimCheckpoint *checkpoint);
/** DdimInference.data is a DdimUNetConfig, of which only the fields of the attention's heads and
 * order are still missing. */
DdimInference *ddim_unetmodel_infer(DdimCheckpoint *checkpoint, const char *const *stated,
                                    GError **error);

/* unetmodel-presets.c: the published checkpoints */

/** The published model of the file's name, or else of the same shapes. Where several match and
 * disagree, the value is left out. */
DdimSettings *ddim_unetmodel_find_preset(const char *checkpoint_path,
                                         const DdimInference *inference);

G_END_DECLS
