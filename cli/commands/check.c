/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* `ddim check`: whether this device computes rightly. */

#include <glib/gi18n-lib.h>
#include <math.h>

#include "cli/commands/bench-model.h"
#include "cli/commands/commands.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/members.h"
#include "cli/terminal/options.h"
#include "cli/terminal/print.h"
#include "core/job/check.h"
#include "opencl/check/suite.h"

/* A row of the table, kept. Of @row, the strings are not. */
typedef struct {
  char *name;
  DdimCheckRow row;
  char *reason;
} Line;

typedef struct {
  DdimBar *bar;
  DdimSession *session;
  GArray *lines;  /* Line */
  guint left_out; /* cases for which the device is too slow */
  DdimEvaluationCheck evaluation;
  char *failure; /* (nullable) why there is no evaluation */
} Check;

static void
line_clear(gpointer data)
{
  Line *line = data;

  g_free(line->name);
  g_free(line->reason);
}

static void
check_clear(Check *check)
{
  g_clear_pointer(&check->lines, g_array_unref);
  g_clear_pointer(&check->session, ddim_session_free);
  g_clear_pointer(&check->failure, g_free);
  g_clear_pointer(&check->bar, ddim_bar_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Check, check_clear)

/* (transfer full) */
static char *
describe_left_out(guint cases)
{
  return g_strdup_printf(ngettext("%u case is left out: the device is too slow",
                                  "%u cases are left out: the device is too slow", cases),
                         cases);
}

static void
on_row(const DdimCheckRow *row, const char *way, double fraction, gpointer data)
{
  Check *check = data;
  g_autofree char *what = g_strdup_printf(_("Checking %s"), way);

  if (!row) {
    ddim_bar_status(check->bar, what, fraction);
    return;
  }
  const Line line = {.name = g_strdup_printf("%s%s", row->way, row->half ? " f16" : ""),
                     .row = *row,
                     .reason =
                         row->left_out ? describe_left_out(row->left_out) : g_strdup(row->reason)};
  check->left_out += row->left_out;
  g_array_append_val(check->lines, line);
}

/* ---- the report ---- */

static const char *
verdict_name(DdimCheckVerdict verdict)
{
  static const char *const names[] = {"ok", "WRONG", "-"};

  return names[verdict];
}

static DdimCheckVerdict
judge_evaluation(const Check *check)
{
  const DdimEvaluationCheck *e = &check->evaluation;

  if (check->left_out)
    return DDIM_CHECK_NOT_HERE;
  return !check->failure && e->finite && (!e->compared || e->error <= e->bound) ? DDIM_CHECK_RIGHT
                                                                                : DDIM_CHECK_WRONG;
}

static guint
count_wrong(const Check *check)
{
  guint n = judge_evaluation(check) == DDIM_CHECK_WRONG;

  for (guint i = 0; i < check->lines->len; i++)
    n += g_array_index(check->lines, Line, i).row.verdict == DDIM_CHECK_WRONG;
  return n;
}

static void
add_verdict(JsonBuilder *builder, DdimCheckVerdict verdict)
{
  static const char *const names[] = {"right", "wrong", "not here"};

  ddim_member_string(builder, "verdict", names[verdict]);
}

static void
add_line(JsonBuilder *builder, const Line *line)
{
  json_builder_begin_object(builder);
  ddim_member_string(builder, "way", line->name);
  add_verdict(builder, line->row.verdict);
  if (line->row.verdict != DDIM_CHECK_NOT_HERE && isfinite(line->row.error)) {
    ddim_member_double(builder, "error", line->row.error);
    ddim_member_double(builder, "bound", line->row.bound);
    ddim_member_double(builder, "ms", line->row.seconds * 1e3);
  }
  if (line->reason)
    ddim_member_string(builder, "reason", line->reason);
  json_builder_end_object(builder);
}

static void
add_evaluation(JsonBuilder *builder, const Check *check)
{
  const DdimEvaluationCheck *e = &check->evaluation;

  json_builder_set_member_name(builder, "evaluation");
  json_builder_begin_object(builder);
  ddim_member_string(builder, "model", ddim_config_get_name(check->session->config));
  add_verdict(builder, judge_evaluation(check));
  if (check->failure)
    ddim_member_string(builder, "reason", check->failure);
  if (!check->failure && e->compared && isfinite(e->error)) {
    ddim_member_double(builder, "error", e->error);
    ddim_member_double(builder, "bound", e->bound);
  }
  if (!check->failure)
    ddim_member_double(builder, "ms", e->seconds * 1e3);
  json_builder_end_object(builder);
}

static int
print_json(const Check *check)
{
  const DdimDeviceInfo *device = ddim_context_get_device(check->session->context);
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  ddim_member_string(builder, "device", ddim_device_info_get_name(device));
  ddim_member_string(builder, "platform", ddim_device_info_get_platform(device));
  ddim_member_string(builder, "driver", ddim_device_info_get_driver_version(device));
  ddim_member_string(builder, "opencl", ddim_device_info_get_device_version(device));
  ddim_member_string(builder, "clblast", DDIM_CLBLAST_VERSION);
  ddim_member_string(builder, "ddim", DDIM_VERSION);
  json_builder_set_member_name(builder, "ways");
  json_builder_begin_array(builder);
  for (guint i = 0; i < check->lines->len; i++)
    add_line(builder, &g_array_index(check->lines, Line, i));
  json_builder_end_array(builder);
  add_evaluation(builder, check);
  ddim_member_int(builder, "wrong", count_wrong(check));
  json_builder_end_object(builder);
  return ddim_cli_print_json(builder);
}

static void
append_line(GString *table, const Line *line)
{
  const DdimCheckRow *row = &line->row;
  g_autofree char *reason = g_strdup(line->reason ? line->reason : "");

  g_strdelimit(g_strchomp(reason), "\r\n", ' ');
  g_string_append_printf(table, "%-7s%-28s", verdict_name(row->verdict), line->name);
  if (row->verdict == DDIM_CHECK_NOT_HERE || !isfinite(row->error))
    g_string_append_printf(table, " %s\n", reason);
  else
    g_string_append_printf(table, " %8.1e %8.1e %9.3f%s%s\n", row->error, row->bound,
                           row->seconds * 1e3, *reason ? "  " : "", reason);
}

static void
append_evaluation(GString *table, const Check *check)
{
  const DdimEvaluationCheck *e = &check->evaluation;
  g_autofree char *name =
      g_strdup_printf(_("evaluation of %s"), ddim_config_get_name(check->session->config));

  g_string_append_printf(table, "%-7s%-28s", verdict_name(judge_evaluation(check)), name);
  if (check->failure)
    g_string_append_printf(table, " %s\n", check->failure);
  else if (!e->finite)
    g_string_append_printf(table, " %s\n",
                           _("it gave numbers that are infinite or not numbers (NaN)"));
  else if (e->compared)
    g_string_append_printf(table, " %8.1e %8.1e %9.3f\n", e->error, e->bound, e->seconds * 1e3);
  else
    g_string_append_printf(table, " %17s %9.3f  %s\n", "", e->seconds * 1e3,
                           _("there are no stored numbers of this model to compare with"));
}

static int
print_table(const Check *check)
{
  const DdimDeviceInfo *device = ddim_context_get_device(check->session->context);
  const guint wrong = count_wrong(check);
  g_autoptr(GString) table = g_string_new(NULL);

  g_string_append_printf(table, _("device   %s\nplatform %s, driver %s\n"),
                         ddim_device_info_get_name(device), ddim_device_info_get_platform(device),
                         ddim_device_info_get_driver_version(device));
  g_string_append_printf(table, _("versions %s; CLBlast %s; ddim %s\n\n"),
                         ddim_device_info_get_device_version(device), DDIM_CLBLAST_VERSION,
                         DDIM_VERSION);
  /* Translators: headings of columns, at these widths */
  g_string_append(table, _("       way                             error    bound        ms\n"));
  for (guint i = 0; i < check->lines->len; i++)
    append_line(table, &g_array_index(check->lines, Line, i));
  append_evaluation(table, check);
  if (wrong)
    g_string_append_printf(table,
                           ngettext("\n%u line is WRONG: please report this table\n",
                                    "\n%u lines are WRONG: please report this table\n", wrong),
                           wrong);
  else
    g_string_append_printf(table, "\n%s\n", _("everything that this device uses is right"));
  return ddim_cli_print_text(table->str);
}

/* ---- the work ---- */

static gboolean
run(Check *check, DdimRequest *request, GError **error)
{
  g_autoptr(GCancellable) cancellable = ddim_interrupt_new();
  const DdimNetworkParams params = {.status = ddim_bar_on_status,
                                    .status_data = check->bar,
                                    .message = ddim_bar_on_message,
                                    .message_data = check->bar,
                                    .cancellable = cancellable};
  g_autoptr(GError) why = NULL;

  if (!(check->session = ddim_session_new(request, error)) ||
      !ddim_session_start(check->session, request, &params, error) ||
      !ddim_check_suite(check->session->context, on_row, check, cancellable, error))
    return FALSE;
  if (check->left_out) {
    check->failure = g_strdup(_("the device is too slow"));
    return TRUE;
  }
  ddim_bar_status(check->bar, _("Evaluating the model"), -1);
  if (ddim_check_evaluation(check->session, request, &params, &check->evaluation, &why))
    return TRUE;
  if (g_error_matches(why, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
  }
  check->failure = g_strdup(why->message);
  return TRUE;
}

static const DdimHelp help = {
    .description =
        N_("Find out whether this device computes rightly. Every way in which the program may "
           "compute here is compared with sums in double precision on the host, in small, with "
           "weights in single and in half precision (f16); then the model is evaluated once, and "
           "the default model's numbers are compared with stored ones. Drivers compile many "
           "kernels for this, which takes a minute or more the first time.\n\n"
           "The columns: the verdict (ok, WRONG, or - for what cannot run here, with the reason); "
           "the way; the largest error, relative to the largest value; what it may be by "
           "rounding; milliseconds. A device that takes many seconds for a way, because a program "
           "imitates it, is given only the first cases. The exit status is 1 when something is "
           "wrong. Then please "
           "report the table.\n\n"
           "A short form of this runs by itself, once for each device and driver: ways that are "
           "wrong are not used."),
    .examples = "ddim check\nddim check --device 1 --json"};

int
ddim_cmd_check(DdimCli *cli, int argc, char **argv)
{
  static const char *const names[] = {"model", "flags", "model-path", "device", "precision", NULL};
  g_autoptr(DdimOptions) options = ddim_options_new(names);
  g_autoptr(DdimRequest) request = ddim_request_new();
  g_autoptr(GError) error = NULL;
  g_auto(Check) check = {0};
  gboolean json = FALSE, ok;
  int code;
  const GOptionEntry entries[] = {
      {"json", 0, 0, G_OPTION_ARG_NONE, &json, N_("print one JSON object"), NULL},
      G_OPTION_ENTRY_NULL};

  ddim_options_add(options, entries);
  if (!ddim_cli_parse(cli, &help, ddim_options_get_entries(options), request, &argc, &argv, &code))
    return code;
  check.lines = g_array_new(FALSE, FALSE, sizeof(Line));
  g_array_set_clear_func(check.lines, line_clear);
  check.bar = ddim_bar_new(DDIM_NORMAL);
  ok = run(&check, request, &error);
  g_clear_pointer(&check.bar, ddim_bar_free);
  if (!ok) {
    code = ddim_cli_fail(error);
    return g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED) ? DDIM_EXIT_CANCELLED : code;
  }
  code = json ? print_json(&check) : print_table(&check);
  return code ? code : count_wrong(&check) ? DDIM_EXIT_FAILURE : DDIM_EXIT_OK;
}
