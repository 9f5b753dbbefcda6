/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/checkpoint/checkpoint.h"

G_BEGIN_DECLS

/* What the readers of the formats fill in. */
struct _DdimCheckpoint {
  gatomicrefcount ref_count;
  char *path;
  const char *format;
  GBytes *bytes;       /* the whole file */
  gboolean mapped;     /* `bytes` is a mapping of the file, not memory */
  GArray *tensors;     /* DdimTensor */
  GHashTable *indices; /* char* -> index into `tensors`; owns the names */
  GHashTable *metadata;
  GPtrArray *inflated; /* GBytes that tensors point into besides `bytes` */
  guint64 n_bytes;     /* of all tensors when written out */
};

/* A checkpoint without tensors yet. @path serves messages; @mapped says that @bytes maps the file.
 */
DdimCheckpoint *ddim_checkpoint_new(GBytes *bytes, const char *path, gboolean mapped);

/* How many bytes the tensors of the file may need when they are written out, or its entries when
 * they are inflated. */
guint64 ddim_checkpoint_get_limit(DdimCheckpoint *checkpoint);

/* Whether @name, @length bytes, is text that can be shown in one line: UTF-8 without control
 * characters, not too long. */
gboolean ddim_checkpoint_check_name(const char *name, gsize length);

/* Add @tensor, checked to lie inside its storage, as @name. A second tensor of that name is an
 * error, and so is a file whose tensors repeat its bytes over and over (strides of zero): small as
 * it is, it would fill the memory. */
gboolean ddim_checkpoint_add(DdimCheckpoint *checkpoint, const char *name, const DdimTensor *tensor,
                             GError **error);

G_END_DECLS
