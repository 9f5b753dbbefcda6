/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/checkpoint/unwrap.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "core/data/error.h"

/* Of a whole network, around each other in any order. */
static const char *const wrappers[] = {"module.", "_orig_mod."};

/* Each family's networks have one of these, and nothing else has: the time embedding's first
 * layer. */
static const char *const marks[] = {"time_embed.0.weight", "temb.dense.0.weight",
                                    "time_embedding.linear_1.weight"};

/* Its network makes no pictures but what a second network makes pictures of. */
#define LATENT "model.diffusion_model."

static const char *
get_name(const DdimCheckpoint *checkpoint, guint index)
{
  return g_array_index(checkpoint->tensors, DdimTensor, index).name;
}

static gboolean
all_begin_with(const DdimCheckpoint *checkpoint, const char *prefix)
{
  for (guint i = 0; i < checkpoint->tensors->len; i++) {
    const char *name = get_name(checkpoint, i);
    if (!g_str_has_prefix(name, prefix) || strlen(name) == strlen(prefix))
      return FALSE;
  }
  return checkpoint->tensors->len > 0;
}

/* Append the wrappers that all tensors have. */
static void
append_wrappers(const DdimCheckpoint *checkpoint, GString *prefix)
{
  gboolean found;

  do {
    found = FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(wrappers) && !found; i++) {
      const gsize length = prefix->len;
      g_string_append(prefix, wrappers[i]);
      found = all_begin_with(checkpoint, prefix->str);
      if (!found)
        g_string_truncate(prefix, length);
    }
  } while (found);
}

/* Where the mark begins that @name ends with; NULL when it ends with none. */
static const char *
find_mark(const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS(marks); i++) {
    const gsize length = strlen(name), mark = strlen(marks[i]);
    if (g_str_has_suffix(name, marks[i]) && (length == mark || name[length - mark - 1] == '.'))
      return name + length - mark;
  }
  return NULL;
}

static gboolean
is_averaged(const char *prefix)
{
  g_autofree char *small = g_ascii_strdown(prefix, -1);

  return strstr(small, "ema") != NULL;
}

/* Append what stands between @prefix and the names of the network; nothing when there is no
 * network, or when it is not clear which one is meant. */
static void
append_module(const DdimCheckpoint *checkpoint, GString *prefix)
{
  g_autofree char *only = NULL, *averaged = NULL;
  guint n = 0, n_averaged = 0;

  for (guint i = 0; i < checkpoint->tensors->len; i++) {
    const char *name = get_name(checkpoint, i);
    const char *begin = g_str_has_prefix(name, prefix->str) ? name + prefix->len : NULL;
    const char *mark = begin ? find_mark(begin) : NULL;
    if (!mark || g_str_has_prefix(begin, LATENT))
      continue;
    char **place = &only;
    g_autofree char *module = g_strndup(begin, mark - begin);
    n++;
    if (is_averaged(module)) {
      n_averaged++;
      place = &averaged;
    }
    g_free(*place);
    *place = g_steal_pointer(&module);
  }
  if (n_averaged == 1)
    g_string_append(prefix, averaged);
  else if (n == 1)
    g_string_append(prefix, only);
}

static gboolean
strip(DdimCheckpoint *checkpoint, const char *prefix, GError **error)
{
  g_autoptr(GHashTable) indices = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char **names = g_new0(char *, checkpoint->tensors->len);

  for (guint i = 0; i < checkpoint->tensors->len; i++) {
    const char *name = get_name(checkpoint, i);
    const char *stripped = g_str_has_prefix(name, prefix) ? name + strlen(prefix) : name;
    if (g_hash_table_contains(indices, stripped)) {
      g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("“%s”: it has two tensors named “%s”"),
                  checkpoint->path, stripped);
      return FALSE;
    }
    names[i] = g_strdup(stripped);
    g_hash_table_insert(indices, names[i], GUINT_TO_POINTER(i));
  }
  for (guint i = 0; i < checkpoint->tensors->len; i++)
    g_array_index(checkpoint->tensors, DdimTensor, i).name = names[i];
  g_hash_table_unref(checkpoint->indices);
  checkpoint->indices = g_steal_pointer(&indices);
  return TRUE;
}

gboolean
ddim_checkpoint_unwrap(DdimCheckpoint *checkpoint, GError **error)
{
  g_autoptr(GString) prefix = g_string_new(NULL);

  append_wrappers(checkpoint, prefix);
  append_module(checkpoint, prefix);
  if (prefix->len == 0)
    return TRUE;
  checkpoint->prefix = g_strdup(prefix->str);
  return strip(checkpoint, prefix->str, error);
}
