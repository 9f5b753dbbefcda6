/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

/* The small class-conditional model of tests/data, with weights on the best device. Its pictures
 * are 32x32, it has 10 classes, and its output is [6][32][32]. */

#include "core/network/evaluator-cache.h"
#include "golden.h"

typedef struct {
  DdimContext *context;
  DdimCheckpoint *checkpoint;
  DdimConfig *config;
  DdimNetwork *network;
  guint64 bytes; /* device memory while there is no evaluator */
} SmallModel;

static inline void
small_model_open(SmallModel *model)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *path = golden_path("unet_small_cond.pt");

  model->context = ddim_context_new(NULL, &error);
  g_assert_no_error(error);
  model->checkpoint = ddim_checkpoint_open(path, &error);
  g_assert_no_error(error);
  model->config = ddim_config_load(model->checkpoint,
                                   "--image_size 32 --num_heads 4 --class_cond True", &error);
  g_assert_no_error(error);
  model->network = ddim_network_new(model->context, model->checkpoint, model->config, NULL, &error);
  g_assert_no_error(error);
  model->bytes = ddim_context_get_device_bytes(model->context, NULL);
}

/* Every evaluator has been freed before. */
static inline void
small_model_close(SmallModel *model)
{
  g_assert_cmpuint(ddim_context_get_device_bytes(model->context, NULL), ==, model->bytes);
  ddim_network_unref(model->network);
  g_assert_cmpuint(ddim_context_get_device_bytes(model->context, NULL), ==, 0);
  ddim_config_unref(model->config);
  ddim_checkpoint_unref(model->checkpoint);
  ddim_context_unref(model->context);
}
