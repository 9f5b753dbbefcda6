/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/checkpoint/checkpoint-tensors.h"
#include "core/model/architecture.h"
#include "opencl/ops/matrix/matrix.h"

/** The weights of a network's layers on a device. They never change. A layer can be laid out in
 * several ways, as a convolution's method and the provider of its products want it. Each way is
 * made when the first user asks for it, shared by all its users, and freed with the last of them.
 * One thread at a time. */
typedef struct _DdimWeights DdimWeights;

/** One layer, laid out in one way. */
typedef struct {
  DdimClMatrix *matrix; /**< operations may be recorded with it before it is loaded */
  guint layer;          /**< index of the layer */
  guint users;
  gboolean loaded; /**< the matrix holds the weights */
} DdimLayout;

/** @context and @checkpoint must outlive the weights.
 * @half  keep them in half precision */
DdimWeights *ddim_weights_new(DdimContext *context, DdimCheckpoint *checkpoint, gboolean half);
/** All layouts must have been released. */
void ddim_weights_free(DdimWeights *weights);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimWeights, ddim_weights_free)

/** Add a layer that is made of @n_parts layers of an architecture which read the same input: the
 * outputs of one come behind those of the other. Nothing is read yet. Returns the layer's index:
 * they are counted from 0. */
guint ddim_weights_add(DdimWeights *weights, const DdimLayer *const *parts, guint n_parts);

/** Add the layer that takes a gradient back through @layer, which is of one part: in and out are
 * exchanged, and the taps are turned around. Its numbers are those of @layer. */
guint ddim_weights_add_gradient(DdimWeights *weights, guint layer);

/** Become a user of @layer in this layout, with memory for it when it is the first one. (transfer
 * full): give it back with ddim_weights_release(). Errors: DDIM_CL_ERROR_*. */
DdimLayout *ddim_weights_acquire(DdimWeights *weights, guint layer, DdimClPacking packing,
                                 DdimGemmProvider provider, GError **error);
/** The last user frees the memory. */
void ddim_weights_release(DdimWeights *weights, DdimLayout *layout);
/** Read the layer from the checkpoint and lay it out, unless that has been done. The checkpoint's
 * pages are given back to the system. Errors: DDIM_ERROR_NOT_FOUND, DDIM_ERROR_FORMAT naming the
 * tensor; DDIM_CL_ERROR_*. */
gboolean ddim_weights_load(DdimWeights *weights, DdimLayout *layout, GError **error);
/** Device memory of all layouts in use, in bytes. */
guint64 ddim_weights_get_bytes(const DdimWeights *weights);
