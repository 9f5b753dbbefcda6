/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Settings as pictures carry them: what is accepted survives being written and read again. */
#include "core/job/request.h"
#include "tests/fuzz/touch.h"

/* What a shell's printf makes of the format, where the command is one that evaluates this.
 * (transfer full) */
static char *
undo_printf(const char *command)
{
  static const char start[] = "eval \"$(printf '", end[] = "')\"";

  if (!g_str_has_prefix(command, start))
    return g_strdup(command);
  g_assert_true(g_str_has_suffix(command, end));
  g_autofree char *format =
      g_strndup(command + strlen(start), strlen(command) - strlen(start) - strlen(end));
  g_assert_null(strchr(format, '\''));
  g_autofree char *bytes = g_strcompress(format);
  g_auto(GStrv) parts = g_strsplit(bytes, "%%", -1);
  return g_strjoinv("%", parts);
}

/* A shell would read the command as one command of plain words. */
static void
check_command(DdimRequest *request)
{
  g_autofree char *command = ddim_request_to_command(request), *name = NULL;
  g_autofree char *line = undo_printf(command);
  g_autoptr(GError) error = NULL;
  g_auto(GStrv) words = NULL;

  g_assert_null(strpbrk(command, "\n\r\033"));
  g_assert_true(g_shell_parse_argv(line, NULL, &words, &error));
  g_object_get(request, "command", &name, NULL);
  g_assert_cmpstr(words[0], ==, "ddim");
  g_assert_cmpstr(words[1], ==, name);
}

void
fuzz_input(const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup((const char *)data, size);
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimRequest) request = ddim_request_new_from_json(text, &error);

  fuzz_check_result(request, error);
  if (!request)
    return;
  g_autofree char *json = ddim_request_to_json(request);
  g_autoptr(DdimRequest) again = ddim_request_new_from_json(json, &error);
  g_assert_no_error(error);
  g_autofree char *json_again = ddim_request_to_json(again);
  g_assert_cmpstr(json, ==, json_again);

  check_command(request);
}
