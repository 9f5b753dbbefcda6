/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

/** Everything that libddim offers. Programs outside this project include <ddim/ddim.h> and take
 * their flags from `pkg-config --cflags --libs libddim`.
 *
 * The way to an image: a DdimRequest says what to generate, a DdimGenerator makes it and hands over
 * DdimSamples. models.h and device.h list what there is to choose from; checkpoint.h and config.h
 * tell what a model is. noise.h and schedule.h compute the numbers of PyTorch and of
 * improved-diffusion, for comparisons.
 *
 * In all headers: (transfer full) is the caller's to free, (transfer none) is not, (nullable) may
 * be NULL and nothing else may. A function with a GError ** that returns NULL or FALSE has set it;
 * the comments list the errors to expect. Sizes are in pixels, memory in bytes, times in
 * seconds. */
#include "core/checkpoint/checkpoint.h"
#include "core/data/error.h"
#include "core/data/image.h"
#include "core/diffusion/noise.h"
#include "core/diffusion/schedule.h"
#include "core/job/callbacks.h"
#include "core/job/generator.h"
#include "core/job/recommended.h"
#include "core/job/request.h"
#include "core/model/config-source.h"
#include "core/model/config.h"
#include "core/model/models.h"
#include "opencl/device/cl-error.h"
#include "opencl/device/device.h"
