/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Inference from names and shapes. Input: a line of flags, then for each tensor a line with its
 * name and dimensions. */
#include <stdint.h>
#include <string.h>

#include "core/checkpoint/checkpoint-readers.h"
#include "core/model/config.h"
#include "core/data/error.h"
#include "tests/unit/check-architecture.h"

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
  DdimDiffusionParams params = DDIM_DIFFUSION_PARAMS_INIT;

  check_architecture(ddim_config_get_architecture(config));
  ddim_config_get_diffusion(config, &params);
  g_assert_cmpuint(params.diffusion_steps, >=, 1);
  g_assert_cmpuint(ddim_config_get_image_size(config), >=, 1);
  g_assert_cmpuint(ddim_config_get_image_channels(config), >=, 1);
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
