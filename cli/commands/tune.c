/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* `ddim tune`: find out what is fastest on this device. */

#include <glib/gi18n-lib.h>

#include "cli/commands/commands.h"
#include "core/data/printable.h"
#include "core/job/tune.h"
#include "cli/terminal/interrupt.h"
#include "cli/commands/bench-model.h"
#include "cli/terminal/members.h"
#include "cli/terminal/print.h"

/* What was found. */
typedef struct {
  DdimBenchModel what;
  GArray *rows; /* DdimTuneRow */
  char *path;
  DdimTuneSearch search;
} Tuned;

static void
tuned_clear(Tuned *tuned)
{
  g_clear_pointer(&tuned->rows, g_array_unref);
  g_clear_pointer(&tuned->path, g_free);
  ddim_bench_model_clear(&tuned->what);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Tuned, tuned_clear)

static gboolean
tune(Tuned *tuned, DdimRequest *request, int search_seconds, DdimBar *bar, GError **error)
{
  g_autoptr(GCancellable) cancellable = ddim_interrupt_new();
  const DdimNetworkParams params = {.status = ddim_bar_on_status,
                                    .status_data = bar,
                                    .message = ddim_bar_on_message,
                                    .message_data = bar,
                                    .cancellable = cancellable};

  if (!ddim_bench_model_open(&tuned->what, request, &params, bar, error))
    return FALSE;
  tuned->rows =
      ddim_tune(tuned->what.session, tuned->what.batch, tuned->what.height, tuned->what.width,
                search_seconds, &params, &tuned->search, &tuned->path, error);
  return tuned->rows != NULL;
}

/* Compile the programs that an evaluation needs, without evaluating anything. */
static gboolean
build(Tuned *tuned, DdimRequest *request, DdimBar *bar, GError **error)
{
  g_autoptr(GCancellable) cancellable = ddim_interrupt_new();
  const DdimNetworkParams params = {.status = ddim_bar_on_status,
                                    .status_data = bar,
                                    .message = ddim_bar_on_message,
                                    .message_data = bar,
                                    .cancellable = cancellable};
  DdimBenchModel *what = &tuned->what;
  DdimEvaluator *evaluator;

  if (!ddim_bench_model_open(what, request, &params, bar, error))
    return FALSE;
  const DdimEvaluatorSize size = {
      .batch = what->batch, .height = what->height, .width = what->width, .wrap = what->wrap};
  evaluator = ddim_evaluator_new(what->session->network, &size, &params, error);
  if (!evaluator)
    return FALSE;
  ddim_evaluator_unref(evaluator);
  ddim_context_wait_builds(what->session->context);
  return TRUE;
}

/* Milliseconds of all convolutions of an evaluation. */
static double
sum(const Tuned *tuned, gboolean builtin)
{
  double seconds = 0;

  for (guint i = 0; i < tuned->rows->len; i++) {
    const DdimTuneRow *row = &g_array_index(tuned->rows, DdimTuneRow, i);
    seconds += row->uses * (builtin ? row->builtin_seconds : row->seconds);
  }
  return seconds * 1e3;
}

static void
add_row(JsonBuilder *builder, const DdimTuneRow *row)
{
  json_builder_begin_object(builder);
  ddim_member_int(builder, "taps", row->taps);
  ddim_member_int(builder, "stride", row->stride);
  ddim_member_boolean(builder, "up", row->up);
  ddim_member_int(builder, "in", row->in);
  ddim_member_int(builder, "out", row->out);
  ddim_member_int(builder, "width", row->width);
  ddim_member_int(builder, "height", row->height);
  ddim_member_int(builder, "uses", row->uses);
  ddim_member_string(builder, "method", row->method);
  ddim_member_string(builder, "provider", row->provider);
  ddim_member_double(builder, "ms", row->seconds * 1e3);
  ddim_member_string(builder, "builtin_method", row->builtin_method);
  ddim_member_string(builder, "builtin_provider", row->builtin_provider);
  ddim_member_double(builder, "builtin_ms", row->builtin_seconds * 1e3);
  json_builder_end_object(builder);
}

static void
add_search(JsonBuilder *builder, const DdimTuneSearch *search)
{
  json_builder_set_member_name(builder, "clblast");
  json_builder_begin_object(builder);
  ddim_member_int(builder, "tried", search->tried);
  ddim_member_boolean(builder, "found", search->found);
  ddim_member_double(builder, "before_ms", search->before * 1e3);
  if (search->after >= 0)
    ddim_member_double(builder, "after_ms", search->after * 1e3);
  json_builder_end_object(builder);
}

static int
print_json(const Tuned *tuned)
{
  const DdimDeviceInfo *device = ddim_context_get_device(tuned->what.session->context);
  g_autofree char *shown = ddim_printable(tuned->path);
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  ddim_member_string(builder, "device", ddim_device_info_get_name(device));
  ddim_member_string(builder, "driver", ddim_device_info_get_driver_version(device));
  ddim_member_string(builder, "file", shown);
  ddim_member_int(builder, "batch", tuned->what.batch);
  ddim_member_int(builder, "width", tuned->what.width);
  ddim_member_int(builder, "height", tuned->what.height);
  ddim_member_double(builder, "ms", sum(tuned, FALSE));
  ddim_member_double(builder, "builtin_ms", sum(tuned, TRUE));
  if (tuned->search.tried)
    add_search(builder, &tuned->search);
  json_builder_set_member_name(builder, "shapes");
  json_builder_begin_array(builder);
  for (guint i = 0; i < tuned->rows->len; i++)
    add_row(builder, &g_array_index(tuned->rows, DdimTuneRow, i));
  json_builder_end_array(builder);
  json_builder_end_object(builder);
  return ddim_cli_print_json(builder);
}

static void
append_row(GString *table, const DdimTuneRow *row)
{
  g_autofree char *shape = g_strdup_printf("%ux%u%s %u -> %u", row->taps, row->taps,
                                           row->stride > 1 ? "/2"
                                           : row->up       ? "*2"
                                                           : "",
                                           row->in, row->out);
  g_autofree char *size = g_strdup_printf("%ux%u", row->width, row->height);
  g_autofree char *way = g_strdup_printf("%s, %s", row->method, row->provider);
  const double gain = row->builtin_seconds / row->seconds;

  g_string_append_printf(table, "%-18s %-9s %4u  %-18s %9.3f  ", shape, size, row->uses, way,
                         row->seconds * 1e3);
  if (row->method == row->builtin_method && row->provider == row->builtin_provider)
    g_string_append(table, "   -\n");
  else
    g_string_append_printf(table, "%4.2f\n", gain);
}

static void
append_search(GString *table, const DdimTuneSearch *search)
{
  if (!search->tried)
    return;
  if (search->found)
    g_string_append_printf(table,
                           _("CLBlast: the best of %u sets of parameters takes %.1f ms for the "
                             "largest convolutions, its own %.1f ms\n"),
                           search->tried, search->after * 1e3, search->before * 1e3);
  else
    g_string_append_printf(
        table, _("CLBlast: none of %u sets of parameters is better than its own (%.1f ms)\n"),
        search->tried, search->before * 1e3);
}

static int
print_table(const Tuned *tuned)
{
  const DdimDeviceInfo *device = ddim_context_get_device(tuned->what.session->context);
  g_autoptr(GString) table = g_string_new(NULL);
  g_autofree char *shown = ddim_printable(tuned->path);
  g_autofree char *name = ddim_printable(ddim_config_get_name(tuned->what.session->config));

  g_string_append_printf(table, _("%s; %s, batch %u, %ux%u\n"), ddim_device_info_get_name(device),
                         name, tuned->what.batch, tuned->what.width, tuned->what.height);
  /* Translators: headings of columns, at these widths; gain: how many times faster than before */
  g_string_append(table,
                  _("convolution        pixels    uses  fastest                   ms  gain\n"));
  for (guint i = 0; i < tuned->rows->len; i++)
    append_row(table, &g_array_index(tuned->rows, DdimTuneRow, i));
  append_search(table, &tuned->search);
  g_string_append_printf(
      table, _("all convolutions: %.1f ms, with the built-in choices %.1f ms\nkept in %s\n"),
      sum(tuned, FALSE), sum(tuned, TRUE), shown);
  return ddim_cli_print_text(table->str);
}

static const DdimHelp help = {
    .description = N_(
        "Measure how this device computes a model's convolutions fastest, and remember it: every "
        "later run on the device uses what was measured. The times hold for one size, batch and "
        "precision; others can be measured in turn and are kept beside them. They are stored in "
        "the folder ddim of $XDG_CACHE_HOME, for this device, its driver and this version of the "
        "program; interrupting keeps what is measured so far.\n\n"
        "Nothing else should run on the device meanwhile.\n\n"
        "With --build nothing is measured: the kernels for the model and size are compiled and "
        "stored, so that the first picture does not wait for them. Installations run this."),
    .examples = "ddim tune\nddim tune -m model.pt --size 64 --batch 4\nddim tune --build"};

int
ddim_cmd_tune(DdimCli *cli, int argc, char **argv)
{
  g_autoptr(DdimRequest) request = ddim_request_new();
  g_autoptr(DdimBar) bar = NULL;
  g_autoptr(GError) error = NULL;
  g_auto(Tuned) tuned = {0};
  gboolean json = FALSE, quiet = FALSE, only_build = FALSE, ok;
  int code, search = -1;
  const GOptionEntry entries[] = {
      {"json", 0, 0, G_OPTION_ARG_NONE, &json, N_("print one JSON object"), NULL},
      {"search", 0, 0, G_OPTION_ARG_INT, &search,
       N_("look for better parameters of CLBlast for so long, where it is of use (default: 120, "
          "and "
          "0 once some were found)"),
       N_("SECONDS")},
      {"build", 0, 0, G_OPTION_ARG_NONE, &only_build,
       N_("compile the kernels for later runs, and measure nothing"), NULL},
      {"quiet", 'q', 0, G_OPTION_ARG_NONE, &quiet, N_("say nothing but errors"), NULL},
      G_OPTION_ENTRY_NULL};

  if (!ddim_bench_model_parse(cli, &help, entries, request, argc, argv, &code))
    return code;
  if (search < -1 || search > 86400)
    return ddim_cli_usage(_("--search: from 0 to 86400 seconds"));
  if (only_build && (json || search >= 0))
    return ddim_cli_usage(_("--build measures nothing: --json and --search do not go with it"));
  bar = ddim_bar_new(quiet ? DDIM_QUIET : DDIM_NORMAL);
  ok =
      only_build ? build(&tuned, request, bar, &error) : tune(&tuned, request, search, bar, &error);
  g_clear_pointer(&bar, ddim_bar_free);
  if (!ok) {
    code = ddim_cli_fail(error);
    return g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED) ? DDIM_EXIT_CANCELLED : code;
  }
  if (only_build)
    return DDIM_EXIT_OK;
  if (json)
    return print_json(&tuned);
  return quiet ? DDIM_EXIT_OK : print_table(&tuned);
}
