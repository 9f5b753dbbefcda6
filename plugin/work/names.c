/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/work/names.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* Of the model `textures`. */
static const char *const classes[] = {
    N_("clouds"), N_("marble"), N_("wood"),       N_("cobblestone"), N_("brick"), N_("fabric"),
    N_("grass"),  N_("water"),  N_("sand"),       N_("lava"),        N_("rust"),  N_("leather"),
    N_("nebula"), N_("tiles"),  N_("camouflage"), N_("parchment"),
};

/* What models say of themselves, and what is shown instead. */
static const struct {
  const char *said, *shown;
} descriptions[] = {
    {"16 kinds of texture, class-conditional, any size divisible by 8",
     N_("16 kinds of texture to choose from, in any size")},
};

const char *
names_show_class(const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS(classes); i++)
    if (g_str_equal(classes[i], name))
      return _(classes[i]);
  return name;
}

const char *
names_show_description(const char *description)
{
  for (guint i = 0; description && i < G_N_ELEMENTS(descriptions); i++)
    if (g_str_equal(descriptions[i].said, description))
      return _(descriptions[i].shown);
  return description;
}

static gboolean
same(const char *a, const char *b)
{
  g_autofree char *one = g_utf8_casefold(a, -1), *other = g_utf8_casefold(b, -1);

  return g_str_equal(one, other);
}

static gboolean
contains(const char *name, const char *part)
{
  g_autofree char *folded = g_utf8_casefold(name, -1);

  return strstr(folded, part) != NULL;
}

gboolean
names_contain(const char *name, const char *part)
{
  return contains(name, part) || contains(names_show_class(name), part);
}

/* (nullable) the only class that has @name in it; not a part of a number */
static const char *
find_by_part(const char *name, const char *const *known)
{
  g_autofree char *part = g_utf8_casefold(name, -1);
  const char *found = NULL;

  for (guint i = 0; *part && !g_ascii_isdigit(*part) && known && known[i]; i++) {
    if (!names_contain(known[i], part))
      continue;
    if (found)
      return NULL;
    found = known[i];
  }
  return found;
}

/* (nullable) the model's name for @name */
static const char *
find_class(const char *name, const char *const *known)
{
  for (guint i = 0; known && known[i]; i++)
    if (same(known[i], name))
      return known[i];
  for (guint i = 0; known && known[i]; i++)
    if (same(names_show_class(known[i]), name))
      return known[i];
  return find_by_part(name, known);
}

static const char *
read_class(const char *name, const char *const *known)
{
  const char *found = find_class(name, known);

  return found ? found : name;
}

typedef const char *(*Translate)(const char *name, const char *const *known);

/* Each name of a list, without its weight, replaced. */
static char *
translate_list(const char *text, Translate translate, const char *const *known, const char *comma)
{
  GString *result = g_string_new(NULL);
  g_auto(GStrv) parts = g_strsplit(text, ",", -1);

  for (guint i = 0; parts[i]; i++) {
    char *weight = strrchr(parts[i], ':');
    g_autofree char *name = weight ? g_strndup(parts[i], weight - parts[i]) : g_strdup(parts[i]);
    g_string_append_printf(result, "%s%s%s", i ? comma : "", translate(g_strstrip(name), known),
                           weight ? weight : "");
  }
  return g_string_free(result, FALSE);
}

char *
names_read_classes(const char *text, const char *const *known)
{
  const char *whole = find_class(text, known);

  /* A name may have a comma itself. */
  return whole ? g_strdup(whole) : translate_list(text, read_class, known, ",");
}

static const char *
show(const char *name, const char *const *known)
{
  return names_show_class(name);
}

char *
names_show_classes(const char *text)
{
  return translate_list(text, show, NULL, ", ");
}
