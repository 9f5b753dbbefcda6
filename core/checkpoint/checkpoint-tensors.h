/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/checkpoint/checkpoint.h"
#include "core/data/tensor.h"

G_BEGIN_DECLS

/* The tensors of a checkpoint and their numbers. Functions may be called from any thread. */

/** The member of a PyTorch file that holds the tensors: "ema", "model.ema" where one lies in
 * another, or a number in a list, counted from 0; NULL when they are all that the file holds.
 * (transfer none) (nullable) */
const char *ddim_checkpoint_get_member(DdimCheckpoint *checkpoint);
/** What the names of the network's tensors begin with in the file and not here: "module.".
 * (transfer none) (nullable) */
const char *ddim_checkpoint_get_prefix(DdimCheckpoint *checkpoint);
/** Tensor number @index, in the file's order. It has no data: ddim_checkpoint_read() reads the
 * numbers. (transfer none) */
const DdimTensor *ddim_checkpoint_get_tensor(DdimCheckpoint *checkpoint, guint index);
/** The tensor of this name, or NULL when there is none. (transfer none) (nullable) */
const DdimTensor *ddim_checkpoint_lookup(DdimCheckpoint *checkpoint, const char *name);
/** Like ddim_checkpoint_lookup(), but a missing tensor or another shape is an error that names it
 * and both shapes. A 1-sized trailing dimension counts as absent ([3C, C, 1] matches [3C, C]). */
const DdimTensor *ddim_checkpoint_require(DdimCheckpoint *checkpoint, const char *name,
                                          guint n_dims, const gsize *shape, GError **error);
/** Read elements @first … @first + @n - 1 of @tensor, counted in C order, as ddim_tensor_read()
 * does. The first time, the checksum of the storage that they lie in is compared, if the storage
 * has one, as in PyTorch's zip files.
 * @as  the tensor's own dtype, F32 or F16
 * Errors: DDIM_ERROR_FORMAT for a wrong checksum, and for a number that is infinite or NaN, unless
 * @as is the dtype of a tensor other than F32 or F16; DDIM_ERROR_UNSUPPORTED for a number that F16
 * cannot hold; G_FILE_ERROR, also when the file has become shorter meanwhile. @out is then
 * undefined. */
gboolean ddim_checkpoint_read(DdimCheckpoint *checkpoint, const DdimTensor *tensor, gsize first,
                              gsize n, DdimDType as, gpointer out, GError **error);

G_END_DECLS
