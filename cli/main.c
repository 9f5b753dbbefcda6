/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The command `ddim`: finds the sub-command and runs it. */

#include "cli/commands/commands.h"
#include "cli/terminal/command.h"
#include "cli/terminal/completion.h"
#include "cli/terminal/interrupt.h"
#include "core/data/similar.h"
#include "opencl/device/compile-worker.h"
#include "cli/terminal/man.h"
#include "cli/terminal/print.h"
#include "cli/terminal/version.h"

#include <glib/gi18n-lib.h>
#include <locale.h>
#include <string.h>

static const DdimCommand commands[] = {
    {"generate", N_("make images from a model"), ddim_cmd_generate},
    {"inpaint", N_("fill a part of a picture"), ddim_cmd_inpaint},
    {"vary", N_("make pictures like one that there is"), ddim_cmd_vary},
    {"upscale", N_("make a picture larger, with new detail"), ddim_cmd_upscale},
    {"colorize", N_("give a gray picture colors"), ddim_cmd_colorize},
    {"seamless", N_("make a picture tile"), ddim_cmd_seamless},
    {"encode", N_("find the noise that a picture comes from"), ddim_cmd_encode},
    {"interpolate", N_("make the pictures between two others"), ddim_cmd_interpolate},
    {"join", N_("join pictures that were made in parts into one .npz"), ddim_cmd_join},
    {"models", N_("list the models found"), ddim_cmd_models},
    {"info", N_("tell what a checkpoint holds, or how a picture was made"), ddim_cmd_info},
    {"convert", N_("write a checkpoint as .safetensors that describes itself"), ddim_cmd_convert},
    {"devices", N_("list the devices that OpenCL offers"), ddim_cmd_devices},
    {"check", N_("find out whether this device computes rightly"), ddim_cmd_check},
    {"bench", N_("measure a model on this device"), ddim_cmd_bench},
    {"tune", N_("measure what is fastest on this device, and remember it"), ddim_cmd_tune},
    {"predict", N_("evaluate a model's UNet once"), ddim_cmd_predict},
    {"classify", N_("evaluate a classifier once"), ddim_cmd_classify},
    {"schedule", N_("print the tables of a noise schedule"), ddim_cmd_schedule},
    {"noise", N_("write the noise that a seed gives"), ddim_cmd_noise},
};

static const DdimCommand *
find_command(const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
    if (g_str_equal(commands[i].name, name))
      return &commands[i];
  return NULL;
}

static void
print_help(void)
{
  g_print("%s\n  ddim %s\n\n%s\n\n%s\n", _("Usage:"), _("COMMAND [OPTION...]"),
          _("Generate images with diffusion models, on any device that speaks OpenCL."),
          _("Commands:"));
  for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
    g_print("  %-11s  %s\n", commands[i].name, _(commands[i].summary));
  g_print("\n%s\n  ddim generate --class marble --seed 1 -o marble.png\n", _("Example:"));
  g_print("\n%s\n",
          _("'ddim COMMAND --help' tells the options of a command, 'ddim --version' the version."));
}

static int
unknown_command(const char *name)
{
  const char *best = NULL;
  guint best_distance = 3; /* with more than two typing errors it is another word */

  for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
    gboolean begins = *name && g_str_has_prefix(commands[i].name, name);
    guint distance = begins ? 0 : ddim_edit_distance(name, commands[i].name);
    if (distance < best_distance) {
      best = commands[i].name;
      best_distance = distance;
    }
  }
  if (best)
    return ddim_cli_usage(_("unknown command '%s'; did you mean '%s'?"), name, best);
  return ddim_cli_usage(_("unknown command '%s'"), name);
}

static int
run_command(const DdimCommand *command, DdimCli *cli, int argc, char **argv)
{
  g_autofree char *name = g_strdup_printf("ddim %s", command->name);
  /* A copy, because GOption reorders it. */
  g_autofree char **args = g_memdup2(argv, (argc + 1) * sizeof *argv);

  args[0] = name;
  return command->run(cli, argc, args);
}

/* Have every command describe its options. */
static void
describe_commands(DdimDescribeFunc describe, gpointer data)
{
  DdimCli cli = {.describe = describe, .describe_data = data};
  char *no_args[] = {NULL, NULL};

  for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
    run_command(&commands[i], &cli, 1, no_args);
}

static int
print_manual(void)
{
  g_autoptr(GString) man = g_string_new(NULL);

  ddim_man_append_head(man, commands, G_N_ELEMENTS(commands));
  describe_commands(ddim_man_append_command, man);
  ddim_man_append_tail(man);
  return ddim_cli_print(man->str);
}

static int
print_completion(const char *shell)
{
  DdimCompletion *completion = ddim_completion_new(shell);
  g_autofree char *script = NULL;

  if (!completion)
    return ddim_cli_usage(_("--completion: expected bash, zsh or fish"));
  describe_commands(ddim_completion_add, completion);
  script = ddim_completion_finish(completion, commands, G_N_ELEMENTS(commands));
  return ddim_cli_print(script);
}

static int
help_command(DdimCli *cli, const char *name)
{
  const DdimCommand *command = name ? find_command(name) : NULL;
  char *args[] = {NULL, (char *)"--help", NULL};

  if (command)
    return run_command(command, cli, 2, args);
  if (name)
    return unknown_command(name);
  print_help();
  return DDIM_EXIT_OK;
}

static void
init_locale(void)
{
  setlocale(LC_ALL, "");
  bindtextdomain(GETTEXT_PACKAGE, DDIM_LOCALE_DIR);
  bind_textdomain_codeset(GETTEXT_PACKAGE, "UTF-8");
  textdomain(GETTEXT_PACKAGE);
  ddim_cli_init_print();
}

int
main(int argc, char **argv)
{
  DdimCli cli = {0};
  const char *first = argc > 1 ? argv[1] : NULL;
  const DdimCommand *command;
  int status;

  if (ddim_compile_worker_begin(argc, argv, &status))
    return status;
  init_locale();
  g_set_prgname("ddim");
  if (!first) {
    print_help();
    return DDIM_EXIT_USAGE;
  }
  if (g_str_equal(first, "--help") || g_str_equal(first, "-h") || g_str_equal(first, "help"))
    return help_command(&cli, argc > 2 ? argv[2] : NULL);
  if (g_str_equal(first, "--version")) {
    g_autofree char *version = ddim_version_describe();
    g_print("%s", version);
    return DDIM_EXIT_OK;
  }
  if (g_str_equal(first, "--man")) /* not in --help: the build makes the manual page with it */
    return print_manual();
  if (g_str_equal(first, "--completion"))
    return print_completion(argc > 2 ? argv[2] : NULL);
  if (*first == '-')
    return ddim_cli_usage(_("unknown option '%s'"), first);
  command = find_command(first);
  if (!command)
    return unknown_command(first);
  ddim_interrupt_begin();
  return run_command(command, &cli, argc - 1, argv + 1);
}
