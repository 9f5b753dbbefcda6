/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Settings as pictures carry them: what is accepted survives being written and read again. */
#include "core/job/request.h"
#include "touch.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup((const char *)data, size);
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimRequest) request = ddim_request_new_from_json(text, &error);

  fuzz_check_result(request, error);
  if (!request)
    return 0;
  g_autofree char *json = ddim_request_to_json(request);
  g_autoptr(DdimRequest) again = ddim_request_new_from_json(json, &error);
  g_assert_no_error(error);
  g_autofree char *json_again = ddim_request_to_json(again);
  g_assert_cmpstr(json, ==, json_again);

  /* a shell would read the command as one command of plain words */
  g_autofree char *command = ddim_request_to_command(request);
  g_auto(GStrv) words = NULL;
  g_assert_true(g_shell_parse_argv(command, NULL, &words, &error));
  g_assert_cmpstr(words[0], ==, "ddim");
  g_assert_cmpstr(words[1], ==, "generate");
  return 0;
}
