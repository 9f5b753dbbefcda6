/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The JSON files of a diffusers folder: each input is read as each of them. */
#include "core/checkpoint/model-folder.h"
#include "core/data/error.h"
#include "core/diffusion/scheduler-steps.h"
#include "core/model/diffusers.h"
#include "core/model/scheduler-json.h"
#include "tests/fuzz/fuzz.h"

/* Every error is of the program's own, in one line, and names the file. */
static void
check_error(const GError *error, const char *origin)
{
  g_assert_true(g_error_matches(error, DDIM_ERROR, DDIM_ERROR_FORMAT) ||
                g_error_matches(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED));
  g_assert_nonnull(strstr(error->message, origin));
  g_assert_null(strpbrk(error->message, "\n\r\033"));
}

static void
read_unet(const char *text, gsize length)
{
  g_autoptr(GError) error = NULL;
  DdimUNet2DConfig config;

  if (!ddim_unet2d_config_parse(text, length, &config, &error)) {
    check_error(error, "config.json");
    return;
  }
  const DdimBlockUNet *unet = &config.unet;
  g_assert_cmpuint(unet->n_levels, >=, 1);
  g_assert_cmpuint(unet->n_levels, <=, DDIM_MAX_LEVELS);
  g_assert_cmpuint(unet->num_res_blocks, >=, 1);
  g_assert_cmpuint(unet->time_width, >=, 1);
  for (guint i = 0; i < unet->n_levels; i++) {
    const DdimBlockLevel *level = &unet->levels[i];
    g_assert_cmpuint(level->channels, >=, 1);
    g_assert_cmpuint(level->channels % unet->groups, ==, 0);
    if (unet->head_channels && (level->down_attention || level->up_attention))
      g_assert_cmpuint(level->channels % unet->head_channels, ==, 0);
  }
}

/* The longest process whose steps are made: a longer one takes time and tells nothing new. */
#define LONGEST 2000

/* Whatever the fields are, there are steps, or an error that says why not. */
static void
make_steps(const DdimScheduler *scheduler)
{
  const guint counts[] = {1, 2, 7, 20, scheduler->num_train_timesteps};

  for (gsize i = 0; i < G_N_ELEMENTS(counts); i++) {
    const DdimSchedulerRun run = {.n_steps = MIN(counts[i], scheduler->num_train_timesteps),
                                  .eta = (double)(i % 3) / 2};
    g_autoptr(GError) error = NULL;
    g_autoptr(DdimStepTable) table = ddim_scheduler_new_steps(scheduler, &run, &error);
    if (table)
      g_assert_cmpuint(ddim_step_table_get_n_steps(table), >=, 1);
    else
      g_assert_true(g_error_matches(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT));
  }
}

static void
read_scheduler(const char *text, gsize length)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimScheduler) scheduler = ddim_scheduler_parse(text, length, &error);

  if (!scheduler) {
    check_error(error, "scheduler_config.json");
    return;
  }
  g_assert_cmpuint(scheduler->num_train_timesteps, >=, 1);
  ddim_scheduler_get_noise_schedule(scheduler);
  if (scheduler->num_train_timesteps <= LONGEST)
    make_steps(scheduler);
}

static void
read_index(const char *text, gsize length)
{
  g_autoptr(GError) error = NULL;
  g_auto(GStrv) files = ddim_model_folder_parse_index(text, length, "index.json", NULL, &error);

  if (!files)
    check_error(error, "index.json");
  for (guint i = 0; files && files[i]; i++) {
    g_autofree char *path = g_canonicalize_filename(files[i], "/folder");
    g_autofree char *folder = g_path_get_dirname(path);
    g_assert_cmpstr(folder, ==, "/folder");
  }
}

static void
read_model_index(const char *text, gsize length)
{
  g_autoptr(GError) error = NULL;

  if (!ddim_model_folder_check_index(text, length, "model_index.json", &error))
    check_error(error, "model_index.json");
}

void
fuzz_input(const uint8_t *data, size_t size)
{
  const char *text = (const char *)data;

  read_unet(text, size);
  read_scheduler(text, size);
  read_index(text, size);
  read_model_index(text, size);
}
