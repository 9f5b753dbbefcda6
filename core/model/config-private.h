/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/model/config.h"
#include "core/diffusion/scheduler.h"
#include "core/model/family.h"

G_BEGIN_DECLS

struct _DdimConfig {
  gatomicrefcount refs;
  const DdimFamily *family;
  DdimArchitecture *architecture;
  DdimValues values;
  char *name;
  char *preset, *preset_reason; /* (nullable) */
  char *description, *license;  /* (nullable) */
  GStrv class_names;            /* (nullable) one for each class */
  gboolean usual_names;         /* class_names are ImageNet's, as no source has any */
  DdimScheduler *scheduler;     /* (nullable) */
  guint width, height;          /* of the images that the model was made for */
  char *files[2];               /* (nullable) the texts of config.json and scheduler_config.json */
  GPtrArray *notes, *extra;     /* char*, NULL-terminated */
};

/** ddim_config_load() with other families than all. @families is NULL-terminated. */
DdimConfig *ddim_config_load_with_families(DdimCheckpoint *checkpoint, const char *flags,
                                           const DdimFamily *const *families, GError **error);

G_END_DECLS
