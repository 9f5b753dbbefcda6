/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/dialog/preview.h"

#define SIZE 256

/* Where there is no picture: a checkerboard as in GIMP. */
#define CHECK_SIZE 8
#define LIGHT_CHECK 0x999999
#define DARK_CHECK 0x666666

/* Show @picture (nullable) in the middle of the checkerboard. */
static void
show_over_checks(GtkWidget *image, const GdkPixbuf *picture)
{
  GdkPixbuf *empty = gdk_pixbuf_new(GDK_COLORSPACE_RGB, TRUE, 8, SIZE, SIZE);
  GdkPixbuf *checks;

  gdk_pixbuf_fill(empty, 0);
  checks = gdk_pixbuf_composite_color_simple(empty, SIZE, SIZE, GDK_INTERP_NEAREST, 0, CHECK_SIZE,
                                             LIGHT_CHECK, DARK_CHECK);
  if (picture) {
    int width = gdk_pixbuf_get_width(picture), height = gdk_pixbuf_get_height(picture);
    int x = (SIZE - width) / 2, y = (SIZE - height) / 2;
    gdk_pixbuf_composite(picture, checks, x, y, width, height, x, y, 1, 1, GDK_INTERP_NEAREST, 255);
  }
  gtk_image_set_from_pixbuf(GTK_IMAGE(image), checks);
  g_object_unref(checks);
  g_object_unref(empty);
}

GtkWidget *
preview_new(void)
{
  GtkWidget *frame = gtk_frame_new(NULL), *image = gtk_image_new();

  gtk_frame_set_shadow_type(GTK_FRAME(frame), GTK_SHADOW_IN);
  show_over_checks(image, NULL);
  gtk_container_add(GTK_CONTAINER(frame), image);
  return frame;
}

/* GdkPixbuf knows RGB and RGBA only. */
static GdkPixbuf *
image_to_pixbuf(const DdimImage *image)
{
  const guint width = ddim_image_get_width(image), height = ddim_image_get_height(image);
  const guint channels = ddim_image_get_channels(image);
  const guint8 *in = ddim_image_get_pixels(image);
  gboolean gray = channels < 3, alpha = channels % 2 == 0;
  guint color = gray ? 1 : 3;
  GdkPixbuf *pixbuf = gdk_pixbuf_new(GDK_COLORSPACE_RGB, alpha, 8, width, height);
  guchar *out = gdk_pixbuf_get_pixels(pixbuf);
  int stride = gdk_pixbuf_get_rowstride(pixbuf);

  for (guint y = 0; y < height; y++)
    for (guint x = 0; x < width; x++, in += channels) {
      guchar *pixel = out + (gsize)y * stride + (gsize)x * (3 + alpha);
      for (guint c = 0; c < 3; c++)
        pixel[c] = in[gray ? 0 : c];
      if (alpha)
        pixel[3] = in[color];
    }
  return pixbuf;
}

void
preview_show(GtkWidget *preview, const DdimImage *image)
{
  const guint width = ddim_image_get_width(image), height = ddim_image_get_height(image);
  double scale = (double)SIZE / MAX(width, height);
  GdkPixbuf *pixbuf = image_to_pixbuf(image);
  GdkPixbuf *fitted = gdk_pixbuf_scale_simple(pixbuf, MAX(1, (int)(width * scale)),
                                              MAX(1, (int)(height * scale)), GDK_INTERP_BILINEAR);

  show_over_checks(gtk_bin_get_child(GTK_BIN(preview)), fitted);
  g_object_unref(fitted);
  g_object_unref(pixbuf);
}
