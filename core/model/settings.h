/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/checkpoint/checkpoint.h"
#include "core/diffusion/scheduler.h"
#include "core/model/keys.h"

G_BEGIN_DECLS

/** What one source says about a model. */
typedef struct {
  char *values[DDIM_N_KEYS]; /**< as ddim_key_parse() returns them; NULL: it does not say */
  char *origin;              /**< what messages call the source: "--flags", "textures.json" */
  char *reason;              /**< (nullable) of a preset: why it was taken, translated */
  char *name, *description, *license; /**< (nullable) */
  GStrv class_names;                  /**< (nullable) */
  DdimScheduler *scheduler;           /**< (nullable) */
  guint width, height;                /**< of what the model was made for; 0: it does not say */
  GPtrArray *notes;                   /**< char*: what a user should know, such as ignored flags */
} DdimSettings;

/** @origin  (nullable) */
DdimSettings *ddim_settings_new(const char *origin);
void ddim_settings_free(DdimSettings *settings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimSettings, ddim_settings_free)
void ddim_settings_note(DdimSettings *settings, const char *format, ...) G_GNUC_PRINTF(2, 3);

/** @flags  (nullable) as typed: "--image_size 64 --noise_schedule=cosine". DDIM_ERROR_ARGUMENT.
 * @classifier  whether they are those of a classifier: "--classifier_width 128" */
DdimSettings *ddim_settings_from_flags(const char *flags, gboolean classifier, GError **error);
/** The sidecar of the file @checkpoint_path: NAME.json beside it. (transfer full) */
char *ddim_settings_sidecar_path(const char *checkpoint_path);
/** The file NAME.json beside @checkpoint_path; empty settings when there is none.
 * DDIM_ERROR_FORMAT, G_FILE_ERROR. */
DdimSettings *ddim_settings_from_sidecar(const char *checkpoint_path, GError **error);
/** @length  bytes of @text. @origin  what messages call it. Takes the memory of
 * ddim_json_parse(). DDIM_ERROR_FORMAT. */
DdimSettings *ddim_settings_from_json(const char *text, gsize length, const char *origin,
                                      GError **error);
DdimSettings *ddim_settings_from_metadata(DdimCheckpoint *checkpoint, GError **error);
/** What the config.json and the scheduler_config.json of a diffusers folder say that the network
 * does not depend on; empty settings for other checkpoints. DDIM_ERROR_FORMAT,
 * DDIM_ERROR_UNSUPPORTED. */
DdimSettings *ddim_settings_from_diffusers(DdimCheckpoint *checkpoint, GError **error);

G_END_DECLS
