/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* `ddim bench`: how long this machine takes. */

#include <glib/gi18n-lib.h>
#include <stdlib.h>

#include "cli/commands/commands.h"
#include "core/data/npy.h"
#include "core/data/printable.h"
#include "core/diffusion/noise.h"
#include "core/model/config-details.h"
#include "core/network/device-sampling.h"
#include "cli/commands/bench-model.h"
#include "cli/terminal/members.h"
#include "cli/terminal/print.h"
#include "cli/terminal/usage.h"

typedef struct {
  double load, build, first_image; /* seconds */
  double median, min;              /* milliseconds of one evaluation of the batch */
  double gflop; /* of one evaluation of the batch, convolutions counted as direct */
  guint64 device_bytes;
} Figures;

/* What is measured. */
typedef struct {
  DdimBenchModel what;
  DdimDiffusion *diffusion;
  DdimStepTable *steps; /* of `diffusion` */
  DdimEvaluator *evaluator;
  DdimSamplerState *state;
  gint64 *labels; /* [batch]; NULL: the model has no classes */
  guint n_steps;
} Bench;

static void
bench_clear(Bench *bench)
{
  g_clear_pointer(&bench->state, ddim_sampler_state_free);
  g_clear_pointer(&bench->evaluator, ddim_evaluator_unref);
  g_clear_pointer(&bench->steps, ddim_step_table_free);
  g_clear_pointer(&bench->diffusion, ddim_diffusion_free);
  g_clear_pointer(&bench->labels, g_free);
  ddim_bench_model_clear(&bench->what);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Bench, bench_clear)

static double
seconds_since(gint64 start)
{
  return (g_get_monotonic_time() - start) / (double)G_USEC_PER_SEC;
}

static gboolean
load(Bench *bench, DdimRequest *request, const DdimNetworkParams *params, DdimBar *bar,
     GError **error)
{
  DdimDiffusionParams diffusion = DDIM_DIFFUSION_PARAMS_INIT;
  const DdimSampleParams sample = DDIM_SAMPLE_PARAMS_INIT;
  g_autofree char *respacing = g_strdup_printf("%u", bench->n_steps);

  if (!ddim_bench_model_open(&bench->what, request, params, bar, error))
    return FALSE;
  ddim_config_get_diffusion(bench->what.session->config, &diffusion);
  diffusion.timestep_respacing = respacing;
  if (!(bench->diffusion = ddim_diffusion_new(&diffusion, error)))
    return FALSE;
  bench->steps = ddim_step_table_new_loop(bench->diffusion, &sample, error);
  return bench->steps != NULL;
}

static void
choose_labels(Bench *bench)
{
  guint classes = ddim_config_get_n_classes(bench->what.session->config);

  if (classes == 0)
    return;
  bench->labels = g_new(gint64, bench->what.batch);
  for (guint i = 0; i < bench->what.batch; i++)
    bench->labels[i] = i % classes;
}

/* Seeded noise serves as the picture to enlarge: its content does not change the time. */
static gboolean
set_low_res(Bench *bench, DdimRng *rng, GError **error)
{
  DdimConfig *config = bench->what.session->config;
  gsize small = MAX(ddim_config_get_small_size(config), 1);
  const gsize shape[4] = {bench->what.batch, ddim_session_get_channels(bench->what.session), small,
                          small};
  g_autoptr(DdimArray) array = NULL;

  if (!ddim_config_is_super_res(config))
    return TRUE;
  if (!(array = ddim_array_new(DDIM_DTYPE_F32, 4, shape, error)))
    return FALSE;
  ddim_rng_normal(rng, ddim_array_get_data(array), ddim_tensor_count(&array->tensor));
  return ddim_evaluator_set_low_res(bench->evaluator, ddim_array_get_data(array), small, small,
                                    error);
}

/* The time of each step. */
typedef struct {
  double *times; /* (nullable) [n_steps], milliseconds */
  gint64 started;
} Clock;

static gboolean
start_clock(const DdimSamplingPoint *point, gpointer user_data, GError **error)
{
  ((Clock *)user_data)->started = g_get_monotonic_time();
  return TRUE;
}

static gboolean
stop_clock(const DdimSamplingPoint *point, gpointer user_data, GError **error)
{
  const Clock *clock = user_data;

  if (clock->times)
    clock->times[point->index] = 1e3 * seconds_since(clock->started);
  return TRUE;
}

/* One whole DDIM loop; @times (nullable) receives the milliseconds of each step. */
static gboolean
run_loop(Bench *bench, const DdimArray *noise, DdimArray *image, double *times, GError **error)
{
  const DdimDeviceSamplingParams params = {
      .state = bench->state, .evaluator = bench->evaluator, .labels = bench->labels};
  Clock clock = {.times = times};
  const DdimSamplingHooks hooks = {
      .before_step = start_clock, .after_step = stop_clock, .user_data = &clock};
  g_autoptr(DdimDeviceSampling) sampling = ddim_device_sampling_new(&params);

  return ddim_sampler_state_set_x(bench->state, (const float *)noise->tensor.data, error) &&
         ddim_sampling_run(bench->steps, ddim_device_sampling_get_backend(sampling), &hooks, 1,
                           NULL, error) &&
         ddim_sampler_state_get_x(bench->state, ddim_array_get_data(image), error);
}

static int
compare_doubles(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

static gboolean
measure(Bench *bench, DdimRequest *request, DdimBar *bar, Figures *figures, GError **error)
{
  const DdimNetworkParams params = {.status = ddim_bar_on_status,
                                    .status_data = bar,
                                    .message = ddim_bar_on_message,
                                    .message_data = bar};
  g_autoptr(DdimRng) rng = ddim_rng_new(NULL, 0, NULL);
  g_autoptr(DdimArray) noise = NULL, image = NULL;
  g_autofree double *times = g_new(double, bench->n_steps);
  gint64 start = g_get_monotonic_time();

  if (!load(bench, request, &params, bar, error))
    return FALSE;
  figures->load = seconds_since(start);
  start = g_get_monotonic_time();
  const DdimEvaluatorSize size = {.batch = bench->what.batch,
                                  .height = bench->what.height,
                                  .width = bench->what.width,
                                  .wrap = bench->what.wrap};
  bench->evaluator = ddim_evaluator_new(bench->what.session->network, &size, &params, error);
  if (!bench->evaluator || !(bench->state = ddim_sampler_state_new(bench->evaluator, error)))
    return FALSE;
  figures->build = seconds_since(start);
  const gsize shape[4] = {bench->what.batch, ddim_session_get_channels(bench->what.session),
                          bench->what.height, bench->what.width};
  if (!(noise = ddim_array_new(DDIM_DTYPE_F32, 4, shape, error)) ||
      !(image = ddim_array_new(DDIM_DTYPE_F32, 4, shape, error)))
    return FALSE;
  ddim_rng_normal(rng, ddim_array_get_data(noise), ddim_tensor_count(&noise->tensor));
  /* The first loop gives the time to the first image, and warms up for the second loop. */
  ddim_bar_status(bar, _("Making the first image"), -1);
  choose_labels(bench);
  if (!set_low_res(bench, rng, error) || !run_loop(bench, noise, image, NULL, error))
    return FALSE;
  figures->first_image = ddim_usage_seconds_since_start();
  ddim_bar_status(bar, _("Measuring"), -1);
  if (!run_loop(bench, noise, image, times, error))
    return FALSE;
  qsort(times, bench->n_steps, sizeof *times, compare_doubles);
  figures->min = times[0];
  figures->median = (times[(bench->n_steps - 1) / 2] + times[bench->n_steps / 2]) / 2;
  figures->gflop = ddim_evaluator_get_flops(bench->evaluator) / 1e9;
  ddim_context_get_device_bytes(bench->what.session->context, &figures->device_bytes);
  return TRUE;
}

static int
print_json(const Bench *bench, const Figures *figures)
{
  const DdimDeviceInfo *device = ddim_context_get_device(bench->what.session->context);
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  ddim_member_double(builder, "ms_per_eval_median", figures->median);
  ddim_member_double(builder, "ms_per_eval_min", figures->min);
  ddim_member_double(builder, "gflop_per_eval", figures->gflop);
  ddim_member_double(builder, "gflops", figures->gflop / figures->median * 1e3);
  ddim_member_double(builder, "load_s", figures->load);
  ddim_member_double(builder, "build_s", figures->build);
  ddim_member_double(builder, "first_image_s", figures->first_image);
  ddim_member_int(builder, "peak_rss_bytes", ddim_usage_peak_rss());
  ddim_member_int(builder, "device_bytes", figures->device_bytes);
  ddim_member_string(builder, "device", ddim_device_info_get_name(device));
  ddim_member_int(builder, "threads", ddim_device_info_get_compute_units(device));
  ddim_member_int(builder, "batch", bench->what.batch);
  ddim_member_int(builder, "width", bench->what.width);
  ddim_member_int(builder, "height", bench->what.height);
  ddim_member_int(builder, "steps", bench->n_steps);
  json_builder_end_object(builder);
  return ddim_cli_print_json(builder);
}

static int
print_table(const Bench *bench, const Figures *figures)
{
  const DdimDeviceInfo *device = ddim_context_get_device(bench->what.session->context);
  g_autofree char *rss = g_format_size_full(ddim_usage_peak_rss(), G_FORMAT_SIZE_IEC_UNITS);
  g_autofree char *memory = g_format_size_full(figures->device_bytes, G_FORMAT_SIZE_IEC_UNITS);
  g_autofree char *name = ddim_printable(ddim_config_get_name(bench->what.session->config));

  g_print(_("%s, %u compute units; %s, batch %u, %ux%u, %u steps\n"),
          ddim_device_info_get_name(device), ddim_device_info_get_compute_units(device), name,
          bench->what.batch, bench->what.width, bench->what.height, bench->n_steps);
  g_print(_("one evaluation   %.1f ms (median), %.1f ms (least)\n"), figures->median, figures->min);
  g_print(_("arithmetic       %.2f GFLOP, %.1f GFLOP/s\n"), figures->gflop,
          figures->gflop / figures->median * 1e3);
  g_print(_("load the model   %.2f s\n"), figures->load);
  g_print(_("build the plan   %.2f s\n"), figures->build);
  g_print(_("first image      %.2f s after the start\n"), figures->first_image);
  g_print(_("memory           %s, device %s (most ever)\n"), rss, memory);
  return DDIM_EXIT_OK;
}

int
ddim_cmd_bench(DdimCli *cli, int argc, char **argv)
{
  g_autoptr(DdimRequest) request = ddim_request_new();
  g_autoptr(DdimBar) bar = NULL;
  g_autoptr(GError) error = NULL;
  int steps = 10, code;
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
      {"steps", 0, 0, G_OPTION_ARG_INT, &steps, N_("evaluations to time (default: 10)"), "N"},
      {"json", 0, 0, G_OPTION_ARG_NONE, &json, N_("print one JSON object"), NULL},
      G_OPTION_ENTRY_NULL};
  const DdimHelp help = {
      .description =
          N_("Measure a model on this device: milliseconds for one evaluation of the UNet by the "
             "whole batch, after a warm-up; arithmetic counted as direct convolution; time to "
             "load, to build kernels, and from the start of the program to the first image; "
             "most memory ever used, by the process and on the device."),
      .examples = "ddim bench\nddim bench -m model.pt --batch 16 --steps 20 --json"};
  g_auto(Bench) bench = {0};
  Figures figures = {0};

  if (!ddim_bench_model_parse(cli, &help, entries, request, argc, argv, &code))
    return code;
  if (steps < 1 || steps > 100000)
    return ddim_cli_usage(_("--steps: %d is not valid; expected 1 to 100000"), steps);
  bench.n_steps = steps;
  bar = ddim_bar_new(DDIM_NORMAL);
  if (!measure(&bench, request, bar, &figures, &error)) {
    g_clear_pointer(&bar, ddim_bar_free);
    return ddim_cli_fail(error);
  }
  g_clear_pointer(&bar, ddim_bar_free);
  return json ? print_json(&bench, &figures) : print_table(&bench, &figures);
}
