/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* reproduce FILE|FOLDER…: run a fuzz target on these inputs, for compilers without libFuzzer and
 * for tests. */
#include "fuzz.h"

/* The number of inputs run; a target that finds something aborts. */
static guint
run_path(const char *path)
{
  g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
  guint count = 0;

  if (folder != NULL) {
    for (const char *name; (name = g_dir_read_name(folder)) != NULL;) {
      g_autofree char *child = g_build_filename(path, name, NULL);
      count += run_path(child);
    }
    return count;
  }

  g_autofree char *contents = NULL;
  g_autoptr(GError) error = NULL;
  gsize length;
  if (!g_file_get_contents(path, &contents, &length, &error)) {
    g_printerr("%s\n", error->message);
    return 0;
  }
  /* A block of exactly this size, so that a sanitizer sees a read past its end. */
  g_autofree guint8 *exact = g_memdup2(contents, length);
  LLVMFuzzerTestOneInput(exact ? exact : (const guint8 *)contents, length);
  return 1;
}

int
main(int argc, char **argv)
{
  guint count = 0;

  for (int i = 1; i < argc; i++) {
    const guint ran = run_path(argv[i]);
    if (ran == 0)
      g_printerr("%s: no input found\n", argv[i]);
    count += ran;
    if (ran == 0)
      return 1;
  }
  g_print("%u inputs\n", count);
  return count > 0 ? 0 : 1;
}
