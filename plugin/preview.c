/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "preview.h"

#define SIZE 256

GtkWidget *
preview_new(void)
{
  GtkWidget *frame = gtk_frame_new(NULL), *image = gtk_image_new();

  gtk_frame_set_shadow_type(GTK_FRAME(frame), GTK_SHADOW_IN);
  gtk_widget_set_size_request(image, SIZE, SIZE);
  gtk_container_add(GTK_CONTAINER(frame), image);
  return frame;
}

/* GdkPixbuf knows RGB and RGBA only. */
static GdkPixbuf *
image_to_pixbuf(const DdimImage *image)
{
  gboolean gray = image->channels < 3, alpha = image->channels % 2 == 0;
  guint color = gray ? 1 : 3;
  GdkPixbuf *pixbuf = gdk_pixbuf_new(GDK_COLORSPACE_RGB, alpha, 8, image->width, image->height);
  guchar *out = gdk_pixbuf_get_pixels(pixbuf);
  int stride = gdk_pixbuf_get_rowstride(pixbuf);

  for (guint y = 0; y < image->height; y++)
    for (guint x = 0; x < image->width; x++) {
      const guint8 *in = image->pixels + ((gsize)y * image->width + x) * image->channels;
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
  double scale = (double)SIZE / MAX(image->width, image->height);
  GdkPixbuf *pixbuf = image_to_pixbuf(image);
  GdkPixbuf *fitted =
      gdk_pixbuf_scale_simple(pixbuf, MAX(1, (int)(image->width * scale)),
                              MAX(1, (int)(image->height * scale)), GDK_INTERP_BILINEAR);

  gtk_image_set_from_pixbuf(GTK_IMAGE(gtk_bin_get_child(GTK_BIN(preview))), fitted);
  g_object_unref(fitted);
  g_object_unref(pixbuf);
}
