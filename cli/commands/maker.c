/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/commands/maker.h"

#include <glib/gi18n-lib.h>
#include <inttypes.h>
#include <unistd.h>

#include "cli/terminal/command.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/members.h"
#include "cli/terminal/print.h"
#include "core/data/error.h"
#include "core/data/out-file.h"
#include "core/job/generator.h"
#include "core/job/options.h"
#include "core/job/request-private.h"

/* What a line of JSON tells about an image. */
typedef struct {
  guint index, width, height;
  gint64 label; /* -1: none */
  char *name;   /* of the class; NULL: none */
} Told;

struct _DdimMaker {
  DdimVerbosity verbosity;
  gboolean json;
  guint64 line; /* 0: none */
  DdimRanks ranks;
  gboolean resume;
  DdimGenerator *generator;
  GCancellable *interrupted; /* by the user */
  gulong handler;
  int sampling_begun; /* atomic: read by the thread that waits for signals */
  gboolean any;       /* whether an earlier request has finished */

  /* Of the present request. */
  DdimRequest *request;  /* as asked */
  DdimRequest *resolved; /* with every choice made; NULL until sampling begins */
  char *command;         /* that makes the same again */
  DdimWriter *writer;
  GCancellable *stop;
  GError *trouble; /* an error that was found before sampling */
  DdimBar *bar;
  gboolean chose_class; /* the user named no class */
  GArray *waiting;      /* Told: images that are written when all are there */
  guint finished, kept; /* made now; found there */
  gint64 begun;         /* monotonic microseconds */
};

static void
clear_told(gpointer told)
{
  g_free(((Told *)told)->name);
}

/* Called in the thread that waits for signals. Sampling stops after the current step. What comes
 * before sampling, such as a driver that compiles for a minute, cannot be stopped; but then there
 * is nothing to lose yet. */
static void
on_interrupted(GCancellable *cancellable, gpointer data)
{
  DdimMaker *maker = data;

  if (g_atomic_int_get(&maker->sampling_begun)) {
    g_cancellable_cancel(maker->stop);
    return;
  }
  if (maker->verbosity != DDIM_QUIET && isatty(STDERR_FILENO))
    g_printerr("\n");
  ddim_cli_warn(maker->any ? _("interrupted") : _("interrupted; nothing is finished yet"));
  ddim_out_file_end_all();
  _exit(DDIM_EXIT_CANCELLED);
}

DdimMaker *
ddim_maker_new(DdimVerbosity verbosity)
{
  DdimMaker *maker = g_new0(DdimMaker, 1);

  maker->verbosity = verbosity;
  maker->ranks.size = 1;
  maker->stop = g_cancellable_new();
  maker->interrupted = ddim_interrupt_new();
  maker->handler =
      g_cancellable_connect(maker->interrupted, G_CALLBACK(on_interrupted), maker, NULL);
  maker->generator = ddim_generator_new();
  maker->waiting = g_array_new(FALSE, FALSE, sizeof(Told));
  g_array_set_clear_func(maker->waiting, clear_told);
  return maker;
}

void
ddim_maker_free(DdimMaker *maker)
{
  if (!maker)
    return;
  g_cancellable_disconnect(maker->interrupted, maker->handler);
  g_object_unref(maker->interrupted);
  g_object_unref(maker->stop);
  ddim_generator_free(maker->generator);
  g_array_unref(maker->waiting);
  g_clear_object(&maker->resolved);
  g_free(maker->command);
  g_free(maker);
}

void
ddim_maker_set_json(DdimMaker *maker, guint64 line)
{
  maker->json = TRUE;
  maker->line = line;
}

void
ddim_maker_set_part(DdimMaker *maker, const DdimRanks *ranks, gboolean resume)
{
  maker->ranks = *ranks;
  maker->resume = resume;
}

gboolean
ddim_maker_is_interrupted(DdimMaker *maker)
{
  return g_cancellable_is_cancelled(maker->interrupted);
}

guint
ddim_maker_get_finished(DdimMaker *maker)
{
  return maker->finished;
}

gboolean
ddim_maker_check_output(DdimRequest *request, const char *output, GError **error)
{
  g_autofree char *command = NULL;

  g_object_get(request, "command", &command, NULL);
  if (ddim_command_from_name(command) != DDIM_COMMAND_ENCODE ||
      (output && g_str_has_suffix(output, ".npy")))
    return TRUE;
  g_set_error_literal(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                      _("output: name a file for the noise, which ends in .npy"));
  return FALSE;
}

/* ---- what the generator reports ---- */

static void
on_status(const char *what, double fraction, gpointer data)
{
  ddim_bar_status(((DdimMaker *)data)->bar, what, fraction);
}

static void
say_settings(DdimMaker *maker, DdimConfig *config)
{
  const DdimDeviceInfo *device = ddim_generator_get_device(maker->generator);
  g_autofree char *steps = NULL, *sampler = NULL;
  int width, height, batch, window, overlap;

  g_object_get(maker->resolved, "width", &width, "height", &height, "batch", &batch, "steps",
               &steps, "sampler", &sampler, "window", &window, "overlap", &overlap, NULL);
  ddim_bar_say(maker->bar, DDIM_VERBOSE, _("model %s: %u channels, %u classes"),
               ddim_config_get_name(config), ddim_config_get_image_channels(config),
               ddim_config_get_n_classes(config));
  ddim_bar_say(maker->bar, DDIM_VERBOSE, _("device %s, driver %s"),
               ddim_device_info_get_name(device), ddim_device_info_get_driver_version(device));
  ddim_bar_say(maker->bar, DDIM_VERBOSE, _("%dx%d pixels, batches of %d, %s, steps '%s'"), width,
               height, batch, sampler, steps);
  if (window > 0)
    ddim_bar_say(maker->bar, DDIM_VERBOSE, _("windows of %d pixels, which overlap by %d"), window,
                 overlap);
  else if (window == 0)
    ddim_bar_say(maker->bar, DDIM_VERBOSE, _("computed in one piece"));
}

static gboolean
set_resolved(DdimMaker *maker, DdimRequest *resolved, GError **error)
{
  if (maker->resolved)
    return TRUE;
  maker->resolved = g_object_ref(resolved);
  maker->command = ddim_request_to_command(resolved);
  return ddim_writer_set_request(maker->writer, resolved, error);
}

static gboolean
on_select(DdimRequest *resolved, guint index, gboolean *wanted, gpointer data, GError **error)
{
  DdimMaker *maker = data;
  gboolean there = FALSE;
  int batch;

  if (!set_resolved(maker, resolved, error))
    return FALSE;
  g_object_get(resolved, "batch", &batch, NULL);
  *wanted = index / batch % maker->ranks.size == maker->ranks.rank;
  if (!*wanted || !maker->resume)
    return TRUE;
  if (!ddim_writer_is_there(maker->writer, index, &there, error))
    return FALSE;
  maker->kept += there;
  *wanted = !there;
  return TRUE;
}

static void
on_started(DdimRequest *resolved, DdimConfig *config, gpointer data)
{
  DdimMaker *maker = data;
  g_autofree char *wanted = NULL, *chosen = NULL, *warning = NULL;
  gint64 asked, seed;

  g_atomic_int_set(&maker->sampling_begun, 1);
  if (!set_resolved(maker, resolved, &maker->trouble) ||
      !ddim_writer_check_space(maker->writer, ddim_config_get_image_channels(config), &warning,
                               &maker->trouble)) {
    g_cancellable_cancel(maker->stop);
    return;
  }
  ddim_bar_warn(maker->bar, warning);
  ddim_bar_warn(maker->bar, ddim_generator_get_tuning_problem(maker->generator));
  say_settings(maker, config);
  g_object_get(maker->request, "seed", &asked, "class", &wanted, NULL);
  g_object_get(resolved, "seed", &seed, "class", &chosen, NULL);
  maker->chose_class = !chosen && ddim_config_get_n_classes(config) > 0;
  if (chosen && !wanted)
    ddim_bar_say(maker->bar, DDIM_NORMAL, _("class %s"), chosen);
  if (asked < 0)
    ddim_bar_say(maker->bar, DDIM_NORMAL, _("seed %" PRId64), seed);
}

static void
on_message(const char *text, gpointer data)
{
  ddim_bar_warn(((DdimMaker *)data)->bar, text);
}

static void
on_progress(const DdimProgress *progress, gpointer data)
{
  ddim_bar_progress(((DdimMaker *)data)->bar, progress);
}

/* The command that makes a picture again from the noise that it was encoded to. (transfer full)
 * (nullable) */
static char *
make_decode_command(DdimMaker *maker, const char *file)
{
  g_autofree char *command = NULL;
  g_autoptr(DdimRequest) request = NULL;

  g_object_get(maker->request, "command", &command, NULL);
  if (ddim_command_from_name(command) != DDIM_COMMAND_ENCODE || !file)
    return NULL;
  request = ddim_request_copy(maker->resolved);
  g_object_set(request, "command", "generate", "init-noise", file, "eta", 0.0, "seed",
               G_GINT64_CONSTANT(-1), "batch", 0, "width", 0, "height", 0, NULL);
  return ddim_request_to_command(request);
}

static gboolean
print_told(DdimMaker *maker, const Told *told, const char *file, GError **error)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();
  g_autofree char *decode = make_decode_command(maker, file), *line = NULL;
  gint64 seed;

  g_object_get(maker->resolved, "seed", &seed, NULL);
  json_builder_begin_object(builder);
  if (maker->line)
    ddim_member_int(builder, "line", maker->line);
  ddim_member_string(builder, "path", file);
  ddim_member_int(builder, "index", told->index);
  ddim_member_int(builder, "seed", seed);
  ddim_member_string(builder, "class", told->name);
  if (told->label >= 0)
    ddim_member_int(builder, "label", told->label);
  else
    ddim_member_null(builder, "label");
  ddim_member_int(builder, "width", told->width);
  ddim_member_int(builder, "height", told->height);
  ddim_member_double(builder, "seconds",
                     (g_get_monotonic_time() - maker->begun) / (double)G_USEC_PER_SEC);
  ddim_member_string(builder, "command", maker->command);
  if (decode)
    ddim_member_string(builder, "decode", decode);
  json_builder_end_object(builder);
  line = ddim_members_to_line(builder);
  return ddim_cli_write(line, error);
}

/* The class of @sample as the option --class takes it. (transfer full) (nullable) */
static char *
get_class(const DdimSample *sample)
{
  if (sample->label_name)
    return g_strdup(sample->label_name);
  return sample->label < 0 ? NULL : g_strdup_printf("%" G_GINT64_FORMAT, sample->label);
}

/* Print the line of @sample when it has been written to @file; else keep it until it is. */
static gboolean
tell_image(DdimMaker *maker, const DdimSample *sample, const char *file, GError **error)
{
  const DdimImage *picture = sample->picture;
  Told told = {.index = sample->index,
               .width = picture ? ddim_image_get_width(picture) : sample->width,
               .height = picture ? ddim_image_get_height(picture) : sample->height,
               .label = sample->label,
               .name = get_class(sample)};
  gboolean done = TRUE;

  if (!file) {
    g_array_append_val(maker->waiting, told);
    return TRUE;
  }
  done = print_told(maker, &told, file, error);
  clear_told(&told);
  return done;
}

/* Names of files are told only on a terminal; classes that were chosen are always told. */
static void
say_image(DdimMaker *maker, const DdimSample *sample, const char *file)
{
  g_autofree char *name = get_class(sample);
  DdimVerbosity level = ddim_bar_is_terminal(maker->bar) ? DDIM_NORMAL : DDIM_VERBOSE;

  if (maker->chose_class && file)
    ddim_bar_say(maker->bar, DDIM_NORMAL, _("%s: class %s"), file, name);
  else if (maker->chose_class)
    ddim_bar_say(maker->bar, DDIM_NORMAL, _("image %u: class %s"), sample->index, name);
  else if (file)
    ddim_bar_say(maker->bar, level, "%s", file);
}

static gboolean
on_image(const DdimSample *sample, gpointer data, GError **error)
{
  DdimMaker *maker = data;
  g_autofree char *file = NULL, *shown = NULL;

  if (!ddim_writer_add(maker->writer, sample, &file, error))
    return FALSE;
  maker->finished++;
  shown = file ? g_filename_display_name(file) : NULL;
  say_image(maker, sample, shown);
  return !maker->json || tell_image(maker, sample, shown, error);
}

/* ---- one request ---- */

/* Write what was kept until the end, and tell about it. */
static gboolean
write_rest(DdimMaker *maker, GError **error)
{
  g_autofree char *file = NULL, *shown = NULL, *decode = NULL;

  if (!ddim_writer_finish(maker->writer, &file, error))
    return FALSE;
  if (!file)
    return TRUE;
  shown = g_filename_display_name(file);
  ddim_bar_say(maker->bar, ddim_bar_is_terminal(maker->bar) ? DDIM_NORMAL : DDIM_VERBOSE, "%s",
               shown);
  if ((decode = make_decode_command(maker, file)))
    ddim_bar_say(maker->bar, DDIM_NORMAL, _("the picture comes back with: %s"), decode);
  for (guint i = 0; i < maker->waiting->len; i++)
    if (!print_told(maker, &g_array_index(maker->waiting, Told, i), shown, error))
      return FALSE;
  return TRUE;
}

/* What the job took, which depends on the precision. */
static void
say_memory(DdimMaker *maker)
{
  const guint64 bytes = ddim_generator_get_device_bytes(maker->generator);
  g_autofree char *size = g_format_size_full(bytes, G_FORMAT_SIZE_IEC_UNITS);

  if (!bytes)
    return;
  if (ddim_request_get_precision(maker->request) == DDIM_PRECISION_F16)
    ddim_bar_say(maker->bar, DDIM_VERBOSE,
                 _("memory of the device: %s at most, weights and activations as 16-bit floats"),
                 size);
  else
    ddim_bar_say(maker->bar, DDIM_VERBOSE, _("memory of the device: %s at most"), size);
}

/* The job has ended, with or without the error @why: keep what is finished. */
static gboolean
finish(DdimMaker *maker, GError *why, GError **error)
{
  g_autoptr(GError) also = NULL;
  gboolean written = write_rest(maker, &also);

  if (maker->kept)
    ddim_bar_say(
        maker->bar, DDIM_NORMAL,
        ngettext("%u image was there already", "%u images were there already", maker->kept),
        maker->kept);
  say_memory(maker);
  g_clear_pointer(&maker->bar, ddim_bar_free);
  if (why && !written)
    ddim_cli_fail(also);
  if (why)
    g_propagate_error(error, g_error_copy(why));
  else if (!written)
    g_propagate_error(error, g_steal_pointer(&also));
  return written && !why;
}

static void
begin(DdimMaker *maker, DdimRequest *request, DdimWriter *writer)
{
  maker->begun = g_get_monotonic_time();
  maker->request = request;
  maker->writer = writer;
  maker->finished = maker->kept = 0;
  maker->chose_class = FALSE;
  maker->bar = ddim_bar_new(maker->verbosity);
  g_clear_object(&maker->resolved);
  g_clear_pointer(&maker->command, g_free);
  g_array_set_size(maker->waiting, 0);
}

gboolean
ddim_maker_run(DdimMaker *maker, DdimRequest *request, DdimWriter *writer, GError **error)
{
  const gboolean in_part = maker->resume || maker->ranks.size > 1;
  const DdimGeneratorCallbacks callbacks = {.status = on_status,
                                            .started = on_started,
                                            .progress = on_progress,
                                            .image = on_image,
                                            .message = on_message,
                                            .select = in_part ? on_select : NULL};
  g_autoptr(GError) ended = NULL;
  gboolean done;

  begin(maker, request, writer);
  ddim_generator_run(maker->generator, request, &callbacks, maker, maker->stop, &ended);
  done = finish(maker, maker->trouble ? maker->trouble : ended, error);
  maker->any |= done;
  if (maker->trouble)
    g_cancellable_reset(maker->stop);
  if (g_cancellable_is_cancelled(maker->interrupted))
    g_cancellable_cancel(maker->stop);
  g_clear_error(&maker->trouble);
  g_atomic_int_set(&maker->sampling_begun, 0);
  return done;
}
