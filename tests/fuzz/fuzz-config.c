/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Inference from names and shapes, of models that make pictures and of classifiers. Input: a line
 * of flags, then for each tensor a line with its name and dimensions, or "@KEY VALUE", which the
 * file says of itself. */
#include "core/checkpoint/checkpoint-readers.h"
#include "core/model/config-details.h"
#include "core/data/error.h"
#include "tests/unit/check-architecture.h"
#include "tests/fuzz/fuzz.h"

/* Cut the text at *@rest behind its first part, which ends at @separator, and step over it. NULL
 * when nothing is left. (g_strsplit() calls strstr(), which under the address sanitizer measures
 * all that follows each time.) */
static char *
next_part(char **rest, char separator)
{
  char *part = *rest;
  char *end = part ? strchr(part, separator) : NULL;

  if (end)
    *end++ = '\0';
  *rest = end;
  return part;
}

static void
add_tensor(DdimCheckpoint *checkpoint, char *line)
{
  const char *name = next_part(&line, ' '), *dimension;
  if (*name == '@') {
    g_hash_table_replace(checkpoint->metadata, g_strdup(name + 1), g_strdup(line ? line : ""));
    return;
  }
  DdimTensor tensor = {.dtype = DDIM_DTYPE_F32};

  /* Of any shape without weights: all strides are 0. */
  while (tensor.n_dims < DDIM_MAX_DIMS && (dimension = next_part(&line, ' ')))
    tensor.shape[tensor.n_dims++] = MIN(g_ascii_strtoull(dimension, NULL, 10), 1 << 17);
  ddim_checkpoint_add(checkpoint, name, &tensor, (DdimPlace){checkpoint->storages->pdata[0], 0},
                      NULL);
}

static void
check_picture_maker(DdimConfig *config)
{
  DdimDiffusionParams params = DDIM_DIFFUSION_PARAMS_INIT;

  check_architecture(ddim_config_get_architecture(config));
  ddim_config_get_diffusion(config, &params);
  g_assert_cmpuint(params.diffusion_steps, >=, 1);
}

static void
check(DdimConfig *config)
{
  if (ddim_config_get_pool(config) == DDIM_POOL_NONE)
    check_picture_maker(config);
  else
    g_assert_cmpuint(ddim_config_get_n_classes(config), >=, 1);
  g_assert_cmpuint(ddim_config_get_image_size(config), >=, 1);
  g_assert_cmpuint(ddim_config_get_image_channels(config), >=, 1);
  g_hash_table_unref(ddim_config_to_metadata(config));
}

typedef DdimConfig *(*Load)(DdimCheckpoint *checkpoint, const char *flags, GError **error);

/* Whether it is a classifier. */
static gboolean
load_by(Load load, DdimCheckpoint *checkpoint, const char *flags)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimConfig) config = load(checkpoint, flags, &error);

  if (config == NULL) {
    g_assert_true(error->domain == DDIM_ERROR);
    g_assert_null(strpbrk(error->message, "\n\r\033"));
    return FALSE;
  }
  g_assert_no_error(error);
  check(config);
  return ddim_config_get_pool(config) != DDIM_POOL_NONE;
}

void
fuzz_input(const uint8_t *data, size_t size)
{
  static const char empty[] = "\2\0\0\0\0\0\0\0{}\0\0\0\0";
  g_autofree char *text = g_strndup((const char *)data, size);
  g_autoptr(GBytes) bytes = g_bytes_new_static(empty, 10);
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimCheckpoint) checkpoint =
      ddim_checkpoint_open_bytes(bytes, "/nowhere/model.safetensors", &error);
  char *rest = text, *line;
  const char *flags = next_part(&rest, '\n');

  g_assert_no_error(error);
  for (guint i = 0; i < 2000 && (line = next_part(&rest, '\n')); i++)
    add_tensor(checkpoint, line);
  /* A network of one kind in the place of the other is refused, as a rule. */
  load_by(load_by(ddim_config_load_any, checkpoint, flags) ? ddim_config_load
                                                           : ddim_config_load_classifier,
          checkpoint, flags);
}
