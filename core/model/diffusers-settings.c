/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/model/settings.h"

#include <string.h>

#include "core/checkpoint/model-folder.h"
#include "core/model/diffusers.h"
#include "core/model/scheduler-json.h"

static void
set_bool(DdimSettings *settings, DdimKey key, gboolean value)
{
  settings->values[key] = g_strdup(value ? "True" : "False");
}

/* What the keys can say of a scheduler; its own fields say more. */
static void
take_scheduler(DdimSettings *settings, const DdimScheduler *scheduler)
{
  settings->values[DDIM_KEY_DIFFUSION_STEPS] =
      g_strdup_printf("%u", scheduler->num_train_timesteps);
  settings->values[DDIM_KEY_NOISE_SCHEDULE] =
      g_strdup(ddim_scheduler_get_noise_schedule(scheduler));
  set_bool(settings, DDIM_KEY_PREDICT_XSTART, scheduler->prediction_type == DDIM_PREDICTION_SAMPLE);
  set_bool(settings, DDIM_KEY_SIGMA_SMALL,
           scheduler->variance_type == DDIM_VARIANCE_FIXED_SMALL ||
               scheduler->variance_type == DDIM_VARIANCE_FIXED_SMALL_LOG);
}

DdimSettings *
ddim_settings_from_diffusers(DdimCheckpoint *checkpoint, GError **error)
{
  g_autoptr(DdimSettings) settings = ddim_settings_new("config.json");
  const char *unet = ddim_checkpoint_get_metadata(checkpoint, DDIM_METADATA_UNET);
  DdimUNet2DConfig config = {0};

  if (unet && !ddim_unet2d_config_parse(unet, strlen(unet), &config, error))
    return NULL;
  settings->width = config.sample_width;
  settings->height = config.sample_height;
  if (config.sample_height)
    settings->values[DDIM_KEY_IMAGE_SIZE] = g_strdup_printf("%u", config.sample_height);
  const char *text =
      unet ? ddim_checkpoint_get_metadata(checkpoint, DDIM_METADATA_SCHEDULER) : NULL;
  g_autoptr(DdimScheduler) scheduler =
      text ? ddim_scheduler_parse(text, strlen(text), error) : NULL;
  if (text && !scheduler)
    return NULL;
  if (scheduler) {
    take_scheduler(settings, scheduler);
    settings->scheduler = g_steal_pointer(&scheduler);
  }
  return g_steal_pointer(&settings);
}
