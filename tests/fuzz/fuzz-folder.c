/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A folder as huggingface/diffusers saves it, on disk. The input holds its files one after another:
 * a line "== NAME" for each, and then its content. */
#include <glib/gstdio.h>
#include <stdlib.h>

#include "core/checkpoint/checkpoint-readers.h"
#include "core/checkpoint/model-folder.h"
#include "core/model/config.h"
#include "tests/fuzz/touch.h"

static const char *const names[] = {
    "model_index.json",
    "unet/config.json",
    "config.json",
    "scheduler/scheduler_config.json",
    "unet/diffusion_pytorch_model.safetensors",
    "unet/diffusion_pytorch_model.bin",
    "unet/diffusion_pytorch_model.safetensors.index.json",
    "unet/diffusion_pytorch_model.bin.index.json",
    "unet/diffusion_pytorch_model-1.safetensors",
    "unet/diffusion_pytorch_model-2.safetensors",
    "unet/diffusion_pytorch_model-1.bin",
};

static char *root;

static void
clean_up(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
    g_autofree char *path = g_build_filename(root, names[i], NULL);
    g_unlink(path);
  }
}

static void
remove_root(void)
{
  static const char *const folders[] = {"unet", "scheduler", ""};

  clean_up();
  for (gsize i = 0; i < G_N_ELEMENTS(folders); i++) {
    g_autofree char *path = g_build_filename(root, folders[i], NULL);
    g_rmdir(path);
  }
  g_free(root);
}

static void
set_up(void)
{
  g_autofree char *unet = NULL, *scheduler = NULL;

  if (root)
    return;
  root = g_dir_make_tmp("ddim-fuzz-XXXXXX", NULL);
  g_assert_nonnull(root);
  unet = g_build_filename(root, "unet", NULL);
  scheduler = g_build_filename(root, "scheduler", NULL);
  g_assert_cmpint(g_mkdir(unet, 0700), ==, 0);
  g_assert_cmpint(g_mkdir(scheduler, 0700), ==, 0);
  atexit(remove_root);
}

/* Write the file that begins at @at, behind "== ". Returns where the next begins. */
static const char *
write_file(const char *at, const char *end)
{
  const char *line = memchr(at, '\n', (gsize)(end - at));
  const char *next = line ? g_strstr_len(line, end - line, "\n== ") : NULL;
  const char *stop = next ? next : end;

  for (gsize i = 0; line && i < G_N_ELEMENTS(names); i++) {
    if ((gsize)(line - at) != strlen(names[i]) || memcmp(at, names[i], strlen(names[i])) != 0)
      continue;
    g_autofree char *path = g_build_filename(root, names[i], NULL);
    const gsize length = (gsize)(stop - line - (line < stop));
    g_assert_true(g_file_set_contents_full(path, line + 1, (gssize)length, G_FILE_SET_CONTENTS_NONE,
                                           0600, NULL));
  }
  return next ? next + 4 : end;
}

void
fuzz_input(const uint8_t *data, size_t size)
{
  const char *at = (const char *)data, *end = at + size;
  g_autoptr(GError) error = NULL;

  set_up();
  if (size < 3 || memcmp(at, "== ", 3) != 0)
    return;
  for (at += 3; at < end;)
    at = write_file(at, end);
  g_autoptr(DdimModelFolder) folder = ddim_model_folder_find(root);
  if (folder) {
    g_auto(GStrv) files = ddim_model_folder_list(folder);
    g_assert_nonnull(files);
    ddim_model_folder_get_size(folder);
  }
  g_autoptr(DdimCheckpoint) checkpoint = ddim_checkpoint_open(root, &error);
  fuzz_check_result(checkpoint, error);
  if (checkpoint) {
    g_autoptr(GError) config_error = NULL;
    g_autoptr(DdimConfig) config = ddim_config_load(checkpoint, NULL, &config_error);
    fuzz_check_result(config, config_error);
    fuzz_touch_all(checkpoint);
  }
  clean_up();
}
