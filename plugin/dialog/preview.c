/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/dialog/preview.h"

#include <gdk/gdkkeysyms.h>
#include <math.h>

/* Of the widget, at least; and of the pictures that are kept, at most. */
#define SIZE 256
#define MAX_KEPT 640
/* Between the pictures of a sheet. */
#define GAP 4

/* Where there is no picture: a checkerboard as in GIMP. */
#define CHECK_SIZE 8
#define LIGHT_CHECK 0.6
#define DARK_CHECK 0.4

typedef struct {
  GtkWidget *area;
  guint n, columns, rows;
  GdkPixbuf *pictures[PREVIEW_MAX_PICTURES]; /* (nullable) */
  gboolean chosen[PREVIEW_MAX_PICTURES];
  gboolean choosing;
  guint cursor; /* the picture that the keyboard is on */
  UiChanged changed;
  gpointer user_data;
} Preview;

static Preview *
get_preview(GtkWidget *widget)
{
  return g_object_get_data(G_OBJECT(widget), "ddim-preview");
}

static void
drop_pictures(Preview *preview)
{
  for (guint i = 0; i < PREVIEW_MAX_PICTURES; i++) {
    g_clear_object(&preview->pictures[i]);
    preview->chosen[i] = FALSE;
  }
}

static void
preview_free(gpointer data)
{
  drop_pictures(data);
  g_free(data);
}

/* ---- drawing ---- */

static void
draw_checks(cairo_t *cairo, int width, int height)
{
  for (int y = 0; y < height; y += CHECK_SIZE)
    for (int x = 0; x < width; x += CHECK_SIZE) {
      double gray = (x / CHECK_SIZE + y / CHECK_SIZE) % 2 ? DARK_CHECK : LIGHT_CHECK;
      cairo_set_source_rgb(cairo, gray, gray, gray);
      cairo_rectangle(cairo, x, y, CHECK_SIZE, CHECK_SIZE);
      cairo_fill(cairo);
    }
}

static GdkRectangle
get_cell(const Preview *preview, guint index, int width, int height)
{
  const int across = preview->columns, down = preview->rows, gap = preview->n > 1 ? GAP : 0;
  const int w = (width - gap * (across + 1)) / across, h = (height - gap * (down + 1)) / down;

  return (GdkRectangle){gap + (int)(index % across) * (w + gap),
                        gap + (int)(index / across) * (h + gap), MAX(w, 1), MAX(h, 1)};
}

static void
draw_picture(cairo_t *cairo, const GdkPixbuf *picture, const GdkRectangle *cell)
{
  const double width = gdk_pixbuf_get_width(picture), height = gdk_pixbuf_get_height(picture);
  const double scale = MIN(cell->width / width, cell->height / height);

  cairo_save(cairo);
  cairo_translate(cairo, cell->x + (cell->width - width * scale) / 2,
                  cell->y + (cell->height - height * scale) / 2);
  cairo_scale(cairo, scale, scale);
  gdk_cairo_set_source_pixbuf(cairo, picture, 0, 0);
  cairo_pattern_set_extend(cairo_get_source(cairo), CAIRO_EXTEND_PAD);
  cairo_rectangle(cairo, 0, 0, width, height);
  cairo_fill(cairo);
  cairo_restore(cairo);
}

static void
draw_frame(cairo_t *cairo, const GdkRectangle *cell, double width, double gray)
{
  cairo_set_line_width(cairo, width);
  cairo_set_source_rgb(cairo, gray, gray, gray);
  cairo_rectangle(cairo, cell->x - width / 2, cell->y - width / 2, cell->width + width,
                  cell->height + width);
  cairo_stroke(cairo);
}

static void
draw(Preview *preview, cairo_t *cairo, int width, int height)
{
  draw_checks(cairo, width, height);
  for (guint i = 0; i < preview->n; i++) {
    const GdkRectangle cell = get_cell(preview, i, width, height);
    if (preview->pictures[i])
      draw_picture(cairo, preview->pictures[i], &cell);
    if (preview->chosen[i]) {
      draw_frame(cairo, &cell, 4, 0);
      draw_frame(cairo, &cell, 2, 1);
    } else if (preview->choosing && i == preview->cursor && gtk_widget_has_focus(preview->area))
      draw_frame(cairo, &cell, 1, 0);
  }
}

#if GTK_MAJOR_VERSION >= 3
static gboolean
on_draw(GtkWidget *area, cairo_t *cairo, Preview *preview)
{
  draw(preview, cairo, gtk_widget_get_allocated_width(area), gtk_widget_get_allocated_height(area));
  return FALSE;
}
#else
static gboolean
on_draw(GtkWidget *area, GdkEventExpose *event, Preview *preview)
{
  cairo_t *cairo = gdk_cairo_create(gtk_widget_get_window(area));
  GtkAllocation allocation;

  gtk_widget_get_allocation(area, &allocation);
  draw(preview, cairo, allocation.width, allocation.height);
  cairo_destroy(cairo);
  return FALSE;
}
#endif

/* ---- choosing ---- */

static void
toggle(Preview *preview, guint index)
{
  preview->cursor = index;
  preview->chosen[index] = !preview->chosen[index];
  gtk_widget_queue_draw(preview->area);
  if (preview->changed)
    preview->changed(preview->user_data);
}

static gboolean
on_click(GtkWidget *area, GdkEventButton *event, Preview *preview)
{
  GtkAllocation allocation;

  if (!preview->choosing || event->button != 1 || event->type != GDK_BUTTON_PRESS)
    return FALSE;
  gtk_widget_grab_focus(area);
  gtk_widget_get_allocation(area, &allocation);
  for (guint i = 0; i < preview->n; i++) {
    const GdkRectangle cell = get_cell(preview, i, allocation.width, allocation.height);
    if (event->x >= cell.x && event->x < cell.x + cell.width && event->y >= cell.y &&
        event->y < cell.y + cell.height)
      toggle(preview, i);
  }
  return TRUE;
}

static gboolean
on_key(GtkWidget *area, GdkEventKey *event, Preview *preview)
{
  int step = 0;

  if (!preview->choosing)
    return FALSE;
  switch (event->keyval) {
  case GDK_KEY_Left:
    step = -1;
    break;
  case GDK_KEY_Right:
    step = 1;
    break;
  case GDK_KEY_Up:
    step = -(int)preview->columns;
    break;
  case GDK_KEY_Down:
    step = preview->columns;
    break;
  case GDK_KEY_space:
    toggle(preview, preview->cursor);
    return TRUE;
  default:
    return FALSE;
  }
  if ((int)preview->cursor + step >= 0 && preview->cursor + step < preview->n)
    preview->cursor += step;
  gtk_widget_queue_draw(area);
  return TRUE;
}

/* ---- the widget ---- */

GtkWidget *
preview_new(void)
{
  GtkWidget *frame = gtk_frame_new(NULL);
  Preview *preview = g_new0(Preview, 1);

  preview->columns = preview->rows = 1;
  preview->area = gtk_drawing_area_new();
  gtk_widget_set_size_request(preview->area, SIZE, SIZE);
  gtk_widget_add_events(preview->area, GDK_BUTTON_PRESS_MASK | GDK_KEY_PRESS_MASK);
  gtk_frame_set_shadow_type(GTK_FRAME(frame), GTK_SHADOW_IN);
  gtk_container_add(GTK_CONTAINER(frame), preview->area);
  g_object_set_data_full(G_OBJECT(frame), "ddim-preview", preview, preview_free);
#if GTK_MAJOR_VERSION >= 3
  g_signal_connect(preview->area, "draw", G_CALLBACK(on_draw), preview);
#else
  g_signal_connect(preview->area, "expose-event", G_CALLBACK(on_draw), preview);
#endif
  g_signal_connect(preview->area, "button-press-event", G_CALLBACK(on_click), preview);
  g_signal_connect(preview->area, "key-press-event", G_CALLBACK(on_key), preview);
  return frame;
}

void
preview_begin(GtkWidget *widget, guint n)
{
  Preview *preview = get_preview(widget);

  preview_set_choosing(widget, FALSE);
  drop_pictures(preview);
  preview->n = MIN(n, PREVIEW_MAX_PICTURES);
  preview->columns = MAX((guint)ceil(sqrt(preview->n)), 1);
  preview->rows = MAX((preview->n + preview->columns - 1) / preview->columns, 1);
  preview->cursor = 0;
}

void
preview_set_chosen(GtkWidget *widget, UiChanged chosen, gpointer user_data)
{
  Preview *preview = get_preview(widget);

  preview->changed = chosen;
  preview->user_data = user_data;
}

void
preview_show(GtkWidget *widget, const DdimImage *image)
{
  if (get_preview(widget)->n != 1)
    preview_begin(widget, 1);
  preview_show_at(widget, 0, image);
}

void
preview_show_at(GtkWidget *widget, guint index, const DdimImage *image)
{
  Preview *preview = get_preview(widget);
  const guint width = ddim_image_get_width(image), height = ddim_image_get_height(image);
  const double scale = (double)MAX_KEPT / MAX(width, height);
  GdkPixbuf *picture;

  if (index >= preview->n)
    return;
  picture = preview_image_to_pixbuf(image);
  if (scale < 1) {
    GdkPixbuf *small = gdk_pixbuf_scale_simple(picture, MAX(1, (int)(width * scale)),
                                               MAX(1, (int)(height * scale)), GDK_INTERP_BILINEAR);
    g_object_unref(picture);
    picture = small;
  }
  g_clear_object(&preview->pictures[index]);
  preview->pictures[index] = picture;
  gtk_widget_queue_draw(preview->area);
}

void
preview_set_choosing(GtkWidget *widget, gboolean choosing)
{
  Preview *preview = get_preview(widget);

  preview->choosing = choosing && preview->n > 1;
  gtk_widget_set_can_focus(preview->area, preview->choosing);
  if (!preview->choosing)
    for (guint i = 0; i < PREVIEW_MAX_PICTURES; i++)
      preview->chosen[i] = FALSE;
  gtk_widget_queue_draw(preview->area);
}

guint
preview_count_chosen(GtkWidget *widget)
{
  const Preview *preview = get_preview(widget);
  guint n = 0;

  for (guint i = 0; i < preview->n; i++)
    n += preview->chosen[i];
  return n;
}

gboolean
preview_is_chosen(GtkWidget *widget, guint index)
{
  const Preview *preview = get_preview(widget);

  return index < preview->n && preview->chosen[index];
}

/* GdkPixbuf knows RGB and RGBA only. */
GdkPixbuf *
preview_image_to_pixbuf(const DdimImage *image)
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
