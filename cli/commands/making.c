/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the commands that make pictures share: they differ only in what they ask for. */

#include "cli/commands/making.h"

#include <glib/gi18n-lib.h>
#include <unistd.h>

#include "cli/commands/maker.h"
#include "cli/terminal/command.h"
#include "cli/terminal/options.h"

/* How many pictures an interpolation makes by default. */
#define USUAL_FRAMES 8

/* Run the command for one request. */
static int
run(DdimMaker *maker, DdimRequest *request, DdimWriter *writer)
{
  g_autoptr(GError) error = NULL;
  int count;

  if (ddim_maker_run(maker, request, writer, &error))
    return DDIM_EXIT_OK;
  if (!g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return ddim_cli_fail(error);
  g_object_get(request, "count", &count, NULL);
  ddim_cli_warn(ngettext("interrupted; %u of %d image is finished and kept",
                         "interrupted; %u of %d images are finished and kept", count),
                ddim_maker_get_finished(maker), count);
  return DDIM_EXIT_CANCELLED;
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
       N_("print one line of JSON for each image when it is written"), NULL},
      {"quiet", 'q', 0, G_OPTION_ARG_NONE, &quiet, N_("say nothing but errors"), NULL},
      {"verbose", 'v', 0, G_OPTION_ARG_NONE, &verbose, N_("say more"), NULL},
      G_OPTION_ENTRY_NULL};
  g_autoptr(DdimMaker) maker = NULL;
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
  maker = ddim_maker_new(quiet ? DDIM_QUIET : verbose ? DDIM_VERBOSE : DDIM_NORMAL);
  if (json)
    ddim_maker_set_json(maker, 0);
  return run(maker, request, writer);
}
