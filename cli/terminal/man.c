/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The manual page in man(7) macros, so that it cannot disagree with --help. */

#include "cli/terminal/man.h"

#include <glib/gi18n-lib.h>

/* Text as roff prints it verbatim: backslashes and minus signs escaped, no line begins with a
 * request. */
static void
append_text(GString *man, const char *text)
{
  gboolean line_start = TRUE;

  for (const char *p = text; *p; p++) {
    if (line_start && (*p == '.' || *p == '\''))
      g_string_append(man, "\\&");
    if (*p == '\\')
      g_string_append(man, "\\e");
    else if (*p == '-')
      g_string_append(man, "\\-");
    else
      g_string_append_c(man, *p);
    line_start = *p == '\n';
  }
}

/* Paragraphs separated by empty lines. */
static void
append_paragraphs(GString *man, const char *text)
{
  g_auto(GStrv) paragraphs = g_strsplit(text, "\n\n", -1);

  for (guint i = 0; paragraphs[i]; i++) {
    g_string_append(man, ".PP\n");
    append_text(man, paragraphs[i]);
    g_string_append_c(man, '\n');
  }
}

void
ddim_man_append_head(GString *man, const DdimCommand *commands, gsize n)
{
  g_string_append(man, ".TH DDIM 1 \"\" \"ddim " DDIM_VERSION "\" \"User Commands\"\n.SH NAME\n");
  append_text(man, _("ddim - generate images with diffusion models on OpenCL devices"));
  g_string_append(man, "\n.SH SYNOPSIS\n.B ddim\n.I COMMAND\n[\\fIOPTION\\fR...]\n.SH COMMANDS\n");
  for (gsize i = 0; i < n; i++) {
    g_string_append_printf(man, ".TP\n.B %s\n", commands[i].name);
    append_text(man, _(commands[i].summary));
    g_string_append_c(man, '\n');
  }
}

static void
append_option(GString *man, const GOptionEntry *entry)
{
  if (entry->flags & G_OPTION_FLAG_HIDDEN)
    return;
  g_string_append(man, ".TP\n\\fB");
  if (entry->short_name)
    g_string_append_printf(man, "\\-%c\\fR, \\fB", entry->short_name);
  append_text(man, "--");
  append_text(man, entry->long_name);
  g_string_append(man, "\\fR");
  if (entry->arg_description) {
    g_string_append(man, "=\\fI");
    append_text(man, _(entry->arg_description));
    g_string_append(man, "\\fR");
  }
  g_string_append_c(man, '\n');
  if (entry->description)
    append_text(man, _(entry->description));
  g_string_append_c(man, '\n');
}

void
ddim_man_append_command(gpointer data, const char *name, const DdimHelp *help,
                        const GOptionEntry *entries)
{
  GString *man = data;
  g_autofree char *title = g_ascii_strup(name, -1);

  g_string_append(man, ".SH ");
  append_text(man, title);
  g_string_append(man, "\n.B ");
  append_text(man, name);
  g_string_append(man, "\n[\\fIOPTION\\fR...]");
  if (help->arguments) {
    g_string_append(man, " \\fI");
    append_text(man, _(help->arguments));
    g_string_append(man, "\\fR");
  }
  g_string_append_c(man, '\n');
  append_paragraphs(man, _(help->description));
  for (const GOptionEntry *entry = entries; entry->long_name; entry++)
    append_option(man, entry);
  if (help->examples) {
    g_string_append_printf(man, ".PP\n%s\n.PP\n.nf\n.RS\n", _("Examples:"));
    append_text(man, help->examples);
    g_string_append(man, "\n.RE\n.fi\n");
  }
}

static void
append_item(GString *man, const char *term, const char *text)
{
  g_string_append(man, ".TP\n.B ");
  append_text(man, term);
  g_string_append_c(man, '\n');
  append_text(man, text);
  g_string_append_c(man, '\n');
}

void
ddim_man_append_tail(GString *man)
{
  g_string_append(man, ".SH ENVIRONMENT\n");
  append_item(man, "DDIM_DEVICE", _("the device used when --device is not given"));
  append_item(man, "DDIM_MODEL_PATH", _("further folders with models, separated by colons"));
  append_item(man,
              "OMPI_COMM_WORLD_RANK, OMPI_COMM_WORLD_SIZE, PMI_RANK, PMI_SIZE, SLURM_PROCID, "
              "SLURM_STEP_NUM_TASKS, SLURM_ARRAY_TASK_ID, ...",
              _("mpirun, srun and Slurm arrays set these: each process then makes a part of the "
                "images, unless --shard says which; several devices of a machine are shared out "
                "among its processes"));
  append_item(man, "XDG_DATA_HOME", _("models are also looked for in its folder ddim/models"));
  append_item(man, "XDG_CACHE_HOME",
              _("built kernels and measurements are kept in its folder ddim"));
  g_string_append(man, ".SH EXIT STATUS\n");
  append_item(man, "0", _("success"));
  append_item(man, "1", _("failure; one line on standard error says why"));
  append_item(man, "2", _("the command line could not be read"));
  append_item(man, "130", _("interrupted; finished images are kept"));
}
