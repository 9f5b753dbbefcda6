/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/job/callbacks.h"

#include "core/data/image-private.h"

DdimImage *
ddim_sample_to_image(const DdimSample *sample, GError **error)
{
  g_return_val_if_fail(sample != NULL, NULL);
  if (sample->picture)
    return ddim_image_copy(sample->picture, error);
  return ddim_image_new_from_samples_as(sample->samples, sample->channels, sample->height,
                                        sample->width, (DdimBytes)sample->bytes, error);
}
