/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/checkpoint/checkpoint.h"
#include "core/data/file.h"
#include "core/data/tensor.h"

G_BEGIN_DECLS

/* A range of bytes of `file` that holds the elements of tensors. */
typedef struct {
  DdimFile *file;
  guint64 offset; /* in the file */
  guint64 size;
  gboolean has_crc; /* `crc` is the CRC-32 of all of it */
  guint32 crc;
  int checked;      /* atomic: the checksum was right */
  GBytes *inflated; /* (nullable) the content, when the file holds it compressed */
} DdimStorage;

/* Where the elements of a tensor are. */
typedef struct {
  DdimStorage *storage;
  guint64 begin; /* offset of the first element in the storage, in bytes */
} DdimPlace;

/* The readers of the file formats fill this in. */
struct _DdimCheckpoint {
  gatomicrefcount ref_count;
  char *path;
  const char *format;
  char *member;        /* (nullable) of the file's pickle, which holds the tensors: "ema" */
  char *prefix;        /* (nullable) what was left out in front of their names: "module." */
  GPtrArray *files;    /* DdimFile: one, or those of a folder */
  DdimFile *file;      /* the last of them, which is being read */
  guint64 file_bytes;  /* of all of them */
  GArray *tensors;     /* DdimTensor, without data */
  GArray *places;      /* DdimPlace of each */
  GHashTable *indices; /* char* -> index into `tensors`; owns the names */
  GHashTable *metadata;
  GPtrArray *storages; /* DdimStorage */
  guint64 n_bytes;     /* size of the file's tensors when they are read or written out */
};

/* A checkpoint without files and tensors yet. */
DdimCheckpoint *ddim_checkpoint_new(const char *path);
/* Add @file, of any format, with its tensors, and take it over. */
gboolean ddim_checkpoint_read_file(DdimCheckpoint *checkpoint, DdimFile *file, GError **error);

/* How many bytes the tensors of the file that is being read may need when they are written out. */
guint64 ddim_checkpoint_get_limit(DdimCheckpoint *checkpoint);

/* Whether @name, @length bytes, is text that can be shown in one line: UTF-8 without control
 * characters, not too long. */
gboolean ddim_checkpoint_check_name(const char *name, gsize length);

/* Add a storage at these bytes of the file that is being read. The caller has checked that they
 * exist. (transfer none) */
DdimStorage *ddim_checkpoint_add_storage(DdimCheckpoint *checkpoint, guint64 offset, guint64 size);

/* Add @tensor, checked to lie inside its storage, as @name. A second tensor of that name is an
 * error, and so is a file whose tensors repeat its bytes over and over (strides of zero), or that
 * has a great many of no size, because a small file could then fill the memory. */
gboolean ddim_checkpoint_add(DdimCheckpoint *checkpoint, const char *name, const DdimTensor *tensor,
                             DdimPlace place, GError **error);

G_END_DECLS
