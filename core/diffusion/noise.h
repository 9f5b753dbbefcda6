/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

#include "opencl/since.h"

G_BEGIN_DECLS

/** A seeded generator of standard normal noise that agrees with PyTorch's, value for value.
 * Not thread-safe: one thread at a time. */
typedef struct _DdimRng DdimRng;

/** @kind  "torch": torch.manual_seed + torch.randn on the CPU (mt19937);
 *         "torch-cuda:SMS,THREADS": torch.randn on a CUDA card with SMS multiprocessors of THREADS
 * resident threads each (Philox4x32-10), e.g. "torch-cuda:108,2048" for an A100;
 *         "torch-per-image": each image of a job has a generator of its own, and that of image k is
 * "torch" seeded with seed + k. What an image is made of then does not depend on the other images.
 * Outside a job it is the generator of image 0. NULL means "torch". (transfer full) Errors:
 * DDIM_ERROR_ARGUMENT. */
DDIM_AVAILABLE_IN_0_1
DdimRng *ddim_rng_new(const char *kind, guint64 seed, GError **error);
/** @rng  (nullable) */
DDIM_AVAILABLE_IN_0_1
void ddim_rng_free(DdimRng *rng);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimRng, ddim_rng_free)

/** One torch.randn(n) float32 draw. How values are made depends on @n (n < 16 differs), so
 * draw a tensor in one call, as PyTorch does.
 * @out  [n] */
DDIM_AVAILABLE_IN_0_1
void ddim_rng_normal(DdimRng *rng, float *out, gsize n);
/** One torch.randint(low, high, (n,)) draw; low < high.
 * @out  [n], each in [low, high) */
DDIM_AVAILABLE_IN_0_1
void ddim_rng_randint(DdimRng *rng, gint64 low, gint64 high, gint64 *out, gsize n);

G_END_DECLS
