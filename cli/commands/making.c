/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the commands that make pictures share: they differ only in what they ask for. */

#include <glib/gi18n-lib.h>
#include <inttypes.h>
#include <json-glib/json-glib.h>
#include <unistd.h>

#include "cli/commands/making.h"
#include "cli/terminal/command.h"
#include "core/job/generator.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/members.h"
#include "cli/terminal/options.h"
#include "cli/terminal/print.h"
#include "cli/terminal/progress.h"
#include "cli/files/writer.h"

/* How many pictures an interpolation makes by default. */
#define USUAL_FRAMES 8

/* The state of one run. */
typedef struct {
  DdimRequest *request;  /* as asked */
  DdimRequest *resolved; /* with every choice made; NULL until sampling begins */
  int sampling_begun;    /* atomic: read by the thread that waits for signals */
  DdimGenerator *generator;
  DdimWriter *writer;
  GCancellable *cancellable;
  GError *trouble; /* an error that was found before sampling */
  DdimBar *bar;
  gboolean chose_class; /* the user named no class */
  JsonBuilder *images;  /* for --json: a description of each image */
  guint finished;
  gint64 begun, sampling, first; /* monotonic microseconds */
} Generation;

static void
on_status(const char *what, double fraction, gpointer data)
{
  ddim_bar_status(((Generation *)data)->bar, what, fraction);
}

static void
say_settings(Generation *generation, DdimConfig *config)
{
  const DdimDeviceInfo *device = ddim_generator_get_device(generation->generator);
  g_autofree char *steps = NULL, *sampler = NULL;
  int width, height, batch;

  g_object_get(generation->resolved, "width", &width, "height", &height, "batch", &batch, "steps",
               &steps, "sampler", &sampler, NULL);
  ddim_bar_say(generation->bar, DDIM_VERBOSE, _("model %s: %u channels, %u classes"),
               ddim_config_get_name(config), ddim_config_get_image_channels(config),
               ddim_config_get_n_classes(config));
  ddim_bar_say(generation->bar, DDIM_VERBOSE, _("device %s, driver %s"),
               ddim_device_info_get_name(device), ddim_device_info_get_driver_version(device));
  ddim_bar_say(generation->bar, DDIM_VERBOSE, _("%dx%d pixels, batches of %d, %s, steps '%s'"),
               width, height, batch, sampler, steps);
}

static void
on_started(DdimRequest *resolved, DdimConfig *config, gpointer data)
{
  Generation *generation = data;
  g_autofree char *class_name = NULL;
  gint64 asked, seed;

  generation->resolved = g_object_ref(resolved);
  g_atomic_int_set(&generation->sampling_begun, 1);
  generation->sampling = g_get_monotonic_time();
  if (!ddim_writer_set_request(generation->writer, resolved, ddim_config_get_image_channels(config),
                               &generation->trouble)) {
    g_cancellable_cancel(generation->cancellable);
    return;
  }
  ddim_bar_warn(generation->bar, ddim_generator_get_tuning_problem(generation->generator));
  say_settings(generation, config);
  g_object_get(generation->request, "seed", &asked, "class", &class_name, NULL);
  g_object_get(resolved, "seed", &seed, NULL);
  generation->chose_class = !class_name && ddim_config_get_n_classes(config) > 0;
  if (asked < 0)
    ddim_bar_say(generation->bar, DDIM_NORMAL, _("seed %" PRId64), seed);
}

static void
on_progress(const DdimProgress *progress, gpointer data)
{
  ddim_bar_progress(((Generation *)data)->bar, progress);
}

static void
note_image(Generation *generation, const DdimSample *sample, const char *file)
{
  JsonBuilder *builder = generation->images;

  json_builder_begin_object(builder);
  json_builder_set_member_name(builder, "index");
  json_builder_add_int_value(builder, sample->index);
  if (sample->label >= 0) {
    json_builder_set_member_name(builder, "label");
    json_builder_add_int_value(builder, sample->label);
  }
  if (sample->label_name) {
    json_builder_set_member_name(builder, "class");
    json_builder_add_string_value(builder, sample->label_name);
  }
  if (file) {
    json_builder_set_member_name(builder, "file");
    json_builder_add_string_value(builder, file);
  }
  json_builder_end_object(builder);
}

/* Names of files are told only on a terminal; classes that were chosen are always told. */
static void
say_image(Generation *generation, const DdimSample *sample, const char *file)
{
  g_autofree char *number = g_strdup_printf("%" G_GINT64_FORMAT, sample->label);
  const char *name = sample->label_name ? sample->label_name : number;
  DdimVerbosity level = ddim_bar_is_terminal(generation->bar) ? DDIM_NORMAL : DDIM_VERBOSE;

  if (generation->chose_class && file)
    ddim_bar_say(generation->bar, DDIM_NORMAL, _("%s: class %s"), file, name);
  else if (generation->chose_class)
    ddim_bar_say(generation->bar, DDIM_NORMAL, _("image %u: class %s"), sample->index, name);
  else if (file)
    ddim_bar_say(generation->bar, level, "%s", file);
}

static gboolean
on_image(const DdimSample *sample, gpointer data, GError **error)
{
  Generation *generation = data;
  g_autofree char *file = NULL, *shown = NULL;

  if (!ddim_writer_add(generation->writer, sample, &file, error))
    return FALSE;
  if (generation->finished++ == 0)
    generation->first = g_get_monotonic_time();
  shown = file ? g_filename_display_name(file) : NULL;
  note_image(generation, sample, shown);
  say_image(generation, sample, shown);
  return TRUE;
}

static void
add_seconds(JsonBuilder *builder, const char *name, gint64 from, gint64 to)
{
  if (from && to)
    ddim_member_double(builder, name, (to - from) / (double)G_USEC_PER_SEC);
}

/* The command that makes a picture again from the noise that it was encoded to. (transfer full)
 * (nullable) */
static char *
make_decode_command(Generation *generation, const char *file)
{
  g_autofree char *command = NULL;
  g_autoptr(DdimRequest) request = NULL;

  g_object_get(generation->request, "command", &command, NULL);
  if (ddim_command_from_name(command) != DDIM_COMMAND_ENCODE || !file)
    return NULL;
  request = ddim_request_copy(generation->resolved);
  g_object_set(request, "command", "generate", "init-noise", file, "eta", 0.0, "seed",
               G_GINT64_CONSTANT(-1), "batch", 0, "width", 0, "height", 0, NULL);
  return ddim_request_to_command(request);
}

static int
print_json(Generation *generation, const char *file)
{
  g_autofree char *decode = make_decode_command(generation, file);
  g_autofree char *settings = ddim_request_to_json(generation->resolved);
  g_autofree char *command = ddim_request_to_command(generation->resolved);
  g_autoptr(JsonBuilder) builder = json_builder_new();
  gint64 now = g_get_monotonic_time();

  json_builder_begin_object(builder);
  json_builder_set_member_name(builder, "request");
  json_builder_add_value(builder, json_from_string(settings, NULL));
  ddim_member_string(builder, "command", command);
  if (decode)
    ddim_member_string(builder, "decode", decode);
  ddim_member_string(builder, "device",
                     ddim_device_info_get_name(ddim_generator_get_device(generation->generator)));
  if (file)
    ddim_member_string(builder, "file", file);
  json_builder_end_array(generation->images);
  json_builder_set_member_name(builder, "images");
  json_builder_add_value(builder, json_builder_get_root(generation->images));
  add_seconds(builder, "load_s", generation->begun, generation->sampling);
  add_seconds(builder, "first_image_s", generation->begun, generation->first);
  add_seconds(builder, "sampling_s", generation->sampling, now);
  add_seconds(builder, "total_s", generation->begun, now);
  json_builder_end_object(builder);
  return ddim_cli_print_json(builder);
}

/* The job has ended, with or without an error: keep what is finished, and say why it ended. */
static int
finish(Generation *generation, const GError *why, gboolean json)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *file = NULL, *shown = NULL, *decode = NULL;
  int code = DDIM_EXIT_OK, count;

  g_object_get(generation->request, "count", &count, NULL);
  if (!ddim_writer_finish(generation->writer, &file, &error))
    code = ddim_cli_fail(error);
  shown = file ? g_filename_display_name(file) : NULL;
  if (shown)
    ddim_bar_say(generation->bar,
                 ddim_bar_is_terminal(generation->bar) ? DDIM_NORMAL : DDIM_VERBOSE, "%s", shown);
  if (generation->resolved && (decode = make_decode_command(generation, file)))
    ddim_bar_say(generation->bar, DDIM_NORMAL, _("the picture comes back with: %s"), decode);
  g_clear_pointer(&generation->bar, ddim_bar_free);
  if (g_error_matches(why, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    ddim_cli_warn(ngettext("interrupted; %u of %d image is finished and kept",
                           "interrupted; %u of %d images are finished and kept", count),
                  generation->finished, count);
    code = DDIM_EXIT_CANCELLED;
  } else if (why) {
    code = ddim_cli_fail(why);
  }
  if (json && generation->resolved && print_json(generation, shown) && code == DDIM_EXIT_OK)
    code = DDIM_EXIT_FAILURE;
  return code;
}

/* Called in the thread that waits for signals. Sampling stops after the current step. What comes
 * before sampling, such as a driver that compiles for a minute, cannot be stopped; but then there
 * is nothing to lose yet. */
static void
on_cancelled(GCancellable *cancellable, gpointer data)
{
  Generation *generation = data;

  if (g_atomic_int_get(&generation->sampling_begun))
    return;
  if (ddim_bar_is_terminal(generation->bar))
    g_printerr("\n");
  ddim_cli_warn(_("interrupted; nothing is finished yet"));
  _exit(DDIM_EXIT_CANCELLED);
}

static int
generate(Generation *generation, gboolean json)
{
  static const DdimGeneratorCallbacks callbacks = {
      .status = on_status, .started = on_started, .progress = on_progress, .image = on_image};
  g_autoptr(GError) error = NULL;
  g_autoptr(GCancellable) cancellable = ddim_interrupt_new();
  gulong handler;
  int code;

  handler = g_cancellable_connect(cancellable, G_CALLBACK(on_cancelled), generation, NULL);
  generation->cancellable = cancellable;
  generation->begun = g_get_monotonic_time();
  generation->generator = ddim_generator_new();
  generation->images = json_builder_new();
  json_builder_begin_array(generation->images);
  ddim_generator_run(generation->generator, generation->request, &callbacks, generation,
                     cancellable, &error);
  g_cancellable_disconnect(cancellable, handler);
  code = finish(generation, generation->trouble ? generation->trouble : error, json);
  g_clear_error(&generation->trouble);
  g_clear_object(&generation->resolved);
  g_clear_object(&generation->images);
  g_clear_pointer(&generation->generator, ddim_generator_free);
  return code;
}

static gboolean
check_stdout(const char *out, gboolean json, int *code)
{
  if (g_strcmp0(out, "-") != 0)
    return TRUE;
  if (json)
    *code = ddim_cli_usage(_("--json and -o - would both write to standard output"));
  else if (isatty(STDOUT_FILENO))
    *code = ddim_cli_usage(_("-o -: not writing an image to a terminal"));
  else
    return TRUE;
  return FALSE;
}

/* Noise cannot be written as a picture. */
static gboolean
check_noise_output(DdimCommands command, const char *out, int *code)
{
  if (command != DDIM_COMMAND_ENCODE || (out && g_str_has_suffix(out, ".npy")))
    return TRUE;
  *code = ddim_cli_usage(_("-o: name a file for the noise, which ends in .npy"));
  return FALSE;
}

static const char about_output[] = N_(
    "OUT ends in .png (name-0.png, name-1.png, ... for several images, or one contact sheet with "
    "--grid), .npz (arr_0: bytes N,H,W,C; arr_1: classes), .npy (float samples N,C,H,W), or is - "
    "for standard output (a PNG, or an .npz for several images). Pictures carry their settings; "
    "'ddim info picture.png' shows them.");

/* The command's own help, and what OUT may be. */
static gboolean
parse(DdimCli *cli, const DdimHelp *help, DdimOptions *options, DdimRequest *request,
      gboolean makes_pictures, int *argc, char ***argv, int *code)
{
  g_autofree char *description = g_strdup_printf("%s\n\n%s", _(help->description), _(about_output));
  DdimHelp whole = *help;

  if (makes_pictures)
    whole.description = description;
  return ddim_cli_parse(cli, &whole, ddim_options_get_entries(options), request, argc, argv, code);
}

int
ddim_making_run(DdimCli *cli, int argc, char **argv, const DdimHelp *help, DdimCommands command)
{
  g_autoptr(DdimOptions) options = ddim_options_new_for(command);
  g_autoptr(DdimRequest) request = ddim_request_new();
  g_autoptr(DdimWriter) writer = NULL;
  g_autoptr(GError) error = NULL;
  g_autofree char *out = NULL;
  gboolean grid = FALSE, json = FALSE, quiet = FALSE, verbose = FALSE;
  const gboolean makes_pictures = command != DDIM_COMMAND_ENCODE;
  const GOptionEntry output_of_pictures[] = {
      {"output", 'o', 0, G_OPTION_ARG_FILENAME, &out,
       N_("what to write, see above; default: ddim-SEED.png"), N_("OUT")},
      {"grid", 0, 0, G_OPTION_ARG_NONE, &grid, N_("one contact sheet of all images"), NULL},
      G_OPTION_ENTRY_NULL};
  const GOptionEntry output_of_noise[] = {{"output", 'o', 0, G_OPTION_ARG_FILENAME, &out,
                                           N_("the file that the noise is written to"), "Z.npy"},
                                          G_OPTION_ENTRY_NULL};
  const GOptionEntry entries[] = {
      {"json", 0, 0, G_OPTION_ARG_NONE, &json,
       N_("print settings, files and times as one line of JSON"), NULL},
      {"quiet", 'q', 0, G_OPTION_ARG_NONE, &quiet, N_("say nothing but errors"), NULL},
      {"verbose", 'v', 0, G_OPTION_ARG_NONE, &verbose, N_("say more"), NULL},
      G_OPTION_ENTRY_NULL};
  Generation generation = {.request = request};
  int code, count;

  g_object_set(request, "command", ddim_command_get_name(command), NULL);
  if (command == DDIM_COMMAND_INTERPOLATE)
    g_object_set(request, "count", USUAL_FRAMES, NULL);
  ddim_options_add(options, makes_pictures ? output_of_pictures : output_of_noise);
  ddim_options_add(options, entries);
  if (!parse(cli, help, options, request, makes_pictures, &argc, &argv, &code) ||
      !check_stdout(out, json, &code) || !check_noise_output(command, out, &code))
    return code;
  g_object_get(request, "count", &count, NULL);
  writer = ddim_writer_new(out, count, grid, &error);
  if (!writer)
    return ddim_cli_fail(error);
  generation.writer = writer;
  generation.bar = ddim_bar_new(quiet ? DDIM_QUIET : verbose ? DDIM_VERBOSE : DDIM_NORMAL);
  return generate(&generation, json);
}
