/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** A seeded generator of standard normal noise that agrees with PyTorch's, value for value.
 * Not thread-safe: one thread at a time. */
typedef struct _DdimRng DdimRng;

/** @kind  "torch": torch.manual_seed + torch.randn on the CPU (mt19937);
 *         "torch-cuda:SMS,THREADS": torch.randn on a CUDA card with SMS multiprocessors of THREADS
 * resident threads each (Philox4x32-10), e.g. "torch-cuda:108,2048" for an A100; NULL means
 * "torch". Errors: DDIM_ERROR_ARGUMENT. */
DdimRng *ddim_rng_new(const char *kind, guint64 seed, GError **error);
void ddim_rng_free(DdimRng *rng);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimRng, ddim_rng_free)

/** One torch.randn(n) float32 draw. How values are made depends on @n (see reference: n < 16
 * differs), so draw a tensor in one call, as PyTorch does. */
void ddim_rng_normal(DdimRng *rng, float *out, gsize n);
/** One torch.randint(low, high, (n,)) draw; low < high. */
void ddim_rng_randint(DdimRng *rng, gint64 low, gint64 high, gint64 *out, gsize n);

G_END_DECLS
