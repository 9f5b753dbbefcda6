/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/dialog/catalog.h"

#include <glib/gstdio.h>
#include "core/model/config-details.h"
#include "core/model/config.h"
#include "core/model/models.h"
#include "plugin/work/devices.h"

void
catalog_model_free(CatalogModel *model)
{
  g_free(model->name);
  g_free(model->path);
  g_free(model->description);
  g_free(model->license);
  g_free(model->error);
  g_strfreev(model->classes);
  g_clear_pointer(&model->config, ddim_config_unref);
  g_free(model);
}

static GStrv
list_classes(DdimConfig *config)
{
  guint n = ddim_config_get_n_classes(config);
  GStrv classes = g_new0(char *, n + 1);

  for (guint i = 0; i < n; i++) {
    const char *name = ddim_config_get_class_name(config, i);
    classes[i] = name ? g_strdup(name) : g_strdup_printf("%u", i);
  }
  return classes;
}

static CatalogModel *
look_into(const DdimModelFile *file)
{
  CatalogModel *model = g_new0(CatalogModel, 1);
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimCheckpoint) checkpoint =
      ddim_checkpoint_open(ddim_model_file_get_path(file), &error);
  g_autoptr(DdimConfig) config = checkpoint ? ddim_config_load(checkpoint, NULL, &error) : NULL;
  DdimDiffusionParams diffusion = DDIM_DIFFUSION_PARAMS_INIT;
  GStatBuf info;

  model->name = g_strdup(ddim_model_file_get_name(file));
  model->path = g_strdup(ddim_model_file_get_path(file));
  model->size = ddim_model_file_get_size(file);
  if (g_stat(model->path, &info) == 0)
    model->changed = info.st_mtime;
  if (!config) {
    model->error = g_strdup(error->message);
    model->classes = g_new0(char *, 1);
    return model;
  }
  model->description = g_strdup(ddim_config_get_description(config));
  model->license = g_strdup(ddim_config_get_license(config));
  model->image_size = ddim_config_get_image_size(config);
  model->eta = ddim_config_get_eta(config);
  model->stride = ddim_config_get_stride(config);
  model->enlarges = ddim_config_is_super_res(config);
  model->classes = list_classes(config);
  ddim_config_get_diffusion(config, &diffusion);
  model->n_timesteps = diffusion.diffusion_steps;
  model->config = g_steal_pointer(&config);
  return model;
}

static void
models_thread(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  g_autoptr(GPtrArray) files = ddim_models_list(NULL);
  GPtrArray *models = g_ptr_array_new_with_free_func((GDestroyNotify)catalog_model_free);

  for (guint i = 0; i < files->len && !g_cancellable_is_cancelled(cancellable); i++)
    g_ptr_array_add(models, look_into(g_ptr_array_index(files, i)));
  g_task_return_pointer(task, models, (GDestroyNotify)g_ptr_array_unref);
}

void
catalog_models_async(GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr(GTask) task = g_task_new(NULL, cancellable, callback, user_data);

  g_task_run_in_thread(task, models_thread);
}

GPtrArray *
catalog_models_finish(GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer(G_TASK(result), error);
}

static void
devices_thread(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  GPtrArray *devices = devices_list(cancellable, &error);

  if (devices)
    g_task_return_pointer(task, devices, (GDestroyNotify)g_ptr_array_unref);
  else
    g_task_return_error(task, error);
}

void
catalog_devices_async(GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr(GTask) task = g_task_new(NULL, cancellable, callback, user_data);

  g_task_run_in_thread(task, devices_thread);
}

GPtrArray *
catalog_devices_finish(GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer(G_TASK(result), error);
}
