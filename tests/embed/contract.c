/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the public headers promise, seen by a program that has nothing else: the installed headers
 * and the shared library. The numbers themselves are tested elsewhere. */
#include <ddim/ddim.h>
#include <glib/gstdio.h>
#include <string.h>

/* What programs that are built already rely on. New members stand at the end, or come from the
 * reserved ones; new codes stand at the end. */
G_STATIC_ASSERT(sizeof(DdimGeneratorCallbacks) == 13 * sizeof(gpointer));
G_STATIC_ASSERT(G_STRUCT_OFFSET(DdimGeneratorCallbacks, image) == 4 * sizeof(gpointer));
#if GLIB_SIZEOF_VOID_P == 8
G_STATIC_ASSERT(G_STRUCT_OFFSET(DdimProgress, remaining) == 40);
G_STATIC_ASSERT(G_STRUCT_OFFSET(DdimSample, label_name) == 32);
#endif
G_STATIC_ASSERT(DDIM_ERROR_NOT_FOUND == 4 && DDIM_CL_ERROR_FAILED == 4);
G_STATIC_ASSERT(DDIM_DEVICE_ACCELERATOR == 2 && DDIM_SOURCE_DEFAULT == 6);

/* ---- what there is to choose from ---- */

static void
test_models(void)
{
  g_autoptr(GPtrArray) models = ddim_models_list(NULL);
  g_auto(GStrv) folders = ddim_models_get_folders("/nowhere");
  g_autofree char *found = ddim_models_find(NULL, NULL, NULL);
  g_autoptr(GError) error = NULL;
  gboolean listed = FALSE;

  g_assert_nonnull(found);
  for (guint i = 0; i < models->len; i++) {
    const DdimModelFile *file = models->pdata[i];
    g_assert_cmpuint(ddim_model_file_get_size(file), >, 0);
    if (g_str_equal(ddim_model_file_get_name(file), DDIM_DEFAULT_MODEL)) {
      g_assert_cmpstr(ddim_model_file_get_path(file), ==, found);
      listed = TRUE;
    }
  }
  g_assert_true(listed);
  g_assert_cmpstr(folders[0], ==, "/nowhere");
  g_assert_null(ddim_models_find("no such model", NULL, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_NOT_FOUND);
}

static void
test_devices(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) devices = ddim_device_list(&error);
  g_autoptr(DdimDeviceInfo) chosen = ddim_device_choose(NULL, NULL);

  g_assert_no_error(error);
  g_assert_cmpuint(ddim_device_info_get_index(chosen), <, devices->len);
  for (guint i = 0; i < devices->len; i++) {
    const DdimDeviceInfo *device = devices->pdata[i];
    g_assert_cmpuint(ddim_device_info_get_index(device), ==, i);
    g_assert_cmpuint(ddim_device_info_get_kind(device), <=, DDIM_DEVICE_ACCELERATOR);
    g_assert_true(*ddim_device_info_get_name(device));
    g_assert_nonnull(ddim_device_info_get_vendor(device));
    g_assert_nonnull(ddim_device_info_get_platform(device));
    g_assert_true(g_str_has_prefix(ddim_device_info_get_device_version(device), "OpenCL "));
    g_assert_nonnull(ddim_device_info_get_driver_version(device));
    g_assert_cmpuint(ddim_device_info_get_compute_units(device), >, 0);
    g_assert_cmpuint(ddim_device_info_get_max_allocation(device), <=,
                     ddim_device_info_get_global_memory(device));
  }
  g_assert_null(ddim_device_choose("no such device", &error));
  g_assert_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_NO_MATCH);
}

/* ---- what a model is ---- */

typedef struct {
  guint n;
  gboolean has_schedule;
} Visited;

static void
visit(const char *key, const char *value, DdimSource source, gpointer user_data)
{
  Visited *visited = user_data;

  g_assert_nonnull(value);
  g_assert_nonnull(ddim_source_get_name(source));
  visited->n++;
  visited->has_schedule |= g_str_equal(key, "noise_schedule");
}

static DdimConfig *
load_config(void)
{
  g_autofree char *path = ddim_models_find(NULL, NULL, NULL);
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimCheckpoint) checkpoint = ddim_checkpoint_open(path, &error);

  g_assert_no_error(error);
  g_assert_cmpstr(ddim_checkpoint_get_path(checkpoint), ==, path);
  g_assert_cmpstr(ddim_checkpoint_get_format(checkpoint), ==, "safetensors");
  g_assert_cmpuint(ddim_checkpoint_get_file_size(checkpoint), >, 0);
  g_assert_cmpuint(ddim_checkpoint_get_n_tensors(checkpoint), >, 0);
  g_assert_cmpstr(ddim_checkpoint_get_metadata(checkpoint, "license"), ==, "CC0-1.0");
  g_assert_null(ddim_checkpoint_get_metadata(checkpoint, "no such key"));
  return ddim_config_load(checkpoint, NULL, NULL);
}

static void
test_config(void)
{
  g_autoptr(DdimConfig) config = load_config(); /* it does not need the checkpoint any more */
  g_autoptr(GError) error = NULL;
  Visited visited = {0};
  gint64 label = -1;

  g_assert_nonnull(config);
  g_assert_cmpstr(ddim_config_get_name(config), ==, DDIM_DEFAULT_MODEL);
  g_assert_cmpstr(ddim_config_get_family(config), ==, "improved-diffusion");
  g_assert_cmpstr(ddim_config_get_license(config), ==, "CC0-1.0");
  g_assert_cmpuint(ddim_config_get_image_channels(config), ==, 3);
  g_assert_cmpuint(ddim_config_get_image_size(config) % ddim_config_get_stride(config), ==, 0);
  g_assert_false(ddim_config_is_super_res(config));
  g_assert_cmpuint(ddim_config_get_small_size(config), ==, 0);
  g_assert_cmpuint(ddim_config_get_n_classes(config), ==, 16);
  g_assert_true(ddim_config_parse_class(config, "MARBLE", &label, NULL));
  g_assert_cmpstr(ddim_config_get_class_name(config, label), ==, "marble");
  g_assert_null(ddim_config_get_class_name(config, 16));
  g_assert_false(ddim_config_parse_class(config, "plush", &label, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
  g_assert_nonnull(ddim_config_get_notes(config));
  ddim_config_foreach(config, visit, &visited);
  g_assert_cmpuint(visited.n, >, 10);
  g_assert_true(visited.has_schedule);
}

/* ---- plain data ---- */

static void
test_request(void)
{
  g_autoptr(DdimRequest) request = ddim_request_new(), back = NULL;
  g_autofree char *json = NULL, *width = NULL, *command = NULL;
  g_autoptr(GError) error = NULL;

  g_assert_true(ddim_request_set_from_string(request, "size", "96x64", NULL));
  g_assert_false(ddim_request_set_from_string(request, "count", "many", &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
  json = ddim_request_to_json(request);
  back = ddim_request_new_from_json(json, NULL);
  g_assert_nonnull(back);
  g_assert_true(ddim_request_check(back, NULL));
  width = ddim_request_get_as_string(back, "width");
  g_assert_cmpstr(width, ==, "96");
  command = ddim_request_to_command(back);
  g_assert_nonnull(strstr(command, "96x64"));
}

static void
test_image(void)
{
  static const float samples[] = {-1, 1, 0, 1}; /* two channels of 1 x 2 pixels */
  g_autofree char *folder = g_dir_make_tmp("ddim-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(folder, "x.png", NULL), *content = NULL;
  g_autoptr(DdimImage) image = ddim_image_new_from_samples(samples, 2, 1, 2, NULL), back = NULL;
  g_autoptr(GBytes) bytes = NULL;
  g_autoptr(GError) error = NULL;
  float floats[4];
  gsize size;

  g_assert_true(ddim_image_write_png(image, path, NULL, NULL));
  g_assert_true(g_file_get_contents(path, &content, &size, NULL));
  bytes = g_bytes_new(content, size);
  back = ddim_image_read_png(bytes, path, NULL);
  g_assert_cmpuint(ddim_image_get_width(back), ==, 2);
  g_assert_cmpuint(ddim_image_get_height(back), ==, 1);
  g_assert_cmpuint(ddim_image_get_channels(back), ==, 2);
  g_assert_cmpmem(ddim_image_get_pixels(back), 4, "\0\177\377\377", 4);
  ddim_image_to_samples(back, floats);
  for (guint i = 0; i < 4; i++)
    g_assert_cmpfloat_with_epsilon(floats[i], samples[i], 1.0 / 127);
  g_assert_null(ddim_image_new_from_samples(samples, 5, 1, 1, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
  g_assert_cmpint(g_unlink(path), ==, 0);
  g_assert_cmpint(g_rmdir(folder), ==, 0);
}

/* torch.manual_seed(0); torch.randn(4) */
static void
test_noise(void)
{
  static const float expected[] = {1.5410f, -0.2934f, -2.1788f, 0.5684f};
  g_autoptr(DdimRng) rng = ddim_rng_new("torch", 0, NULL);
  g_autoptr(GError) error = NULL;
  gint64 label;
  float values[4];

  ddim_rng_normal(rng, values, 4);
  for (guint i = 0; i < 4; i++)
    g_assert_cmpfloat_with_epsilon(values[i], expected[i], 1e-4);
  ddim_rng_randint(rng, 3, 4, &label, 1);
  g_assert_cmpint(label, ==, 3);
  g_assert_null(ddim_rng_new("dice", 0, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
}

static void
test_schedule(void)
{
  g_autofree double *betas = ddim_betas_new("linear", 1000, NULL);
  guint n = 0;
  g_autofree guint *timesteps = ddim_space_timesteps(1000, "ddim50", &n, NULL);

  g_assert_cmpfloat_with_epsilon(betas[0], 1e-4, 1e-12);
  g_assert_cmpfloat_with_epsilon(betas[999], 0.02, 1e-12);
  g_assert_cmpuint(n, ==, 50);
  g_assert_cmpuint(timesteps[1], ==, 20);
}

/* ---- jobs ---- */

/* A job in a thread of its own, which reports to the main thread. */
typedef struct {
  GMutex mutex;
  GCond changed;
  GThread *thread; /* the job's */
  guint steps, images;
  DdimImage *image;
} Told;

static void
on_progress(const DdimProgress *progress, gpointer user_data)
{
  Told *told = user_data;

  g_assert_true(g_thread_self() == told->thread);
  g_mutex_lock(&told->mutex);
  told->steps += progress->step > 0;
  g_cond_signal(&told->changed);
  g_mutex_unlock(&told->mutex);
}

static gboolean
on_image(const DdimSample *sample, gpointer user_data, GError **error)
{
  Told *told = user_data;

  told->images++;
  g_clear_pointer(&told->image, ddim_image_free);
  told->image = ddim_sample_to_image(sample, error);
  return told->image != NULL;
}

static gboolean
refuse(const DdimSample *sample, gpointer user_data, GError **error)
{
  g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOSPC, "full");
  return FALSE;
}

typedef struct {
  DdimGenerator *generator;
  DdimRequest *request;
  Told *told;
  GCancellable *cancellable;
  GError *error;
} Job;

static gpointer
run(gpointer data)
{
  static const DdimGeneratorCallbacks callbacks = {.progress = on_progress, .image = on_image};
  Job *job = data;

  job->told->thread = g_thread_self();
  ddim_generator_run(job->generator, job->request, &callbacks, job->told, job->cancellable,
                     &job->error);
  return NULL;
}

static DdimRequest *
make_request(const char *steps)
{
  return g_object_new(DDIM_TYPE_REQUEST, "class", "lava", "seed", (gint64)1, "steps", steps, NULL);
}

/* Another thread cancels the job; afterwards the generator works as before. */
static void
test_cancel(void)
{
  g_autoptr(DdimGenerator) generator = ddim_generator_new();
  g_autoptr(DdimRequest) longer = make_request("500"), request = make_request("2");
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  Told told = {0};
  Job job = {generator, longer, &told, cancellable, NULL};
  GThread *thread;

  g_assert_null(ddim_generator_get_device(generator));
  g_assert_null(ddim_generator_get_tuning_problem(generator));
  g_mutex_init(&told.mutex);
  g_cond_init(&told.changed);
  thread = g_thread_new("job", run, &job);
  g_mutex_lock(&told.mutex);
  while (told.steps == 0)
    g_cond_wait(&told.changed, &told.mutex);
  g_cancellable_cancel(cancellable);
  g_mutex_unlock(&told.mutex);
  g_thread_join(thread);
  g_assert_error(job.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint(told.images, ==, 0);
  g_clear_error(&job.error);

  job.request = request;
  job.cancellable = NULL;
  run(&job);
  g_assert_no_error(job.error);
  g_assert_cmpuint(told.images, ==, 1);
  g_assert_nonnull(ddim_generator_get_device(generator));
  g_clear_pointer(&told.image, ddim_image_free);
  g_mutex_clear(&told.mutex);
  g_cond_clear(&told.changed);
}

static void
test_errors(void)
{
  const DdimGeneratorCallbacks refusing = {.image = refuse};
  g_autoptr(DdimGenerator) generator = ddim_generator_new();
  g_autoptr(DdimRequest) request = make_request("2");
  g_autoptr(GError) error = NULL;

  g_assert_false(ddim_generator_run(generator, request, &refusing, NULL, NULL, &error));
  g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOSPC);
  g_clear_error(&error);
  g_object_set(request, "class", "plush", NULL);
  g_assert_false(ddim_generator_run(generator, request, NULL, NULL, NULL, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
}

/* Functions that free something accept NULL. */
static void
test_null(void)
{
  ddim_checkpoint_unref(NULL);
  ddim_config_unref(NULL);
  ddim_device_info_free(NULL);
  ddim_generator_free(NULL);
  ddim_image_free(NULL);
  ddim_model_file_free(NULL);
  ddim_rng_free(NULL);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/contract/models", test_models);
  g_test_add_func("/contract/devices", test_devices);
  g_test_add_func("/contract/config", test_config);
  g_test_add_func("/contract/request", test_request);
  g_test_add_func("/contract/image", test_image);
  g_test_add_func("/contract/noise", test_noise);
  g_test_add_func("/contract/schedule", test_schedule);
  g_test_add_func("/contract/cancel", test_cancel);
  g_test_add_func("/contract/errors", test_errors);
  g_test_add_func("/contract/null", test_null);
  return g_test_run();
}
