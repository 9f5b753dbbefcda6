/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/work/result.h"

void
worker_image_free(WorkerImage *image)
{
  if (!image)
    return;
  g_free(image->samples);
  g_free(image->label);
  g_clear_pointer(&image->picture, ddim_image_free);
  g_clear_object(&image->settings);
  g_free(image->command);
  g_free(image);
}

DdimImage *
worker_image_to_picture(const WorkerImage *image, GError **error)
{
  return ddim_image_new_from_samples_as(image->samples, image->channels, image->height,
                                        image->width, image->bytes, error);
}

void
worker_image_set_label(WorkerImage *image, const DdimSample *sample)
{
  if (sample->label_name)
    image->label = g_strdup(sample->label_name);
  else if (sample->label >= 0)
    image->label = g_strdup_printf("%" G_GINT64_FORMAT, sample->label);
}

WorkerResult *
worker_result_new(void)
{
  WorkerResult *result = g_new0(WorkerResult, 1);

  result->images = g_ptr_array_new_with_free_func((GDestroyNotify)worker_image_free);
  return result;
}

void
worker_result_free(WorkerResult *result)
{
  g_clear_object(&result->settings);
  g_free(result->model);
  g_free(result->warning);
  g_ptr_array_unref(result->images);
  g_free(result);
}

void
worker_result_warn(WorkerResult *result, const char *text)
{
  char *both;

  if (!text)
    return;
  both = result->warning ? g_strjoin("\n", result->warning, text, NULL) : g_strdup(text);
  g_free(result->warning);
  result->warning = both;
}
