/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/model/family.h"

G_BEGIN_DECLS

/** Everything that says something about one model. */
typedef struct {
  const DdimFamily *family;
  DdimInference *inference;                    /**< DDIM_SOURCE_SHAPES */
  DdimSettings *settings[DDIM_SOURCE_DEFAULT]; /**< the others, by DdimSource; never NULL */
} DdimSources;

/** Read all of them. @sources  all zeros
 * Errors: those of the settings', of ddim_family_recognise() and of the family's infer(). */
gboolean ddim_sources_gather(DdimSources *sources, DdimCheckpoint *checkpoint, const char *flags,
                             const DdimFamily *const *families, GError **error);
void ddim_sources_clear(DdimSources *sources);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DdimSources, ddim_sources_clear)

/** The most binding source after the shapes that has a value for @key; DDIM_SOURCE_DEFAULT when
 * none has. */
DdimSource ddim_sources_find(const DdimSources *sources, DdimKey key);
/** What @source, one of the settings, says of @key. (nullable) */
const char *ddim_sources_get(const DdimSources *sources, DdimSource source, DdimKey key);
/** image_size or large_size, whichever the model has. */
DdimKey ddim_sources_get_size_key(const DdimSources *sources);
/** Whether the shapes allow what @source says of @key. DDIM_ERROR_MISMATCH quotes both. */
gboolean ddim_sources_check(const DdimSources *sources, DdimSource source, DdimKey key,
                            GError **error);
/** @value of @key as messages quote it, with the name of @source: "m.json: num_heads 3". (transfer
 * full) */
char *ddim_sources_quote(const DdimSources *sources, DdimSource source, DdimKey key,
                         const char *value);

G_END_DECLS
