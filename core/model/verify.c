/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Whether a state dict has the tensors of an architecture, and no others that mean another. */

#include "core/model/family.h"

#include <glib/gi18n-lib.h>
#include "core/checkpoint/checkpoint-tensors.h"
#include "core/data/error.h"

typedef struct {
  DdimCheckpoint *checkpoint;
  GHashTable *used; /* DdimTensor: those that the architecture has */
  GError **error;
} Verification;

static gboolean
verify_tensor(const char *name, guint n_dims, const gsize *shape, gpointer user_data)
{
  Verification *v = user_data;
  const DdimTensor *tensor = ddim_checkpoint_require(v->checkpoint, name, n_dims, shape, v->error);

  if (!tensor)
    return FALSE;
  if (tensor->dtype > DDIM_DTYPE_BF16) {
    g_set_error(v->error, DDIM_ERROR, DDIM_ERROR_FORMAT,
                _("%s holds %s numbers, expected floating point"), name,
                ddim_dtype_name(tensor->dtype));
    return FALSE;
  }
  g_hash_table_add(v->used, (gpointer)tensor);
  return TRUE;
}

static void
set_foreign_error(const DdimFamily *family, const DdimArchitecture *architecture, const char *name,
                  GError **error)
{
  g_autoptr(GArray) levels = ddim_architecture_get_levels(architecture);
  const guint blocks = levels->len ? g_array_index(levels, DdimLevel, 0).blocks : 0;

  g_set_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
              _("the tensor %s belongs to no UNet of %s with %u levels of %u blocks"), name,
              family->name, levels->len, blocks);
}

gboolean
ddim_family_verify(const DdimFamily *family, const DdimArchitecture *architecture,
                   DdimCheckpoint *checkpoint, GPtrArray *extra, GError **error)
{
  g_autoptr(GHashTable) used = g_hash_table_new(NULL, NULL);
  Verification v = {.checkpoint = checkpoint, .used = used, .error = error};
  const guint n = ddim_checkpoint_get_n_tensors(checkpoint);

  if (!ddim_architecture_foreach_tensor(architecture, verify_tensor, &v))
    return FALSE;
  for (guint i = 0; i < n; i++) {
    const DdimTensor *tensor = ddim_checkpoint_get_tensor(checkpoint, i);
    if (g_hash_table_contains(used, tensor))
      continue;
    if (ddim_family_has_prefix(family, tensor->name)) {
      set_foreign_error(family, architecture, tensor->name, error);
      return FALSE;
    }
    g_ptr_array_add(extra, g_strdup(tensor->name));
  }
  return TRUE;
}
