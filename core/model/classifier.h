/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/model/family.h"

/** guided-diffusion's EncoderUNetModel, which tells the class of a noisy picture. */
extern const DdimFamily ddim_family_classifier;
