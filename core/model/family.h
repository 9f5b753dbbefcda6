/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/data/image-private.h"
#include "core/model/inference.h"
#include "core/model/settings.h"
#include "core/model/values.h"

G_BEGIN_DECLS

/** A default that differs from improved-diffusion's. */
typedef struct {
  DdimKey key;
  const char *text; /**< as ddim_key_parse() returns it */
} DdimDefault;

/** The networks that one program makes: how their state dicts are recognised, and what network a
 * state dict belongs to. Constant; its functions may be called from any thread.
 *
 * @stated below are the values that the user and the files state, from the most binding source
 * that does: DDIM_N_KEYS texts as ddim_key_parse() returns them, NULL where nothing is stated. */
typedef struct _DdimFamily DdimFamily;
struct _DdimFamily {
  const char *name; /**< as its authors call the program: "improved-diffusion" */

  /** What the names of its tensors begin with: "input_blocks.". A tensor of such a name that is
   * not in the architecture means another network. Other tensors have no part in the model and are
   * passed over. NULL-terminated. */
  const char *const *prefixes;

  /** Whether its networks are classifiers. Those have flags of other names, see keys.h. */
  gboolean classifies;

  /** Values for keys of which no source says anything. (nullable) ends with a NULL text */
  const DdimDefault *defaults;

  /** How its program makes bytes of samples. */
  DdimBytes bytes;

  /** (nullable) Whether @key means something for the models of this family. */
  gboolean (*applies)(DdimKey key);

  /** Whether the state dict is, or may be meant as, one of this family: by the names of its
   * tensors, and by @stated where these do not tell. */
  gboolean (*recognise)(DdimCheckpoint *checkpoint, const char *const *stated);

  /** Read from the shapes of a recognised state dict what they tell. Sizes that would be out of
   * proportion anywhere further on must be refused here.
   * Errors: DDIM_ERROR_NOT_FOUND, DDIM_ERROR_FORMAT, DDIM_ERROR_UNSUPPORTED naming the tensor. */
  DdimInference *(*infer)(DdimCheckpoint *checkpoint, const char *const *stated, GError **error);

  /** (nullable) The published model that the file holds, or may hold; empty settings when none. */
  DdimSettings *(*find_preset)(const char *checkpoint_path, const DdimInference *inference);

  /** (nullable) Decide between values that exclude each other. */
  void (*settle)(DdimValues *values);

  /** (nullable) Whether a network can be made with @values. If not, the value of @key is at fault,
   * for the translated @reason: "it does not divide …". @reason  (transfer full) */
  gboolean (*check)(const DdimInference *inference, const DdimValues *values, DdimKey *key,
                    char **reason);

  /** The list of modules. Cannot fail: infer() and check() have refused everything impossible. */
  DdimArchitecture *(*architecture_new)(const DdimInference *inference, const DdimValues *values);
};

/** Whether @name begins with one of the family's prefixes. */
gboolean ddim_family_has_prefix(const DdimFamily *family, const char *name);
/** What the family's program calls @key. */
const char *ddim_family_get_key_name(const DdimFamily *family, DdimKey key);
/** The text of the family's default. */
const char *ddim_family_get_default(const DdimFamily *family, DdimKey key);

/** The first of @families, NULL-terminated, that recognises @checkpoint. DDIM_ERROR_UNSUPPORTED
 * says what the file holds instead. */
const DdimFamily *ddim_family_recognise(const DdimFamily *const *families,
                                        DdimCheckpoint *checkpoint, const char *const *stated,
                                        GError **error);

/** Check that @checkpoint has every tensor of @architecture with the right shape.
 * @extra  (element-type utf8) (transfer full) takes the names of tensors without a part in the
 * model Errors: DDIM_ERROR_NOT_FOUND, DDIM_ERROR_FORMAT; DDIM_ERROR_UNSUPPORTED for a tensor that
 * means another network. */
gboolean ddim_family_verify(const DdimFamily *family, const DdimArchitecture *architecture,
                            DdimCheckpoint *checkpoint, GPtrArray *extra, GError **error);

G_END_DECLS
