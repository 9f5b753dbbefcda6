/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/data/tensor.h"

G_BEGIN_DECLS

/* Reads the pickles of PyTorch checkpoints without running anything. This is the machine of
 * Python's pickletools, reduced to plain values and to the few names that tensors need. These names
 * are interpreted here, never called. */

typedef enum {
  DDIM_PICKLE_NONE,
  DDIM_PICKLE_BOOL,    /* integer */
  DDIM_PICKLE_INT,     /* integer */
  DDIM_PICKLE_LONG,    /* an integer of more than 64 bits: text, little-endian two's complement */
  DDIM_PICKLE_FLOAT,   /* number */
  DDIM_PICKLE_TEXT,    /* text, meant to be UTF-8 but not checked; bytes, too */
  DDIM_PICKLE_TUPLE,   /* items */
  DDIM_PICKLE_LIST,    /* items; sets, too */
  DDIM_PICKLE_DICT,    /* items: key, value, key, value … in the order in which they were set,
                          including duplicates */
  DDIM_PICKLE_NAME,    /* name: one of the known globals */
  DDIM_PICKLE_STORAGE, /* storage */
  DDIM_PICKLE_TENSOR   /* tensor; a Parameter is the tensor it holds */
} DdimPickleType;

typedef struct _DdimPickleValue DdimPickleValue;
typedef struct _DdimPickleName DdimPickleName;

/* A persistent id. It names the storage that holds elements, which has not been looked for yet. */
typedef struct {
  DdimDType dtype;
  const DdimPickleValue *key; /* TEXT */
  guint64 count;              /* elements */
  guint64 first;              /* legacy files: where the view begins in the storage of that key */
  guint64 view_count;         /* legacy files: elements of the view; otherwise `count` */
} DdimPickleStorage;

/* The arguments of _rebuild_tensor_v2. */
typedef struct {
  const DdimPickleStorage *storage;
  guint64 offset;                       /* elements */
  const DdimPickleValue *size, *stride; /* TUPLE or LIST, equally long */
} DdimPickleTensor;

struct _DdimPickleValue {
  DdimPickleType type;
  guint32 n; /* number of items, or of bytes of text */
  union {
    gint64 integer;
    double number;
    const guint8 *text; /* inside the pickle, n bytes */
    DdimPickleValue **items;
    const DdimPickleName *name;
    const DdimPickleStorage *storage;
    const DdimPickleTensor *tensor;
  };
  guint32 capacity; /* how many items there is room for */
};

typedef struct _DdimPickle DdimPickle;

/** Read the pickle that @data begins with. @used (nullable) is set to its length. Values and texts
 * live as long as the returned pickle and @data. Values may contain one another in circles: do not
 * follow them blindly. Memory: at most 20 MiB and one byte for each that is read, however much the
 * pickle asks for. Errors: DDIM_ERROR_FORMAT, also above that bound; DDIM_ERROR_UNSUPPORTED for a
 * name that weights do not need. */
DdimPickle *ddim_pickle_read(const guint8 *data, gsize size, gsize *used, GError **error);
void ddim_pickle_free(DdimPickle *pickle);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimPickle, ddim_pickle_free)

const DdimPickleValue *ddim_pickle_get_root(const DdimPickle *pickle);
/** All storages that the pickle mentions. (transfer none) (element-type DdimPickleStorage) */
const GPtrArray *ddim_pickle_get_storages(const DdimPickle *pickle);

/** Whether @value is TEXT and says @text. */
gboolean ddim_pickle_value_is(const DdimPickleValue *value, const char *text);
/** The value that @dict, a DICT, holds under @key, or NULL. */
const DdimPickleValue *ddim_pickle_value_lookup(const DdimPickleValue *dict, const char *key);

G_END_DECLS
