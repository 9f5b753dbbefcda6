/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/checkpoint/checkpoint-tensors.h"
#include "core/model/architecture.h"
#include "opencl/plan/plan.h"

/** All the small vectors of a network, its biases and the scales and shifts of its norms, in one
 * buffer on the device. They are gathered first, each at a place of its own, and uploaded
 * together. */
typedef struct _DdimVectors DdimVectors;

/** @context and @checkpoint must outlive the vectors. */
DdimVectors *ddim_vectors_new(DdimContext *context, DdimCheckpoint *checkpoint);
void ddim_vectors_free(DdimVectors *vectors);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimVectors, ddim_vectors_free)

/** Gather the tensor @name.@part, "weight" or "bias", of @norm, without a gap behind what was
 * gathered before. Returns its place in floats. The first failure is kept, and
 * ddim_vectors_upload() reports it. */
guint64 ddim_vectors_append_norm(DdimVectors *vectors, const DdimNorm *norm, const char *part);
/** Gather the bias of @layer, which is zeros when it has none. */
guint64 ddim_vectors_append_bias(DdimVectors *vectors, const DdimLayer *layer);
/** Gather the tensor @name of [@rows][@columns] values, by rows. */
guint64 ddim_vectors_append_table(DdimVectors *vectors, const char *name, guint rows,
                                  guint columns);
/** Gather @count times the number 1. */
guint64 ddim_vectors_append_ones(DdimVectors *vectors, guint count);
/** Gather @count zeros. */
guint64 ddim_vectors_append_zeros(DdimVectors *vectors, guint count);
/** Fill up with zeros to where the next vector may begin: kernels read whole panels of columns. */
void ddim_vectors_pad(DdimVectors *vectors);
/** Errors: DDIM_ERROR_NOT_FOUND, DDIM_ERROR_FORMAT naming the tensor; DDIM_CL_ERROR_*. */
gboolean ddim_vectors_upload(DdimVectors *vectors, GError **error);
/** The vector at @place, once uploaded. */
DdimClMem ddim_vectors_get(const DdimVectors *vectors, guint64 place);
