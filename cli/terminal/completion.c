/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/terminal/completion.h"

#include <glib/gi18n-lib.h>
#include <string.h>

typedef void (*AddCommandFunc)(GString *script, const char *command, const DdimHelp *help,
                               const GOptionEntry *entries);
typedef void (*AddHeadFunc)(GString *script, const DdimCommand *commands, gsize n);

/* The parts of one shell's script: what comes before the commands, what each command adds, and what
 * follows. */
typedef struct {
  const char *name;
  AddHeadFunc add_head;
  AddCommandFunc add_command;
  const char *tail;
} Shell;

struct _DdimCompletion {
  const Shell *shell;
  GString *commands;
};

/* The values that an option may have, if its help lists them as "ddim|ddpm". (transfer full)
 * (nullable) */
static GStrv
split_choices(const GOptionEntry *entry)
{
  static const char letters[] = G_CSET_a_2_z G_CSET_DIGITS "|-+";
  const char *word = entry->arg_description;

  if (!word || !strchr(word, '|') || strspn(word, letters) != strlen(word))
    return NULL;
  return g_strsplit(word, "|", -1);
}

static char *
join_choices(const GOptionEntry *entry)
{
  g_auto(GStrv) choices = split_choices(entry);

  return choices ? g_strjoinv(" ", choices) : NULL;
}

static gboolean
takes_value(const GOptionEntry *entry)
{
  return entry->arg != G_OPTION_ARG_NONE && !(entry->flags & G_OPTION_FLAG_NO_ARG);
}

static gboolean
takes_file(const GOptionEntry *entry)
{
  return entry->arg == G_OPTION_ARG_FILENAME || (entry->flags & G_OPTION_FLAG_FILENAME) != 0;
}

static gboolean
is_shown(const GOptionEntry *entry)
{
  return !(entry->flags & G_OPTION_FLAG_HIDDEN);
}

/* @text in single quotes for a shell. (transfer full) */
static char *
quote(const char *text)
{
  return g_shell_quote(text ? text : "");
}

/* ---- bash ---- */

static void
bash_head(GString *script, const DdimCommand *commands, gsize n)
{
  g_string_append(script, "# Completion of ddim in bash, made by 'ddim --completion bash'.\n"
                          "_ddim() {\n"
                          "  local current=${COMP_WORDS[COMP_CWORD]}\n"
                          "  local before=${COMP_WORDS[COMP_CWORD - 1]}\n"
                          "  local options= values= files=\n"
                          "  COMPREPLY=()\n"
                          "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
                          "    COMPREPLY=($(compgen -W '--help --version");
  for (gsize i = 0; i < n; i++)
    g_string_append_printf(script, " %s", commands[i].name);
  g_string_append(script, "' -- \"$current\"))\n"
                          "    return\n"
                          "  fi\n"
                          "  case ${COMP_WORDS[1]} in\n");
}

/* A branch for the word before the cursor: what an option takes as its value. */
static void
bash_add_value(GString *script, const GOptionEntry *entry)
{
  g_autofree char *choices = join_choices(entry);

  g_string_append_printf(script, "        --%s", entry->long_name);
  if (entry->short_name)
    g_string_append_printf(script, "|-%c", entry->short_name);
  if (choices)
    g_string_append_printf(script, ") values='%s' ;;\n", choices);
  else
    g_string_append(script, takes_file(entry) ? ") files=1 ;;\n" : ") return ;;\n");
}

static void
bash_command(GString *script, const char *command, const DdimHelp *help,
             const GOptionEntry *entries)
{
  g_string_append_printf(script, "    %s)\n      options='--help", command);
  for (const GOptionEntry *entry = entries; entry->long_name; entry++)
    if (is_shown(entry))
      g_string_append_printf(script, " --%s", entry->long_name);
  g_string_append(script, "'\n      case $before in\n");
  for (const GOptionEntry *entry = entries; entry->long_name; entry++)
    if (is_shown(entry) && takes_value(entry))
      bash_add_value(script, entry);
  g_string_append_printf(script, "        *) files=%s ;;\n      esac ;;\n",
                         help->max_args > 0 ? "1" : "");
}

#define BASH_TAIL                                                                                  \
  "  esac\n"                                                                                       \
  "  if [ -n \"$values\" ]; then\n"                                                                \
  "    COMPREPLY=($(compgen -W \"$values\" -- \"$current\"))\n"                                    \
  "  elif [ \"${current#-}\" != \"$current\" ]; then\n"                                            \
  "    COMPREPLY=($(compgen -W \"$options\" -- \"$current\"))\n"                                   \
  "  elif [ -n \"$files\" ]; then\n"                                                               \
  "    compopt -o filenames 2>/dev/null\n"                                                         \
  "    local IFS=$'\\n'\n"                                                                         \
  "    COMPREPLY=($(compgen -f -- \"$current\"))\n"                                                \
  "  fi\n"                                                                                         \
  "}\n"                                                                                            \
  "complete -F _ddim ddim\n"

/* ---- zsh ---- */

static void
zsh_head(GString *script, const DdimCommand *commands, gsize n)
{
  g_string_append(script, "#compdef ddim\n"
                          "# Completion of ddim in zsh, made by 'ddim --completion zsh'.\n"
                          "_ddim() {\n"
                          "  local -a commands\n"
                          "  commands=(\n");
  for (gsize i = 0; i < n; i++) {
    g_autofree char *item = g_strdup_printf("%s:%s", commands[i].name, _(commands[i].summary));
    g_autofree char *quoted = quote(item);
    g_string_append_printf(script, "    %s\n", quoted);
  }
  g_string_append(script, "  )\n"
                          "  if (( CURRENT == 2 )); then\n"
                          "    _describe command commands\n"
                          "    return\n"
                          "  fi\n"
                          "  local command=$words[2]\n"
                          "  shift words\n"
                          "  (( CURRENT-- ))\n"
                          "  case $command in\n");
}

/* @text inside the brackets of a specification of _arguments. (transfer full) */
static char *
zsh_escape(const char *text)
{
  GString *out = g_string_new(NULL);

  for (const char *at = text; *at; at++) {
    if (strchr("[]:\\", *at))
      g_string_append_c(out, '\\');
    g_string_append_c(out, *at == '\n' ? ' ' : *at);
  }
  return g_string_free(out, FALSE);
}

static void
zsh_add_option(GString *script, const char *name, const GOptionEntry *entry)
{
  g_autofree char *help = zsh_escape(entry->description ? _(entry->description) : "");
  g_autofree char *choices = join_choices(entry);
  g_autofree char *action = choices             ? g_strdup_printf(":value:(%s)", choices)
                            : takes_file(entry) ? g_strdup(":file:_files")
                                                : g_strdup(":value: ");
  g_autofree char *spec = g_strdup_printf("%s[%s]%s", name, help, takes_value(entry) ? action : "");
  g_autofree char *quoted = quote(spec);

  g_string_append_printf(script, " \\\n        %s", quoted);
}

static void
zsh_command(GString *script, const char *command, const DdimHelp *help, const GOptionEntry *entries)
{
  g_string_append_printf(script, "    %s)\n      _arguments '--help'", command);
  for (const GOptionEntry *entry = entries; entry->long_name; entry++) {
    g_autofree char *name = g_strdup_printf("--%s", entry->long_name);
    if (!is_shown(entry))
      continue;
    zsh_add_option(script, name, entry);
    if (entry->short_name) {
      const char letter[] = {'-', entry->short_name, '\0'};
      zsh_add_option(script, letter, entry);
    }
  }
  if (help->max_args > 0)
    g_string_append(script, " \\\n        '*:file:_files'");
  g_string_append(script, " ;;\n");
}

#define ZSH_TAIL                                                                                   \
  "  esac\n"                                                                                       \
  "}\n"                                                                                            \
  "if [ \"$funcstack[1]\" = _ddim ]; then\n"                                                       \
  "  _ddim \"$@\"\n"                                                                               \
  "else\n"                                                                                         \
  "  compdef _ddim ddim\n"                                                                         \
  "fi\n"

/* ---- fish ---- */

static void
fish_head(GString *script, const DdimCommand *commands, gsize n)
{
  g_string_append(script, "# Completion of ddim in fish, made by 'ddim --completion fish'.\n"
                          "complete -c ddim -f\n"
                          "complete -c ddim -n __fish_use_subcommand -l help\n"
                          "complete -c ddim -n __fish_use_subcommand -l version\n");
  for (gsize i = 0; i < n; i++) {
    g_autofree char *summary = quote(_(commands[i].summary));
    g_string_append_printf(script, "complete -c ddim -n __fish_use_subcommand -a %s -d %s\n",
                           commands[i].name, summary);
  }
}

static void
fish_command(GString *script, const char *command, const DdimHelp *help,
             const GOptionEntry *entries)
{
  if (help->max_args > 0)
    g_string_append_printf(script, "complete -c ddim -n '__fish_seen_subcommand_from %s' -F\n",
                           command);
  for (const GOptionEntry *entry = entries; entry->long_name; entry++) {
    g_autofree char *text = quote(entry->description ? _(entry->description) : "");
    g_autofree char *choices = join_choices(entry);
    if (!is_shown(entry))
      continue;
    g_string_append_printf(script,
                           "complete -c ddim -n '__fish_seen_subcommand_from %s' -l %s -d %s",
                           command, entry->long_name, text);
    if (entry->short_name)
      g_string_append_printf(script, " -s %c", entry->short_name);
    if (choices)
      g_string_append_printf(script, " -x -a '%s'", choices);
    else if (takes_value(entry))
      g_string_append(script, takes_file(entry) ? " -r -F" : " -x");
    g_string_append_c(script, '\n');
  }
}

/* ---- all ---- */

static const Shell shells[] = {
    {"bash", bash_head, bash_command, BASH_TAIL},
    {"zsh", zsh_head, zsh_command, ZSH_TAIL},
    {"fish", fish_head, fish_command, ""},
};

DdimCompletion *
ddim_completion_new(const char *shell)
{
  for (gsize i = 0; i < G_N_ELEMENTS(shells); i++)
    if (g_strcmp0(shell, shells[i].name) == 0) {
      DdimCompletion *completion = g_new0(DdimCompletion, 1);
      completion->shell = &shells[i];
      completion->commands = g_string_new(NULL);
      return completion;
    }
  return NULL;
}

void
ddim_completion_add(gpointer data, const char *name, const DdimHelp *help,
                    const GOptionEntry *entries)
{
  DdimCompletion *completion = data;

  /* "ddim generate" is the command generate. */
  completion->shell->add_command(completion->commands, strrchr(name, ' ') + 1, help, entries);
}

char *
ddim_completion_finish(DdimCompletion *completion, const DdimCommand *commands, gsize n)
{
  g_autoptr(GString) script = g_string_new(NULL);

  completion->shell->add_head(script, commands, n);
  g_string_append(script, completion->commands->str);
  g_string_append(script, completion->shell->tail);
  g_string_free(completion->commands, TRUE);
  g_free(completion);
  return g_string_free(g_steal_pointer(&script), FALSE);
}
