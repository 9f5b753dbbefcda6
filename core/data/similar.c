/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/data/similar.h"

#include <string.h>

#define LONGEST_NAME 64
#define MOST_PROPOSALS 3

guint
ddim_edit_distance(const char *a, const char *b)
{
  guint row[LONGEST_NAME + 1];
  gsize n = strlen(b);

  if (n > LONGEST_NAME || strlen(a) > LONGEST_NAME)
    return G_MAXUINT;
  for (gsize j = 0; j <= n; j++)
    row[j] = j;
  for (gsize i = 0; a[i]; i++) {
    guint diagonal = row[0];
    row[0] = i + 1;
    for (gsize j = 0; j < n; j++) {
      guint above = row[j + 1];
      row[j + 1] = MIN(MIN(above, row[j]) + 1, diagonal + (a[i] != b[j]));
      diagonal = above;
    }
  }
  return row[n];
}

static char *
fold(const char *text)
{
  return g_strdelimit(g_ascii_strdown(text, -1), "-", '_');
}

/* The distance of @candidate, or G_MAXUINT when it is a different word: at most a third of the
 * letters may differ. */
static guint
distance_to(const char *folded, const char *candidate)
{
  g_autofree char *other = fold(candidate);
  gsize length = strlen(folded), other_length = strlen(other);

  /* Words differ in at least as many letters as one of them has more. */
  if (MAX(length, other_length) - MIN(length, other_length) <= length / 3) {
    const guint distance = ddim_edit_distance(folded, other);
    if (distance <= length / 3)
      return distance;
  }
  if (length >= 3 && (g_str_has_prefix(other, folded) || g_str_has_prefix(folded, other)))
    return LONGEST_NAME;
  return G_MAXUINT;
}

char *
ddim_similar(const char *text, const char *const *candidates)
{
  g_autofree char *folded = fold(text);
  const char *best[MOST_PROPOSALS + 1] = {NULL};
  guint distances[MOST_PROPOSALS + 1];
  guint n = 0;

  for (gsize i = 0; candidates[i]; i++) {
    guint distance = distance_to(folded, candidates[i]);
    guint at = n;
    if (distance == G_MAXUINT)
      continue;
    for (; at > 0 && distances[at - 1] > distance; at--) {
      best[at] = best[at - 1];
      distances[at] = distances[at - 1];
    }
    best[at] = candidates[i];
    distances[at] = distance;
    n = MIN(n + 1, MOST_PROPOSALS);
  }
  best[n] = NULL;
  return n ? g_strjoinv(", ", (char **)best) : NULL;
}
