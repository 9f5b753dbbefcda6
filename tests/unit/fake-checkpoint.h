/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

#include "core/checkpoint/checkpoint-tensors.h"

/** State dicts without weights: sparse .safetensors files of any shapes, so that a model of a
 * gigabyte costs nothing. */

typedef struct {
  char *name;
  guint n_dims;
  gsize shape[DDIM_MAX_DIMS];
} FakeTensor;

/** Names and shapes that the originals make, see tests/data/make-architectures.py: name ->
 * GPtrArray of FakeTensor. */
GHashTable *fake_architectures_load(void);
GPtrArray *fake_tensors_new(void);
void fake_tensors_add(GPtrArray *tensors, const char *name, guint n_dims, const gsize *shape);
/** Without the tensor at @skip; G_MAXUINT: all. */
GPtrArray *fake_tensors_copy(GPtrArray *tensors, guint skip);
/** All that fake_tensors_damage() can do to a tensor. */
typedef enum {
  FAKE_MISSING,
  FAKE_ROW_LESS,
  FAKE_ROW_MORE,
  FAKE_DIMENSION_MORE,
  FAKE_N_DAMAGES
} FakeDamage;
/** A copy in which the tensor at @index is damaged. */
GPtrArray *fake_tensors_damage(GPtrArray *tensors, guint index, FakeDamage damage);
FakeTensor *fake_tensors_find(GPtrArray *tensors, const char *name);
/** Write and open FOLDER/NAME. @metadata (nullable) char* -> char*. */
DdimCheckpoint *fake_checkpoint_new(const char *folder, const char *name, GPtrArray *tensors,
                                    GHashTable *metadata);
/** A folder for one test, and its removal with all files in it. */
char *fake_folder_new(void);
void fake_folder_remove(char *folder);

/** Every test's own: the state dicts that the originals make, and a folder for files. */
typedef struct {
  GHashTable *architectures;
  char *folder;
} FakeModels;

/** For g_test_add(). */
void fake_models_set_up(FakeModels *models, gconstpointer data);
void fake_models_tear_down(FakeModels *models, gconstpointer data);
/** The tensors of the architecture @name, which there must be. (transfer none) */
GPtrArray *fake_models_get(FakeModels *models, const char *name);
