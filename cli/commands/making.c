/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the commands that make pictures share: they differ only in what they ask for. */

#include "cli/commands/making.h"

#include <glib/gi18n-lib.h>
#include <unistd.h>

#include "cli/commands/batch-file.h"
#include "cli/commands/maker.h"
#include "cli/terminal/command.h"
#include "cli/terminal/options.h"

/* What is written, besides what the request says. */
typedef struct {
  char *path;
  char *batch_file;
  char *shard;
  gboolean grid, resume, json, quiet, verbose;
} Output;

static void
output_clear(Output *output)
{
  g_free(output->path);
  g_free(output->batch_file);
  g_free(output->shard);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Output, output_clear)

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

static gboolean
check_output(DdimRequest *request, const Output *output, int *code)
{
  g_autoptr(GError) error = NULL;

  if (output->batch_file && (output->path || output->grid))
    *code = ddim_cli_usage(_("--batch-file: each line of the file names its own output"));
  else if (output->batch_file)
    return TRUE;
  else if (!ddim_maker_check_output(request, output->path, &error))
    *code = ddim_cli_usage("%s", error->message);
  else
    return check_stdout(output->path, output->json, code);
  return FALSE;
}

static const char about_output[] = N_(
    "OUT ends in .png (name-0.png, name-1.png, ... for several images, or one contact sheet with "
    "--grid), .npz (arr_0: bytes N,H,W,C; arr_1: classes), .npy (float samples N,C,H,W), or is - "
    "for standard output (a PNG, or an .npz for several images). Pictures carry their settings; "
    "'ddim info picture.png' shows them.");

static const char about_batch[] = N_(
    "--batch-file makes many requests with the model kept loaded. Each line of the file is a JSON "
    "object: its keys are the names of options, \"output\" and \"grid\"; \"command\" names another "
    "command; options of the command line hold where a line says nothing else. For each image one "
    "line of JSON is printed, and for a request that fails one with \"line\" and \"error\"; the "
    "others are made all the same.");

/* The command's own help, and what OUT may be. */
static gboolean
parse(DdimCli *cli, const DdimHelp *help, DdimOptions *options, DdimRequest *request,
      gboolean makes_pictures, int *argc, char ***argv, int *code)
{
  g_autofree char *description =
      g_strjoin("\n\n", _(help->description), makes_pictures ? _(about_output) : _(about_batch),
                makes_pictures ? _(about_batch) : NULL, NULL);
  DdimHelp whole = *help;

  whole.description = description;
  return ddim_cli_parse(cli, &whole, ddim_options_get_entries(options), request, argc, argv, code);
}

/* The options of @output. */
static void
add_output_options(DdimOptions *options, Output *output, gboolean makes_pictures)
{
  const GOptionEntry of_pictures[] = {
      {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output->path,
       N_("what to write, see above; default: ddim-SEED.png"), N_("OUT")},
      {"grid", 0, 0, G_OPTION_ARG_NONE, &output->grid, N_("one contact sheet of all images"), NULL},
      {"resume", 0, 0, G_OPTION_ARG_NONE, &output->resume,
       N_("make only the pictures that are not there yet"), NULL},
      {"shard", 0, 0, G_OPTION_ARG_STRING, &output->shard,
       N_("make only part I of N, from 0 on; default: as mpirun, srun or a Slurm array say"),
       "I/N"},
      G_OPTION_ENTRY_NULL};
  const GOptionEntry of_noise[] = {{"output", 'o', 0, G_OPTION_ARG_FILENAME, &output->path,
                                    N_("the file that the noise is written to"), "Z.npy"},
                                   G_OPTION_ENTRY_NULL};
  const GOptionEntry entries[] = {
      {"batch-file", 0, 0, G_OPTION_ARG_FILENAME, &output->batch_file,
       N_("make what this file asks for, see above; - is standard input"), "F.jsonl"},
      {"json", 0, 0, G_OPTION_ARG_NONE, &output->json,
       N_("print one line of JSON for each image when it is written"), NULL},
      {"quiet", 'q', 0, G_OPTION_ARG_NONE, &output->quiet, N_("say nothing but errors"), NULL},
      {"verbose", 'v', 0, G_OPTION_ARG_NONE, &output->verbose, N_("say more"), NULL},
      G_OPTION_ENTRY_NULL};

  ddim_options_add(options, makes_pictures ? of_pictures : of_noise);
  ddim_options_add(options, entries);
}

static gboolean
check_part(DdimWriter *writer, const DdimRanks *ranks, const Output *output, int *code)
{
  if (ranks->size == 1 && !output->resume)
    return TRUE;
  if (output->batch_file)
    *code = ddim_cli_usage(
        output->resume ? _("--resume does not go together with --batch-file")
                       : _("--batch-file is not shared out among ranks; use --shard 0/1 in one"));
  else if (!ddim_writer_writes_pictures(writer))
    *code = ddim_cli_usage(_("ranks and --resume need pictures (.png), each in a file of its own; "
                             "'ddim join' makes an .npz of them"));
  else
    return TRUE;
  return FALSE;
}

/* What several runs must agree on without asking each other, unless the user says it. */
static void
agree(DdimRequest *request, const DdimRanks *ranks, const Output *output)
{
  g_autofree char *command = NULL;
  const gboolean loud = !output->quiet && (ranks->rank == 0 || ranks->is_array);
  gboolean edits;
  gint64 seed;

  g_object_get(request, "command", &command, "seed", &seed, NULL);
  edits = (ddim_command_from_name(command) & DDIM_COMMANDS_EDITS) != 0;
  if (ranks->size == 1 && !output->resume)
    return;
  if (loud && ranks->size > 1)
    ddim_cli_warn(_("this is rank %u of %u (%s), which makes a part of the images; --shard 0/1 "
                    "makes all"),
                  ranks->rank, ranks->size, ranks->source);
  if (!ddim_options_is_given(request, "rng") && (ranks->size > 1 || edits)) {
    g_object_set(request, "rng", "torch-per-image", NULL);
    if (loud)
      ddim_cli_warn(_("--rng torch-per-image, because parts are made apart from each other"));
  }
  if (seed < 0) {
    g_object_set(request, "seed", G_GINT64_CONSTANT(0), NULL);
    if (loud)
      ddim_cli_warn(_("--seed 0, because all parts need the same one"));
  }
}

/* Find out the rank. A single image is not shared out among the tasks of an array: they are for
 * different images, then. */
static gboolean
find_ranks(DdimRequest *request, const Output *output, DdimRanks *ranks, int *code)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *device = NULL, *command = NULL;
  int count;

  g_object_get(request, "count", &count, "device", &device, "command", &command, NULL);
  if (ddim_command_from_name(command) == DDIM_COMMAND_ENCODE)
    return TRUE;
  if (!ddim_ranks_find(ranks, output->shard, &error)) {
    *code = ddim_cli_usage("%s", error->message);
    return FALSE;
  }
  if (ranks->is_array && count == 1)
    *ranks = (DdimRanks){.size = 1};
  if (ranks->size == 1 || (device && *device) || ddim_ranks_choose_device(ranks, &error))
    return TRUE;
  *code = ddim_cli_fail(error);
  return FALSE;
}

static int
make(DdimRequest *request, const Output *output)
{
  DdimRanks ranks = {.size = 1};
  g_autoptr(DdimWriter) writer = NULL;
  g_autoptr(DdimMaker) maker = NULL;
  g_autoptr(GError) error = NULL;
  int count, code;

  g_object_get(request, "count", &count, NULL);
  if (!output->batch_file && !(writer = ddim_writer_new(output->path, count, output->grid, &error)))
    return ddim_cli_fail(error);
  if (!find_ranks(request, output, &ranks, &code) || !check_part(writer, &ranks, output, &code))
    return code;
  agree(request, &ranks, output);
  maker = ddim_maker_new(output->quiet ? DDIM_QUIET : output->verbose ? DDIM_VERBOSE : DDIM_NORMAL);
  if (output->batch_file)
    return ddim_batch_file_run(maker, output->batch_file, request);
  if (output->json)
    ddim_maker_set_json(maker, 0);
  ddim_maker_set_part(maker, &ranks, output->resume);
  return run(maker, request, writer);
}

int
ddim_making_run(DdimCli *cli, int argc, char **argv, const DdimHelp *help, DdimCommands command)
{
  g_autoptr(DdimOptions) options = ddim_options_new_for(command);
  g_autoptr(DdimRequest) request = ddim_request_new();
  g_auto(Output) output = {0};
  const gboolean makes_pictures = command != DDIM_COMMAND_ENCODE;
  int code;

  g_object_set(request, "command", ddim_command_get_name(command), NULL);
  if (command == DDIM_COMMAND_INTERPOLATE)
    g_object_set(request, "count", DDIM_USUAL_FRAMES, NULL);
  add_output_options(options, &output, makes_pictures);
  if (!parse(cli, help, options, request, makes_pictures, &argc, &argv, &code) ||
      !check_output(request, &output, &code))
    return code;
  return make(request, &output);
}
