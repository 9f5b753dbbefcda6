/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

/** Everything that libddim offers. Programs outside this project include <ddim/ddim.h> and take
 * their flags from `pkg-config --cflags --libs libddim`. */
#include "checkpoint.h"
#include "config.h"
#include "diffusion.h"
#include "error.h"
#include "generator.h"
#include "image.h"
#include "models.h"
#include "noise.h"
#include "npy.h"
#include "request.h"
#include "schedule.h"
#include "session.h"
#include "tensor.h"
#include "tune.h"
#include "unet.h"
