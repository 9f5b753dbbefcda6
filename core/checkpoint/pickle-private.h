/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/checkpoint/pickle.h"

G_BEGIN_DECLS

/* The names that PyTorch's pickles use, and the objects that calling them would make. Only for
 * pickle.c and pickle-objects.c. */

/* Find a name in the list of known names. Any other name is DDIM_ERROR_UNSUPPORTED, and the message
 * says which. */
const DdimPickleName *ddim_pickle_find_name(const char *module, gsize module_length,
                                            const char *name, gsize name_length, GError **error);
/* The object that @name called with @arguments (a TUPLE) stands for. */
DdimPickleValue *ddim_pickle_make_object(DdimPickle *pickle, const DdimPickleName *name,
                                         DdimPickleValue *arguments, GError **error);
/* The storage that the persistent id @id means. */
DdimPickleValue *ddim_pickle_make_storage(DdimPickle *pickle, const DdimPickleValue *id,
                                          GError **error);

DdimPickle *ddim_pickle_new(void);
void ddim_pickle_set_root(DdimPickle *pickle, const DdimPickleValue *root);
/* What a pointer in an array, or an entry of a table, takes at most while these grow. */
#define DDIM_PICKLE_POINTER 24
#define DDIM_PICKLE_ENTRY 64
/* @n bytes of the pickle have been read; its memory's limit grows with them. */
void ddim_pickle_note_read(DdimPickle *pickle, gsize n);
/* Count memory that was taken elsewhere; FALSE above the limit. */
gboolean ddim_pickle_spend(DdimPickle *pickle, gsize size, GError **error);
/* Zeroed memory that lives as long as @pickle; NULL above its limit. */
gpointer ddim_pickle_allocate(DdimPickle *pickle, gsize size, GError **error);
DdimPickleValue *ddim_pickle_new_value(DdimPickle *pickle, DdimPickleType type, GError **error);
DdimPickleStorage *ddim_pickle_new_storage(DdimPickle *pickle, GError **error);
gboolean ddim_pickle_append(DdimPickle *pickle, DdimPickleValue *value,
                            DdimPickleValue *const *items, gsize n, GError **error);

G_END_DECLS
