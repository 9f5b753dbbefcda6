/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

#include "opencl/since.h"

G_BEGIN_DECLS

/** The longest process that is accepted: it keeps every table and loop over timesteps small. */
#define DDIM_MAX_DIFFUSION_STEPS 1000000u

/* Plain functions, which any thread may call. What they return is freed with g_free(). */

/** The variance schedule of the original (un-respaced) process.
 * Source: improved_diffusion.gaussian_diffusion.get_named_beta_schedule, betas_for_alpha_bar.
 *
 * @name   "linear" or "cosine"
 * @steps  T, the number of diffusion steps, 1 to DDIM_MAX_DIFFUSION_STEPS
 * Returns (transfer full) T betas in float64, each in (0, 1]; NULL with DDIM_ERROR_ARGUMENT for an
 * unknown name or for a T that makes a beta leave (0, 1] (linear with T < 20). */
DDIM_AVAILABLE_IN_0_1
double *ddim_betas_new(const char *name, guint steps, GError **error);

/** The timesteps kept when a process of @num_timesteps steps is respaced.
 * Source: improved_diffusion.respace.space_timesteps, and create_gaussian_diffusion for "".
 *
 * @num_timesteps  1 to DDIM_MAX_DIFFUSION_STEPS
 * @spec   "" or NULL (all steps), "N", "a,b,c" (steps per equal section) or "ddimN" (fixed integer
 * stride). Spaces around a number and a plus sign are allowed, as in the original. A section may
 * keep 0 steps, but not all of them.
 * @count  out: how many there are, at least 1
 * Returns (transfer full) the kept indices in increasing order without duplicates; NULL with
 * DDIM_ERROR_ARGUMENT and the reason when the spec cannot be met or read. */
DDIM_AVAILABLE_IN_0_1
guint *ddim_space_timesteps(guint num_timesteps, const char *spec, guint *count, GError **error);

G_END_DECLS
