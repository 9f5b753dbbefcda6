/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

#include "opencl/since.h"

G_BEGIN_DECLS

/** The longest process that is accepted: it keeps every table and loop over timesteps small. */
#define DDIM_MAX_DIFFUSION_STEPS 1000000u
/** The names that ddim_betas_new() knows, for people. */
#define DDIM_NOISE_SCHEDULES "linear, cosine, quad, const, jsd, sigmoid"

/* Plain functions, which any thread may call. What they return is freed with g_free(). */

/** The variance schedule of the original (un-respaced) process.
 * Source: improved_diffusion.gaussian_diffusion.get_named_beta_schedule, betas_for_alpha_bar.
 *
 * @name   "linear" or "cosine"; or one of ermongroup/ddim's (get_beta_schedule in its
 * runners/diffusion.py): "quad", "const", "jsd" and "sigmoid", from beta_start 0.0001 to beta_end
 * 0.02 whatever T is
 * @steps  T, the number of diffusion steps, 1 to DDIM_MAX_DIFFUSION_STEPS
 * Returns (transfer full) T betas in float64, each in (0, 1]; NULL with DDIM_ERROR_ARGUMENT for an
 * unknown name or for a T that makes a beta leave (0, 1] (linear with T < 20). */
DDIM_AVAILABLE_IN_0_1
double *ddim_betas_new(const char *name, guint steps, GError **error);

/** Whether ddim_betas_new() knows @name. */
DDIM_AVAILABLE_IN_0_1
gboolean ddim_noise_schedule_is_known(const char *name);

/** The timesteps kept when a process of @num_timesteps steps is respaced.
 * Source: improved_diffusion.respace.space_timesteps, and create_gaussian_diffusion for "".
 *
 * @num_timesteps  1 to DDIM_MAX_DIFFUSION_STEPS
 * @spec   "" or NULL (all steps), "N", "a,b,c" (steps per equal section), "ddimN" (fixed integer
 * stride), or as ermongroup/ddim has them "uniform:N" (range(0, T, T // N)) and "quad:N" (the whole
 * parts of linspace(0, sqrt(0.8 T), N)**2, each once). Spaces around a number and a plus sign are
 * allowed, as in the original. A section may keep 0 steps, but not all of them.
 * @count  out: how many there are, at least 1
 * Returns (transfer full) the kept indices in increasing order without duplicates; NULL with
 * DDIM_ERROR_ARGUMENT and the reason when the spec cannot be met or read. */
DDIM_AVAILABLE_IN_0_1
guint *ddim_space_timesteps(guint num_timesteps, const char *spec, guint *count, GError **error);

G_END_DECLS
