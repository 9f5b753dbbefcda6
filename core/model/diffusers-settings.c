/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/model/settings.h"

#include <string.h>

#include "core/checkpoint/model-folder.h"
#include "core/model/diffusers.h"

DdimSettings *
ddim_settings_from_diffusers(DdimCheckpoint *checkpoint, GError **error)
{
  g_autoptr(DdimSettings) settings = ddim_settings_new("config.json");
  const char *unet = ddim_checkpoint_get_metadata(checkpoint, DDIM_METADATA_UNET);
  DdimUNet2DConfig config = {0};

  if (unet && !ddim_unet2d_config_parse(unet, strlen(unet), &config, error))
    return NULL;
  if (config.sample_height)
    settings->values[DDIM_KEY_IMAGE_SIZE] = g_strdup_printf("%u", config.sample_height);
  return g_steal_pointer(&settings);
}
