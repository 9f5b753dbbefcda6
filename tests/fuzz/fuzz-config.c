/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Inference from names and shapes. Input: a line of flags, then for each tensor a line with its
 * name and dimensions. */
#include <stdint.h>
#include <string.h>

#include "core/checkpoint/checkpoint-readers.h"
#include "core/model/config.h"
#include "core/data/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
add_tensor(DdimCheckpoint *checkpoint, const char *line)
{
  g_auto(GStrv) words = g_strsplit(line, " ", DDIM_MAX_DIMS + 2);
  DdimTensor tensor = {.dtype = DDIM_DTYPE_F32};

  if (words[0] == NULL)
    return;
  tensor.data = g_bytes_get_data(checkpoint->bytes,
                                 NULL); /* of any shape without weights: all strides are 0 */
  for (guint i = 1; words[i] != NULL && i <= DDIM_MAX_DIMS; i++)
    tensor.shape[tensor.n_dims++] = MIN(g_ascii_strtoull(words[i], NULL, 10), 1 << 17);
  ddim_checkpoint_add(checkpoint, words[0], &tensor, NULL);
}

static void
check(DdimConfig *config)
{
  const DdimUNetConfig *unet = ddim_config_get_unet(config);
  DdimDiffusionParams params = DDIM_DIFFUSION_PARAMS_INIT;

  g_assert_cmpuint(unet->n_levels, >=, 1);
  g_assert_cmpuint(unet->n_levels, <=, DDIM_MAX_LEVELS);
  g_assert_cmpuint(unet->num_res_blocks, >=, 1);
  for (guint level = 0; level < unet->n_levels; level++) {
    guint channels = unet->level_channels[level];
    g_assert_cmpuint(channels, >, 0);
    g_assert_cmpuint(channels % 32, ==, 0);
    if (!unet->level_attention[level] && level + 1 < unet->n_levels)
      continue;
    g_assert_cmpuint(
        channels % (unet->num_head_channels ? unet->num_head_channels : unet->num_heads), ==, 0);
    g_assert_true(unet->num_head_channels || channels % unet->num_heads_upsample == 0);
  }
  ddim_config_get_diffusion(config, &params);
  g_assert_cmpuint(params.diffusion_steps, >=, 1);
  g_assert_cmpuint(ddim_config_get_image_size(config), >=, 1);
  g_hash_table_unref(ddim_config_to_metadata(config));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const char empty[] = "\2\0\0\0\0\0\0\0{}\0\0\0\0";
  g_autofree char *text = g_strndup((const char *)data, size);
  g_auto(GStrv) lines = g_strsplit(text, "\n", 2000);
  g_autoptr(GBytes) bytes = g_bytes_new_static(empty, 10);
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimCheckpoint) checkpoint =
      ddim_checkpoint_open_bytes(bytes, "/nowhere/model.safetensors", &error);

  g_assert_no_error(error);
  if (lines[0] == NULL)
    return 0;
  for (guint i = 1; lines[i] != NULL; i++)
    add_tensor(checkpoint, lines[i]);
  g_autoptr(DdimConfig) config = ddim_config_load(checkpoint, lines[0], &error);
  if (config == NULL) {
    g_assert_true(error->domain == DDIM_ERROR);
    g_assert_null(strpbrk(error->message, "\n\r\033"));
    return 0;
  }
  g_assert_no_error(error);
  check(config);
  return 0;
}
