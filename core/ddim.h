/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

/** Everything that libddim offers. Programs outside this project include <ddim/ddim.h> and take
 * their flags from `pkg-config --cflags --libs libddim`. */
#include "core/checkpoint/checkpoint.h"
#include "core/model/config.h"
#include "core/diffusion/diffusion.h"
#include "core/diffusion/host-sampling.h"
#include "core/data/error.h"
#include "core/job/generator.h"
#include "core/data/image.h"
#include "core/model/models.h"
#include "core/diffusion/noise.h"
#include "core/diffusion/sampler.h"
#include "core/diffusion/sampling.h"
#include "core/data/npy.h"
#include "core/job/request.h"
#include "core/diffusion/schedule.h"
#include "core/diffusion/step.h"
#include "core/diffusion/step-table.h"
#include "core/job/session.h"
#include "core/data/tensor.h"
#include "core/job/tune.h"
#include "core/network/device-sampling.h"
#include "core/network/evaluator-cache.h"
#include "core/network/evaluator.h"
#include "core/network/network.h"
#include "core/network/sampler-state.h"
