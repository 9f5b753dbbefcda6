/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/checkpoint/checkpoint-tensors.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "core/checkpoint/checkpoint-private.h"
#include "core/data/error.h"

const char *
ddim_checkpoint_get_member(DdimCheckpoint *checkpoint)
{
  return checkpoint->member;
}

const char *
ddim_checkpoint_get_prefix(DdimCheckpoint *checkpoint)
{
  return checkpoint->prefix;
}

const DdimTensor *
ddim_checkpoint_get_tensor(DdimCheckpoint *checkpoint, guint index)
{
  g_return_val_if_fail(index < checkpoint->tensors->len, NULL);
  return &g_array_index(checkpoint->tensors, DdimTensor, index);
}

const DdimTensor *
ddim_checkpoint_lookup(DdimCheckpoint *checkpoint, const char *name)
{
  gpointer index;

  if (!g_hash_table_lookup_extended(checkpoint->indices, name, NULL, &index))
    return NULL;
  return &g_array_index(checkpoint->tensors, DdimTensor, GPOINTER_TO_UINT(index));
}

static guint
count_without_trailing_ones(guint n_dims, const gsize *shape)
{
  while (n_dims > 0 && shape[n_dims - 1] == 1)
    n_dims--;
  return n_dims;
}

const DdimTensor *
ddim_checkpoint_require(DdimCheckpoint *checkpoint, const char *name, guint n_dims,
                        const gsize *shape, GError **error)
{
  const DdimTensor *tensor = ddim_checkpoint_lookup(checkpoint, name);
  DdimTensor expected = {.n_dims = n_dims};
  guint n;

  g_return_val_if_fail(n_dims <= DDIM_MAX_DIMS, NULL);
  if (!tensor) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_NOT_FOUND, _("“%s” has no tensor “%s”"),
                checkpoint->path, name);
    return NULL;
  }
  n = count_without_trailing_ones(n_dims, shape);
  if (n != count_without_trailing_ones(tensor->n_dims, tensor->shape) ||
      memcmp(shape, tensor->shape, n * sizeof *shape) != 0) {
    g_autofree char *found = ddim_tensor_shape_to_string(tensor), *wanted = NULL;
    memcpy(expected.shape, shape, n_dims * sizeof *shape);
    wanted = ddim_tensor_shape_to_string(&expected);
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT,
                _("tensor “%s” of “%s” has the shape %s; expected was %s"), name, checkpoint->path,
                found, wanted);
    return NULL;
  }
  return tensor;
}
