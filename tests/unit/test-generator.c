/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The job as front ends see it: what callbacks get, cancelling, a second job. Pictures themselves
 * are held against the original's in tests/cli. */
#include <glib/gstdio.h>
#include <string.h>

#include "core/data/error.h"
#include "core/job/generator.h"
#include "core/job/session.h"

enum { SIDE = 16, PLANE = SIDE * SIDE, STEPS = 4 };

/* What one job reported. */
typedef struct {
  DdimRequest *resolved;
  guint n_status, n_started, n_progress, n_previews;
  DdimProgress last;
  GArray *images; /* float */
  GArray *labels; /* gint64 */
  guint fail_at;  /* image() stops the job at this one; 0: never */
  GCancellable *cancellable;
  guint cancel_at; /* progress() cancels at this step; 0: never */
} Told;

static void
on_status(const char *what, double fraction, gpointer data)
{
  g_assert_nonnull(what);
  g_assert_cmpfloat(fraction, <=, 1);
  ((Told *)data)->n_status++;
}

static void
on_started(DdimRequest *resolved, DdimConfig *config, gpointer data)
{
  Told *told = data;

  g_assert_cmpuint(told->n_progress, ==, 0);
  g_assert_nonnull(config);
  told->n_started++;
  told->resolved = ddim_request_copy(resolved);
}

static void
on_progress(const DdimProgress *progress, gpointer data)
{
  Told *told = data;

  g_assert_cmpuint(told->n_started, ==, 1);
  g_assert_cmpfloat(progress->fraction, >=, told->last.fraction);
  g_assert_cmpuint(progress->n_steps, ==, STEPS);
  told->last = *progress;
  told->n_progress++;
  if (told->cancel_at && progress->step == told->cancel_at)
    g_cancellable_cancel(told->cancellable);
}

static void
on_preview(const DdimSample *x0, gpointer data)
{
  g_assert_cmpuint(x0->width, ==, SIDE);
  /* predicted pictures are clipped */
  for (guint i = 0; i < 3 * PLANE; i++)
    g_assert_cmpfloat(ABS(x0->samples[i]), <=, 1);
  ((Told *)data)->n_previews++;
}

static gboolean
on_image(const DdimSample *sample, gpointer data, GError **error)
{
  Told *told = data;

  g_assert_cmpuint(sample->index, ==, told->labels->len);
  g_assert_cmpuint(sample->channels, ==, 3);
  g_assert_cmpuint(sample->height, ==, SIDE);
  g_array_append_vals(told->images, sample->samples, 3 * PLANE);
  g_array_append_val(told->labels, sample->label);
  if (told->fail_at == told->labels->len) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED, "no more");
    return FALSE;
  }
  return TRUE;
}

static const DdimGeneratorCallbacks callbacks = {on_status, on_started, on_progress, on_preview,
                                                 on_image};

static void
told_init(Told *told)
{
  *told = (Told){.images = g_array_new(FALSE, FALSE, sizeof(float)),
                 .labels = g_array_new(FALSE, FALSE, sizeof(gint64)),
                 .cancellable = g_cancellable_new()};
}

static void
told_clear(Told *told)
{
  g_clear_object(&told->resolved);
  g_clear_object(&told->cancellable);
  g_array_unref(told->images);
  g_array_unref(told->labels);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Told, told_clear)

static DdimRequest *
make_request(const char *weights, int count, int batch)
{
  g_autofree char *path = g_build_filename(g_getenv("DDIM_TEST_DATA"), weights, NULL);

  return g_object_new(DDIM_TYPE_REQUEST, "model", path, "width", SIDE, "height", SIDE, "steps", "4",
                      "seed", G_GINT64_CONSTANT(7), "count", count, "batch", batch, NULL);
}

static void
test_callbacks(void)
{
  g_autoptr(DdimGenerator) generator = ddim_generator_new();
  g_autoptr(DdimRequest) request = make_request("unet_small_cond.pt", 5, 2);
  g_autoptr(GError) error = NULL;
  g_auto(Told) told;
  int batch;

  told_init(&told);
  g_assert_null(ddim_generator_get_device(generator));
  ddim_generator_run(generator, request, &callbacks, &told, told.cancellable, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(told.n_status, >, 0);
  g_assert_cmpuint(told.n_started, ==, 1);
  g_assert_cmpuint(told.n_progress, ==, 3 * (STEPS + 1));
  g_assert_cmpuint(told.n_previews, >=, 1);
  g_assert_cmpuint(told.labels->len, ==, 5);
  for (guint i = 0; i < 5; i++)
    g_assert_cmpint(g_array_index(told.labels, gint64, i), <, 10);
  g_assert_cmpuint(told.last.image, ==, 5);
  g_assert_cmpuint(told.last.batch, ==, 1);
  g_assert_cmpfloat(told.last.fraction, ==, 1);
  g_object_get(told.resolved, "batch", &batch, NULL);
  g_assert_cmpint(batch, ==, 2);
  g_assert_nonnull(ddim_device_info_get_name(ddim_generator_get_device(generator)));
}

/* Which images are selected, and what came out: [5][3 * PLANE]. */
typedef struct {
  guint n_asked, n_started, n_made;
  gboolean wanted[5];
  guint fail_at; /* 0: never */
  float images[5][3 * PLANE];
  DdimProgress last;
} Selection;

static void
on_selection_started(DdimRequest *resolved, DdimConfig *config, gpointer data)
{
  Selection *selection = data;

  g_assert_cmpuint(selection->n_asked, ==, 5);
  selection->n_started++;
}

static gboolean
on_select(DdimRequest *resolved, guint index, gboolean *wanted, gpointer data, GError **error)
{
  Selection *selection = data;
  gint64 seed;

  g_object_get(resolved, "seed", &seed, NULL);
  g_assert_cmpint(seed, ==, 7);
  g_assert_cmpuint(index, ==, selection->n_asked++);
  g_assert_true(*wanted);
  *wanted = selection->wanted[index];
  if (selection->n_asked != selection->fail_at)
    return TRUE;
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_MISMATCH, "another one");
  return FALSE;
}

static gboolean
on_selected_image(const DdimSample *sample, gpointer data, GError **error)
{
  Selection *selection = data;

  g_assert_true(selection->wanted[sample->index]);
  selection->n_made++;
  memcpy(selection->images[sample->index], sample->samples, sizeof selection->images[0]);
  return TRUE;
}

static void
on_selection_progress(const DdimProgress *progress, gpointer data)
{
  ((Selection *)data)->last = *progress;
}

static const DdimGeneratorCallbacks selecting = {.started = on_selection_started,
                                                 .progress = on_selection_progress,
                                                 .image = on_selected_image,
                                                 .select = on_select};

/* Images that are left out change nothing of the others, whatever generator they draw from. */
static void
test_selection(void)
{
  static const char *const kinds[] = {"torch", "torch-cuda:8,1024", "torch-per-image"};
  static const gboolean some[5] = {FALSE, FALSE, TRUE, FALSE, TRUE};
  g_autoptr(DdimGenerator) generator = ddim_generator_new();
  g_autoptr(DdimRequest) request = make_request("unet_small_cond.pt", 5, 2);
  g_autoptr(GError) error = NULL;
  g_autofree Selection *all = g_new0(Selection, 1), *part = g_new0(Selection, 1);

  for (guint k = 0; k < G_N_ELEMENTS(kinds); k++) {
    g_object_set(request, "rng", kinds[k], "eta", 0.5, NULL);
    *all = (Selection){.wanted = {TRUE, TRUE, TRUE, TRUE, TRUE}};
    *part = (Selection){0};
    memcpy(part->wanted, some, sizeof some);
    g_assert_true(ddim_generator_run(generator, request, &selecting, all, NULL, &error));
    g_assert_true(ddim_generator_run(generator, request, &selecting, part, NULL, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(all->n_made, ==, 5);
    g_assert_cmpuint(part->n_made, ==, 2);
    g_assert_cmpuint(part->n_started, ==, 1);
    for (guint i = 2; i < 5; i += 2)
      g_assert_cmpmem(part->images[i], sizeof part->images[i], all->images[i],
                      sizeof all->images[i]);
    /* Two batches are computed, of two images and of one. */
    g_assert_cmpuint(part->last.n_images, ==, 3);
    g_assert_cmpuint(part->last.image, ==, 3);
    g_assert_cmpfloat(part->last.fraction, ==, 1);
  }
}

/* Several devices, here one twice, make what one makes, and report as one: in order, and in the
 * thread that runs the job. */
static GThread *caller;

static gboolean
on_image_of_several(const DdimSample *sample, gpointer data, GError **error)
{
  g_assert_true(g_thread_self() == caller);
  return on_image(sample, data, error);
}

static void
on_progress_of_several(const DdimProgress *progress, gpointer data)
{
  g_assert_true(g_thread_self() == caller);
  g_assert_cmpuint(progress->n_images, ==, 7);
  on_progress(progress, data);
}

static const DdimGeneratorCallbacks of_several = {on_status, on_started, on_progress_of_several,
                                                  on_preview, on_image_of_several};

static void
test_several_devices(void)
{
  static const char *const kinds[] = {"torch", "torch-per-image"};
  g_autoptr(DdimGenerator) generator = ddim_generator_new();
  g_autoptr(DdimRequest) request = make_request("unet_small_cond.pt", 7, 2);
  g_autoptr(GError) error = NULL;

  caller = g_thread_self();
  g_object_set(request, "eta", 0.5, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
    g_auto(Told) one, several;
    g_autofree char *device = NULL;
    told_init(&one);
    told_init(&several);
    g_object_set(request, "rng", kinds[i], "device", "0", NULL);
    g_assert_true(ddim_generator_run(generator, request, &callbacks, &one, NULL, &error));
    g_object_set(request, "device", "0, 0,0", NULL);
    g_assert_true(ddim_generator_run(generator, request, &of_several, &several, NULL, &error));
    g_assert_no_error(error);
    g_assert_nonnull(ddim_generator_get_device(generator));
    g_assert_cmpuint(several.labels->len, ==, 7);
    g_assert_cmpmem(several.images->data, 7 * 3 * PLANE * sizeof(float), one.images->data,
                    7 * 3 * PLANE * sizeof(float));
    g_assert_cmpmem(several.labels->data, 7 * sizeof(gint64), one.labels->data, 7 * sizeof(gint64));
    g_assert_cmpuint(several.last.image, ==, 7);
    g_assert_cmpfloat(several.last.fraction, ==, 1);
    g_object_get(several.resolved, "device", &device, NULL);
    g_assert_cmpstr(device, ==, "0, 0,0");
  }
}

/* What stops one device stops all of them. */
static void
test_several_devices_stop(void)
{
  g_autoptr(DdimGenerator) generator = ddim_generator_new();
  g_autoptr(DdimRequest) request = make_request("unet_small_cond.pt", 7, 1);
  g_autoptr(GError) error = NULL;
  g_auto(Told) failed, cancelled, unknown, whole;

  told_init(&failed);
  told_init(&cancelled);
  told_init(&unknown);
  told_init(&whole);
  caller = g_thread_self();
  g_object_set(request, "device", "0,0", NULL);
  failed.fail_at = 3;
  g_assert_false(ddim_generator_run(generator, request, &of_several, &failed, NULL, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED);
  g_assert_cmpuint(failed.labels->len, ==, 3);
  g_clear_error(&error);
  cancelled.cancel_at = 2;
  g_assert_false(ddim_generator_run(generator, request, &of_several, &cancelled,
                                    cancelled.cancellable, &error));
  g_assert_error(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error(&error);
  g_object_set(request, "device", "0,no such device", NULL);
  g_assert_false(ddim_generator_run(generator, request, &of_several, &unknown, NULL, &error));
  g_assert_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_NO_MATCH);
  g_clear_error(&error);
  g_object_set(request, "device", "0,0", NULL);
  g_assert_true(ddim_generator_run(generator, request, &of_several, &whole, NULL, &error));
  g_assert_cmpuint(whole.labels->len, ==, 7);
}

static void
test_no_selection(void)
{
  g_autoptr(DdimGenerator) generator = ddim_generator_new();
  g_autoptr(DdimRequest) request = make_request("unet_small_cond.pt", 5, 2);
  g_autoptr(GError) error = NULL;
  g_autofree Selection *none = g_new0(Selection, 1);

  g_assert_true(ddim_generator_run(generator, request, &selecting, none, NULL, &error));
  g_assert_no_error(error);
  g_assert_cmpuint(none->n_started + none->n_made, ==, 0);
  *none = (Selection){.fail_at = 3, .wanted = {TRUE, TRUE, TRUE, TRUE, TRUE}};
  g_assert_false(ddim_generator_run(generator, request, &selecting, none, NULL, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_MISMATCH);
  g_assert_cmpuint(none->n_started + none->n_made, ==, 0);
}

/* The model, its plan and its kernels are kept; numbers are those of a fresh start. */
static void
test_second_job(void)
{
  g_autoptr(DdimGenerator) kept = ddim_generator_new();
  g_autoptr(DdimRequest) request = make_request("unet_small_cond.pt", 2, 2);
  g_auto(Told) first, second;

  told_init(&first);
  told_init(&second);
  g_assert_true(ddim_generator_run(kept, request, &callbacks, &first, NULL, NULL));
  g_assert_true(ddim_generator_run(kept, request, &callbacks, &second, NULL, NULL));
  g_assert_cmpuint(second.n_status, ==, 0);
  g_assert_cmpmem(first.images->data, 2 * 3 * PLANE * sizeof(float), second.images->data,
                  2 * 3 * PLANE * sizeof(float));
  g_assert_cmpmem(first.labels->data, 2 * sizeof(gint64), second.labels->data, 2 * sizeof(gint64));
}

/* Generators at work in turns, each with its own sampler: none disturbs another, and each sampler
 * makes its own pictures. */
static void
test_several_samplers(void)
{
  static const char *const samplers[] = {"ddim", "ddpm", "dpm++"};
  enum { N = G_N_ELEMENTS(samplers), SIZE = 3 * PLANE * sizeof(float) };
  DdimGenerator *generators[N] = {NULL};
  char *alone[N] = {NULL};

  for (guint round = 0; round < 2; round++)
    for (guint i = 0; i < N; i++) {
      g_autoptr(DdimRequest) request = make_request("unet_small_cond.pt", 2, 1);
      g_auto(Told) told;
      told_init(&told);
      if (!generators[i])
        generators[i] = ddim_generator_new();
      g_object_set(request, "sampler", samplers[i], "eta", 0.0, NULL);
      g_assert_true(ddim_generator_run(generators[i], request, &callbacks, &told, NULL, NULL));
      g_assert_cmpuint(told.labels->len, ==, 2);
      if (round == 0)
        alone[i] = g_memdup2(told.images->data, 2 * SIZE);
      else
        g_assert_cmpmem(told.images->data, 2 * SIZE, alone[i], 2 * SIZE);
    }
  for (guint i = 1; i < N; i++)
    g_assert_cmpint(memcmp(alone[0], alone[i], SIZE), !=, 0);
  for (guint i = 0; i < N; i++) {
    ddim_generator_free(generators[i]);
    g_free(alone[i]);
  }
}

/* A session can be used as long as the weights and the settings beside them are the same, and no
 * longer. */
static void
test_session_key(void)
{
  g_autofree char *folder = g_dir_make_tmp("ddim-session-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(folder, "m.pt", NULL);
  g_autofree char *sidecar = g_build_filename(folder, "m.json", NULL);
  g_autofree char *source =
      g_build_filename(g_getenv("DDIM_TEST_DATA"), "unet_tiny_uncond.pt", NULL);
  g_autoptr(DdimRequest) request = make_request("unet_tiny_uncond.pt", 1, 0);
  static const char *const sidecars[] = {NULL, "{\"diffusion_steps\": 100}",
                                         "{\"diffusion_steps\": 200}", "{}"};
  g_autofree char *weights = NULL;
  gsize size;

  g_assert_true(g_file_get_contents(source, &weights, &size, NULL));
  g_assert_true(g_file_set_contents(path, weights, (gssize)size, NULL));
  g_object_set(request, "model", path, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(sidecars); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(DdimSession) session = NULL;
    if (sidecars[i])
      g_assert_true(g_file_set_contents(sidecar, sidecars[i], -1, NULL));
    session = ddim_session_new(request, &error);
    g_assert_no_error(error);
    g_assert_true(ddim_session_matches(session, request));
    if (i + 1 < G_N_ELEMENTS(sidecars))
      g_assert_true(g_file_set_contents(sidecar, sidecars[i + 1], -1, NULL));
    else
      g_assert_true(g_file_set_contents(path, weights, (gssize)size, NULL));
    g_assert_false(ddim_session_matches(session, request));
  }
  g_unlink(path);
  g_unlink(sidecar);
  g_rmdir(folder);
}

static void
test_other_model(void)
{
  g_autoptr(DdimGenerator) generator = ddim_generator_new();
  g_autoptr(DdimRequest) conditional = make_request("unet_small_cond.pt", 1, 0);
  g_autoptr(DdimRequest) unconditional = make_request("unet_tiny_uncond.pt", 1, 0);
  g_auto(Told) first, second;

  told_init(&first);
  told_init(&second);
  g_assert_true(ddim_generator_run(generator, conditional, &callbacks, &first, NULL, NULL));
  g_assert_true(ddim_generator_run(generator, unconditional, &callbacks, &second, NULL, NULL));
  g_assert_cmpint(g_array_index(first.labels, gint64, 0), >=, 0);
  g_assert_cmpint(g_array_index(second.labels, gint64, 0), ==, -1);
}

static void
test_cancel(void)
{
  g_autoptr(DdimGenerator) generator = ddim_generator_new();
  g_autoptr(DdimRequest) request = make_request("unet_tiny_uncond.pt", 2, 1);
  g_autoptr(GError) error = NULL;
  g_auto(Told) told, after;

  told_init(&told);
  told_init(&after);
  told.cancel_at = 2;
  g_assert_false(
      ddim_generator_run(generator, request, &callbacks, &told, told.cancellable, &error));
  g_assert_error(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint(told.last.step, ==, 2); /* not one step more */
  g_assert_cmpuint(told.labels->len, ==, 0);
  /* and the generator is as good as new */
  g_assert_true(ddim_generator_run(generator, request, &callbacks, &after, NULL, NULL));
  g_assert_cmpuint(after.labels->len, ==, 2);
}

static void
test_image_fails(void)
{
  g_autoptr(DdimGenerator) generator = ddim_generator_new();
  g_autoptr(DdimRequest) request = make_request("unet_tiny_uncond.pt", 4, 2);
  g_autoptr(GError) error = NULL;
  g_auto(Told) told;

  told_init(&told);
  told.fail_at = 1;
  g_assert_false(ddim_generator_run(generator, request, &callbacks, &told, NULL, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED);
  g_assert_cmpuint(told.labels->len, ==, 1);
}

static void
test_no_callbacks(void)
{
  g_autoptr(DdimGenerator) generator = ddim_generator_new();
  g_autoptr(DdimRequest) request = make_request("unet_tiny_uncond.pt", 1, 0);
  g_autoptr(GError) error = NULL;

  ddim_generator_run(generator, request, NULL, NULL, NULL, &error);
  g_assert_no_error(error);
}

/* A 3-channel picture of SIDE x SIDE, or with @mask a gray one whose left half is white. */
static DdimImage *
make_picture(gboolean mask)
{
  const guint channels = mask ? 1 : 3;
  g_autofree float *samples = g_new(float, channels *PLANE);

  for (guint i = 0; i < channels * PLANE; i++)
    samples[i] = mask ? (i % SIDE < SIDE / 2 ? 1 : -1) : (float)(i * 37 % 251) / 125 - 1;
  return ddim_image_new_from_samples(samples, channels, SIDE, SIDE, NULL);
}

static gboolean
keep_picture(const DdimSample *sample, gpointer data, GError **error)
{
  DdimImage **kept = data;

  *kept = ddim_sample_to_image(sample, error);
  return *kept != NULL;
}

static DdimImage *
run_for_picture(DdimGenerator *generator, DdimRequest *request, GError **error)
{
  static const DdimGeneratorCallbacks keep = {.image = keep_picture};
  DdimImage *picture = NULL;

  ddim_generator_run(generator, request, &keep, &picture, NULL, error);
  return picture;
}

/* Pictures in memory give what the same pictures in files give; taken away, the files count. */
static void
test_pictures_in_memory(void)
{
  g_autofree char *folder = g_dir_make_tmp("ddim-pictures-XXXXXX", NULL);
  g_autofree char *input = g_build_filename(folder, "i.png", NULL);
  g_autofree char *mask = g_build_filename(folder, "m.png", NULL);
  g_autoptr(DdimGenerator) generator = ddim_generator_new();
  g_autoptr(DdimRequest) request = make_request("unet_tiny_uncond.pt", 1, 0);
  g_autoptr(DdimImage) picture = make_picture(FALSE);
  g_autoptr(DdimImage) cover = make_picture(TRUE);
  g_autoptr(GError) error = NULL;

  g_assert_true(ddim_image_write_png(picture, input, NULL, NULL));
  g_assert_true(ddim_image_write_png(cover, mask, NULL, NULL));
  g_object_set(request, "command", "inpaint", "input", input, "mask", mask, "quality", 1, NULL);
  g_autoptr(DdimImage) from_files = run_for_picture(generator, request, &error);
  g_assert_no_error(error);

  g_object_set(request, "input", "a", "mask", "b", NULL);
  ddim_generator_set_picture(generator, "input", make_picture(FALSE));
  ddim_generator_set_picture(generator, "mask", make_picture(TRUE));
  g_autoptr(DdimImage) from_memory = run_for_picture(generator, request, &error);
  g_assert_no_error(error);
  g_assert_cmpmem(ddim_image_get_pixels(from_memory), 3 * PLANE, ddim_image_get_pixels(from_files),
                  3 * PLANE);
  g_assert_cmpint(
      memcmp(ddim_image_get_pixels(from_memory), ddim_image_get_pixels(picture), 3 * PLANE), !=, 0);

  ddim_generator_set_picture(generator, "mask", NULL);
  g_autoptr(DdimImage) nothing = run_for_picture(generator, request, &error);
  g_assert_null(nothing);
  g_assert_nonnull(strstr(error->message, "b"));
  g_assert_cmpint(g_unlink(input) | g_unlink(mask) | g_rmdir(folder), ==, 0);
}

/* Properties set through GObject are judged when the job runs. */
static void
test_bad_requests(void)
{
  static const struct {
    const char *name, *value;
  } bad[] = {{"sampler", "euler"}, {"precision", "f8"}, {"steps", "ddim60"},
             {"rng", "dice"},      {"class", "1"},      {"low-res", "x.png"}};
  g_autoptr(DdimGenerator) generator = ddim_generator_new();

  for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
    g_autoptr(DdimRequest) request = make_request("unet_tiny_uncond.pt", 1, 0);
    g_autoptr(GError) error = NULL;
    g_object_set(request, bad[i].name, bad[i].value, NULL);
    g_assert_false(ddim_generator_run(generator, request, NULL, NULL, NULL, &error));
    g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/generator/callbacks", test_callbacks);
  g_test_add_func("/generator/selection", test_selection);
  g_test_add_func("/generator/several-devices", test_several_devices);
  g_test_add_func("/generator/several-devices-stop", test_several_devices_stop);
  g_test_add_func("/generator/no-selection", test_no_selection);
  g_test_add_func("/generator/session-key", test_session_key);
  g_test_add_func("/generator/second-job", test_second_job);
  g_test_add_func("/generator/several-samplers", test_several_samplers);
  g_test_add_func("/generator/other-model", test_other_model);
  g_test_add_func("/generator/cancel", test_cancel);
  g_test_add_func("/generator/image-fails", test_image_fails);
  g_test_add_func("/generator/no-callbacks", test_no_callbacks);
  g_test_add_func("/generator/pictures-in-memory", test_pictures_in_memory);
  g_test_add_func("/generator/bad-requests", test_bad_requests);
  return g_test_run();
}
