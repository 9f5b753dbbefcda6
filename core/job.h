/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "npy.h"
#include "session.h"

G_BEGIN_DECLS

/** One generation with every choice made and checked, before any device is touched. Private to the
 * generator. */
typedef struct {
  DdimRequest *resolved; /* the request with seed, size, batch and model filled in */
  DdimDiffusion *diffusion;
  DdimSampleParams sample;
  guint channels, height, width;
  guint count;
  guint batch; /* images that one draw of noise is for */
  gint64 seed;
  char *rng;
  guint n_classes;
  GArray *labels;        /* gint64, repeated over the images; empty: random */
  DdimArray *init_noise; /* (nullable) [count][C][H][W] */
  DdimArray *low_res;    /* (nullable) [1 or count][C][h][w], float32 */
} DdimJob;

DdimJob *ddim_job_new(DdimSession *session, DdimRequest *request, GError **error);
void ddim_job_free(DdimJob *job);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimJob, ddim_job_free)

/* job-inputs.c: the arrays that a request may name. */

/** A .npy of float numbers, [C][H][W] or [N][C][H][W], as float32 [N][C][H][W]. */
DdimArray *ddim_job_read_noise(const char *path, GError **error);
/** A .png, or a .npy or .npz (arr_0) of float [N][C][H][W] in [-1, 1] or of bytes [N][H][W][C]; N
 * may be missing. As float32 [N][C][H][W] with @channels channels. */
DdimArray *ddim_job_read_images(const char *path, guint channels, GError **error);

G_END_DECLS
