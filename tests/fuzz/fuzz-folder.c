/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A folder as huggingface/diffusers saves it, on disk. The input holds its files one after another:
 * a line "== NAME" for each, and then its content. Only the names below are made. Behind a name,
 * "/" makes a folder in the file's place, and "|" a pipe. */
#include <errno.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/checkpoint/checkpoint-readers.h"
#include "core/checkpoint/model-folder.h"
#include "core/model/config.h"
#include "tests/fuzz/touch.h"

/* The model's folder, in a folder of its own; beside it lies the sidecar. */
#define MODEL "model"
#define WEIGHTS "diffusion_pytorch_model"

static const char *const names[] = {
    "model_index.json",
    "config.json",
    "scheduler_config.json",
    WEIGHTS ".safetensors",
    WEIGHTS ".json",
    "unet/config.json",
    "scheduler/scheduler_config.json",
    "unet/" WEIGHTS ".safetensors",
    "unet/" WEIGHTS ".json",
    "unet/" WEIGHTS ".bin",
    "unet/" WEIGHTS ".fp16.safetensors",
    "unet/" WEIGHTS ".safetensors.index.json",
    "unet/" WEIGHTS ".bin.index.json",
    "unet/" WEIGHTS "-1.safetensors",
    "unet/" WEIGHTS "-2.safetensors",
    "unet/" WEIGHTS "-1.bin",
    "refs/main",
    "snapshots/0a/config.json",
    "snapshots/0a/" WEIGHTS ".safetensors",
    "../" MODEL ".json",
};
/* The folders of these, each behind those that are in it. */
static const char *const folders[] = {"unet", "scheduler", "refs", "snapshots/0a", "snapshots"};

static char *root, *model;

static void
clean_up(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
    g_autofree char *path = g_build_filename(model, names[i], NULL);
    if (g_unlink(path) != 0 && errno != ENOENT)
      g_rmdir(path);
  }
  for (gsize i = 0; i < G_N_ELEMENTS(folders); i++) {
    g_autofree char *path = g_build_filename(model, folders[i], NULL);
    g_rmdir(path);
  }
}

static void
remove_root(void)
{
  clean_up();
  g_rmdir(model);
  g_rmdir(root);
  g_free(model);
  g_free(root);
}

static void
set_up(void)
{
  if (root)
    return;
  root = g_dir_make_tmp("ddim-fuzz-XXXXXX", NULL);
  g_assert_nonnull(root);
  model = g_build_filename(root, MODEL, NULL);
  g_assert_cmpint(g_mkdir(model, 0700), ==, 0);
  atexit(remove_root);
}

/* Make what @kind says at @path: a folder, a pipe, or a file. */
static void
make(const char *path, char kind, const char *content, gsize length)
{
  g_autofree char *folder = g_path_get_dirname(path);

  g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
  if (g_file_test(path, G_FILE_TEST_EXISTS))
    return; /* the name was there before */
  if (kind == '/')
    g_assert_cmpint(g_mkdir(path, 0700), ==, 0);
  else if (kind == '|')
    g_assert_cmpint(mkfifo(path, 0600), ==, 0);
  else
    g_assert_true(g_file_set_contents_full(path, content, (gssize)length, G_FILE_SET_CONTENTS_NONE,
                                           0600, NULL));
}

/* Write the file that begins at @at, behind "== ". Returns where the next begins. */
static const char *
write_file(const char *at, const char *end)
{
  const char *line = memchr(at, '\n', (gsize)(end - at));
  const char *next = line ? g_strstr_len(line, end - line, "\n== ") : NULL;
  const char *stop = next ? next : end;
  const char kind = line && line > at ? line[-1] : 0;
  const gsize length = line ? (gsize)(line - at) - (kind == '/' || kind == '|') : 0;

  for (gsize i = 0; line && i < G_N_ELEMENTS(names); i++) {
    if (length != strlen(names[i]) || memcmp(at, names[i], length) != 0)
      continue;
    g_autofree char *path = g_build_filename(model, names[i], NULL);
    make(path, kind, line + 1, (gsize)(stop - line - (line < stop)));
  }
  return next ? next + 4 : end;
}

static void
list_folder(void)
{
  g_autoptr(DdimModelFolder) folder = ddim_model_folder_find(model);
  g_auto(GStrv) files = folder ? ddim_model_folder_list(folder) : NULL;

  if (!folder)
    return;
  g_assert_nonnull(files);
  ddim_model_folder_get_size(folder);
}

/* Open @path as a model. What it is called does not matter to an error: it is one line. */
static void
open_model(const char *path)
{
  g_autoptr(GError) error = NULL, config_error = NULL;
  g_autoptr(DdimCheckpoint) checkpoint = ddim_checkpoint_open(path, &error);

  fuzz_check_result(checkpoint, error);
  if (!checkpoint)
    return;
  g_autoptr(DdimConfig) config = ddim_config_load(checkpoint, NULL, &config_error);
  fuzz_check_result(config, config_error);
  fuzz_touch_all(checkpoint);
}

void
fuzz_input(const uint8_t *data, size_t size)
{
  const char *at = (const char *)data, *end = at + size;

  set_up();
  if (size < 3 || memcmp(at, "== ", 3) != 0)
    return;
  g_autofree char *weights = g_build_filename(model, "unet", WEIGHTS ".safetensors", NULL);
  for (at += 3; at < end;)
    at = write_file(at, end);
  list_folder();
  open_model(model);
  if (g_file_test(weights, G_FILE_TEST_EXISTS))
    open_model(weights);
  clean_up();
}
