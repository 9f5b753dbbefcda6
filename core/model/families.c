/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/model/families.h"

#include "core/model/classifier.h"
#include "core/model/diffusers.h"
#include "core/model/ermon.h"
#include "core/model/unetmodel.h"

const DdimFamily *const ddim_families[] = {
    &ddim_family_consistency_models, /* guided-diffusion would take its state dicts, too */
    &ddim_family_guided_diffusion,   /* improved-diffusion would take its state dicts, too */
    &ddim_family_improved_diffusion, &ddim_family_ermon, &ddim_family_diffusers, NULL,
};

const DdimFamily *const ddim_classifier_families[] = {&ddim_family_classifier, NULL};
