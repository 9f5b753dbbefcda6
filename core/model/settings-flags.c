/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The flags of the original's scripts as people type them: "--image_size 64
 * --noise_schedule=cosine". They are read as argparse reads them after
 * improved_diffusion.script_util.add_dict_to_argparser(). Of a repeated flag the last counts. */

#include "core/model/settings.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include "core/data/error.h"

/* No command line is longer, and the text is copied several times. */
#define LONGEST_FLAGS (64 * 1024)
#define DEEPEST_ASSIGNMENT 2

/* What is being read. */
typedef struct {
  DdimSettings *settings;
  gboolean classifier;
} Flags;

static gboolean
set_flag(const Flags *flags, const char *name, const char *value, GError **error)
{
  DdimSettings *settings = flags->settings;
  g_autofree char *expected = NULL, *proposal = NULL;
  const char *reason = ddim_key_ignored(name);
  DdimKey key;

  if (flags->classifier ? ddim_key_find_classifier(name, &key) : ddim_key_find(name, &key)) {
    char *text = ddim_key_parse(key, value, &expected);
    if (text) {
      g_free(settings->values[key]);
      settings->values[key] = text;
      return TRUE;
    }
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT, _("--%s %s: expected %s"), name, value,
                expected);
    return FALSE;
  }
  if (reason) {
    ddim_settings_note(settings, _("--%s is ignored: %s"), name, reason);
    return TRUE;
  }
  proposal = ddim_key_proposal(name);
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT, _("unknown flag --%s%s"), name, proposal);
  return FALSE;
}

/* argparse takes "-1" as a value, but not "-x" or "--x". */
static gboolean
is_value(const char *word)
{
  return word && (*word != '-' || g_ascii_isdigit(word[1]) || word[1] == '.');
}

static gboolean parse(const Flags *flags, const char *text, guint depth, GError **error);

/* The README gives the flags as shell assignments: MODEL_FLAGS="--image_size 64 …". */
static gboolean
parse_assignment(const Flags *flags, const char *word, guint depth, GError **error)
{
  const char *equals = strchr(word, '=');

  if (depth < DEEPEST_ASSIGNMENT && equals && equals - word >= 5 &&
      strncmp(equals - 5, "FLAGS", 5) == 0)
    return parse(flags, equals + 1, depth + 1, error);
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
              _("flags: expected --NAME VALUE where “%s” stands"), word);
  return FALSE;
}

static gboolean
parse(const Flags *flags, const char *text, guint depth, GError **error)
{
  g_auto(GStrv) words = NULL;
  g_autoptr(GError) local = NULL;

  if (!g_shell_parse_argv(text, NULL, &words, &local)) {
    if (g_error_matches(local, G_SHELL_ERROR, G_SHELL_ERROR_EMPTY_STRING))
      return TRUE;
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT, _("flags: %s"), local->message);
    return FALSE;
  }
  for (guint i = 0; words[i]; i++) {
    if (!g_str_has_prefix(words[i], "--")) {
      if (!parse_assignment(flags, words[i], depth, error))
        return FALSE;
      continue;
    }
    char *name = words[i] + 2;
    char *equals = strchr(name, '=');
    const char *value = equals ? equals + 1 : words[i + 1];
    if (equals)
      *equals = '\0';
    else if (is_value(value))
      i++;
    else
      value = NULL;
    if (!value) {
      g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT, _("flags: --%s has no value"), name);
      return FALSE;
    }
    if (!set_flag(flags, name, value, error))
      return FALSE;
  }
  return TRUE;
}

DdimSettings *
ddim_settings_from_flags(const char *flags, gboolean classifier, GError **error)
{
  g_autoptr(DdimSettings) settings = ddim_settings_new("--flags");
  const Flags reading = {settings, classifier};

  if (!flags)
    return g_steal_pointer(&settings);
  if (strlen(flags) > LONGEST_FLAGS || !g_utf8_validate(flags, -1, NULL)) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT, _("flags: too long, or not UTF-8 text"));
    return NULL;
  }
  return parse(&reading, flags, 0, error) ? g_steal_pointer(&settings) : NULL;
}
