/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/dialog/thumbnails.h"

#include <glib/gstdio.h>
#include "plugin/dialog/preview.h"

static char *
get_root(void)
{
  return g_build_filename(g_get_user_cache_dir(), "ddim", "thumbnails", NULL);
}

/* Another file of the same name is another model. */
static char *
get_folder(const CatalogModel *model)
{
  g_autofree char *root = get_root();
  g_autofree char *what = g_strdup_printf("%s %" G_GUINT64_FORMAT " %" G_GINT64_FORMAT, model->path,
                                          model->size, model->changed);
  g_autofree char *name = g_compute_checksum_for_string(G_CHECKSUM_SHA256, what, -1);

  return g_build_filename(root, name, NULL);
}

static char *
get_path(const CatalogModel *model, guint class)
{
  g_autofree char *folder = get_folder(model);
  g_autofree char *name = g_strdup_printf("%u.png", class);

  return g_build_filename(folder, name, NULL);
}

GdkPixbuf *
thumbnails_load(const CatalogModel *model, guint class)
{
  g_autofree char *path = class < THUMBNAILS_MAX_CLASSES ? get_path(model, class) : NULL;

  return path && g_file_test(path, G_FILE_TEST_IS_REGULAR)
             ? gdk_pixbuf_new_from_file_at_size(path, THUMBNAILS_SIZE, THUMBNAILS_SIZE, NULL)
             : NULL;
}

static void
remove_folder(const char *path)
{
  for (guint class = 0; class < THUMBNAILS_MAX_CLASSES; class ++) {
    g_autofree char *name = g_strdup_printf("%u.png", class);
    g_autofree char *file = g_build_filename(path, name, NULL);
    g_unlink(file);
  }
  g_rmdir(path);
}

/* Make room for another model. */
static void
forget_oldest(const char *root)
{
  g_autoptr(GDir) dir = g_dir_open(root, 0, NULL);
  g_autofree char *oldest = NULL;
  gint64 time = G_MAXINT64;
  const char *name;
  guint n = 0;

  while (dir && (name = g_dir_read_name(dir))) {
    g_autofree char *path = g_build_filename(root, name, NULL);
    GStatBuf info;
    if (g_stat(path, &info) != 0)
      continue;
    n++;
    if (info.st_mtime >= time)
      continue;
    time = info.st_mtime;
    g_free(oldest);
    oldest = g_steal_pointer(&path);
  }
  if (n >= THUMBNAILS_MAX_MODELS && oldest)
    remove_folder(oldest);
}

void
thumbnails_save(const CatalogModel *model, guint class, const DdimImage *image)
{
  g_autofree char *root = get_root(), *folder = get_folder(model), *path = get_path(model, class);
  GdkPixbuf *whole, *small;
  char *data = NULL;
  gsize size;

  if (class >= THUMBNAILS_MAX_CLASSES)
    return;
  if (!g_file_test(folder, G_FILE_TEST_IS_DIR))
    forget_oldest(root);
  g_mkdir_with_parents(folder, 0700);
  whole = preview_image_to_pixbuf(image);
  small = gdk_pixbuf_scale_simple(whole, THUMBNAILS_SIZE, THUMBNAILS_SIZE, GDK_INTERP_BILINEAR);
  /* Written whole or not at all. */
  if (gdk_pixbuf_save_to_buffer(small, &data, &size, "png", NULL, NULL))
    g_file_set_contents(path, data, size, NULL);
  g_free(data);
  g_object_unref(small);
  g_object_unref(whole);
}

int
thumbnails_find_missing(const CatalogModel *model, guint first)
{
  for (guint i = first; i < THUMBNAILS_MAX_CLASSES && model->classes[i]; i++) {
    g_autofree char *path = get_path(model, i);
    if (!g_file_test(path, G_FILE_TEST_EXISTS))
      return i;
  }
  return -1;
}
