/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/edit/input.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include "core/data/error.h"
#include "core/data/image-private.h"
#include "core/data/memory.h"
#include "core/edit/picture.h"
#include "core/job/request-private.h"
#include "plugin/image/layer-list.h"
#include "plugin/image/source.h"

/* Pixels around the context of what is filled that are taken along, so that the model's windows
 * find as many as they want. */
#define MARGIN 1024
/* Pictures of more pixels are not repeated for the eye. */
#define MAX_TILED (4 * 1024 * 1024)

void
edit_input_free(EditInput *input)
{
  if (!input)
    return;
  g_clear_object(&input->request);
  target_clear(&input->target);
  g_clear_pointer(&input->picture, ddim_image_free);
  g_clear_pointer(&input->mask, ddim_image_free);
  g_clear_pointer(&input->coverage, g_free);
  for (guint i = 0; i < 2; i++)
    g_clear_pointer(&input->ends[i], ddim_image_free);
  g_free(input);
}

static gboolean
refuse(GError **error, const char *text)
{
  g_set_error_literal(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT, text);
  return FALSE;
}

static GeglRectangle
get_canvas(ImageRef image)
{
  return (GeglRectangle){0, 0, gimp_image_get_width(image), gimp_image_get_height(image)};
}

/* Where something is selected. */
static GeglRectangle
get_selected(const Target *target)
{
  return (GeglRectangle){target->x, target->y, (int)target->width, (int)target->height};
}

/* Let the result cover @rect of the image. */
static void
set_place(EditInput *input, const GeglRectangle *rect)
{
  input->target.x = rect->x;
  input->target.y = rect->y;
  input->target.width = rect->width;
  input->target.height = rect->height;
}

/* ---- filling ---- */

static gboolean
make_mask(EditInput *input, GError **error)
{
  const gsize n = (gsize)input->area.width * input->area.height;

  input->mask = ddim_image_new(input->area.width, input->area.height, 1, error);
  for (gsize i = 0; input->mask && i < n; i++)
    input->mask->pixels[i] = input->coverage[i] ? 255 : 0;
  return input->mask != NULL;
}

/* The coverage as the mask of the new layer. */
static void
set_layer_mask(EditInput *input, const DdimRect *rect)
{
  const GeglRectangle place = {input->area.x + (int)rect->x, input->area.y + (int)rect->y,
                               (int)rect->width, (int)rect->height};

  input->cut = (GeglRectangle){(int)rect->x, (int)rect->y, (int)rect->width, (int)rect->height};
  set_place(input, &place);
  g_clear_object(&input->target.mask);
  input->target.mask = gegl_buffer_new(&place, babl_format("Y u8"));
  gegl_buffer_set(input->target.mask, &place, 0, NULL,
                  input->coverage + (gsize)rect->y * input->area.width + rect->x,
                  input->area.width);
}

static gboolean
read_selection(EditInput *input, GError **error)
{
  const GeglRectangle canvas = get_canvas(input->target.image);
  GeglRectangle selected = get_selected(&input->target);
  int context, feather;
  DdimRect rect;

  g_object_get(input->request, "context", &context, "feather", &feather, NULL);
  if (!input->target.mask)
    return refuse(error, _("Nothing is selected; select what is to be filled"));
  selected.x -= MAX(context, 0) + feather + MARGIN;
  selected.y -= MAX(context, 0) + feather + MARGIN;
  selected.width += 2 * (MAX(context, 0) + feather + MARGIN);
  selected.height += 2 * (MAX(context, 0) + feather + MARGIN);
  gegl_rectangle_intersect(&input->area, &selected, &canvas);
  if (!(input->coverage = source_read_selection(input->target.image, &input->area, error)) ||
      !ddim_edit_feather(input->coverage, input->area.width, input->area.height, feather, error))
    return FALSE;
  if (!ddim_rect_around(input->coverage, input->area.width, input->area.height, &rect))
    return refuse(error, _("Nothing is selected; select what is to be filled"));
  if (!memchr(input->coverage, 0, (gsize)input->area.width * input->area.height))
    return refuse(error, _("The selection and its feather cover the whole image, so there is "
                           "nothing that the new could fit to; select less, or use DDIM Image"));
  set_layer_mask(input, &rect);
  return make_mask(input, error);
}

/* ---- layers ---- */

/* The part of the layer, or of what is visible, that is changed. */
static gboolean
choose_area(EditInput *input, LayerRef layer, GError **error)
{
  const GeglRectangle bounds =
      layer == NO_LAYER ? get_canvas(input->target.image) : source_get_bounds(layer);
  const GeglRectangle selected = get_selected(&input->target);

  input->area = bounds;
  if (input->target.mask && !gegl_rectangle_intersect(&input->area, &bounds, &selected))
    return refuse(error, _("The selection lies outside of the layer; choose another layer, or "
                           "select nothing (Select → None)"));
  if (!(input->command->traits & EDIT_MASKS))
    g_clear_object(&input->target.mask);
  set_place(input, &input->area);
  return TRUE;
}

/* ---- ends of a way ---- */

static LayerRef
find_named(ImageRef image, const char *option, const char *name, GError **error)
{
  LayerRef layer = layer_list_find(image, name);

  if (layer == NO_LAYER)
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("%s: there is no layer “%s”; give a layer’s name, or a number as a seed"), option,
                name);
  return layer;
}

static gboolean
read_end(EditInput *input, const char *option, DdimImage **end, GeglRectangle *bounds,
         GError **error)
{
  g_autofree char *text = NULL;
  LayerRef layer;
  GeglRectangle own;

  g_object_get(input->request, option, &text, NULL);
  if (text && g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT64, NULL, NULL))
    return TRUE;
  if ((layer = find_named(input->target.image, option, text ? text : "", error)) == NO_LAYER)
    return FALSE;
  own = source_get_bounds(layer);
  if (bounds->width && (bounds->width != own.width || bounds->height != own.height)) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("The two layers are of %d × %d and %d × %d pixels; both must be of one size"),
                bounds->width, bounds->height, own.width, own.height);
    return FALSE;
  }
  *bounds = own;
  if (!(*end = source_read(input->target.image, layer, &own, error)))
    return FALSE;
  ddim_edit_drop_alpha(*end);
  return TRUE;
}

static gboolean
read_ends(EditInput *input, GError **error)
{
  GeglRectangle bounds = {0};
  DdimRequest *sized;

  if (!read_end(input, "from", &input->ends[0], &bounds, error) ||
      !read_end(input, "to", &input->ends[1], &bounds, error))
    return FALSE;
  if (bounds.width) {
    set_place(input, &bounds);
    g_clear_object(&input->target.mask);
    g_object_set(input->request, "width", bounds.width, "height", bounds.height, NULL);
    return TRUE;
  }
  sized = target_fit_request(&input->target, input->request);
  g_object_unref(input->request);
  input->request = sized;
  return TRUE;
}

/* ---- the color ---- */

/* The mean color of the picture where it is selected; of all of it where nothing is. */
static char *
get_mean(const EditInput *input)
{
  const DdimImage *picture = input->picture;
  const guint channels = picture->channels, colors = channels < 3 ? 1 : 3;
  const gsize n = (gsize)picture->width * picture->height;
  g_autofree guint8 *selected =
      input->coverage || !input->target.mask
          ? NULL
          : source_read_selection(input->target.image, &input->area, NULL);
  const guint8 *weights = input->coverage ? input->coverage : selected;
  double sum[3] = {0}, total = 0;

  for (gsize i = 0; i < n; i++) {
    const guint8 *pixel = picture->pixels + i * channels;
    const double weight = (weights ? weights[i] : 255) * (channels % 2 ? 255.0 : pixel[colors]);
    for (guint c = 0; c < 3; c++)
      sum[c] += weight * pixel[MIN(c, colors - 1)];
    total += weight;
  }
  if (total == 0)
    return NULL;
  return g_strdup_printf("#%02x%02x%02x", (guint)(sum[0] / total + 0.5),
                         (guint)(sum[1] / total + 0.5), (guint)(sum[2] / total + 0.5));
}

/* Put a color in the place of the words for one. */
static gboolean
settle_color(EditInput *input, GError **error)
{
  g_autofree char *text = NULL, *color = NULL;
  double rgb[3];

  g_object_get(input->request, "color", &text, NULL);
  if (!text)
    return TRUE;
  if (g_str_equal(text, "foreground"))
    color = source_get_foreground();
  else if (g_str_equal(text, "selection") && input->picture)
    color = get_mean(input);
  else if (*text == '#' && ddim_edit_parse_color(text, rgb, NULL))
    return TRUE;
  else {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("color: “%s” is not valid; expected #rrggbb, foreground or selection"), text);
    return FALSE;
  }
  g_object_set(input->request, "color", color, NULL);
  return TRUE;
}

/* ---- all of it ---- */

/* Whether something is there that the new could fit to: pixels that stay, or that are changed, and
 * that are not transparent. */
static gboolean
check_picture(const EditInput *input, GError **error)
{
  const DdimImage *picture = input->picture;
  const gsize n = (gsize)picture->width * picture->height;

  if (picture->channels % 2)
    return TRUE;
  for (gsize i = 0; i < n; i++)
    if (picture->pixels[(i + 1) * picture->channels - 1] &&
        !(input->mask && input->mask->pixels[i]))
      return TRUE;
  return refuse(error, _("All of the layer is transparent here, so there is nothing to go by; "
                         "choose another layer, or “Sample what is visible”"));
}

static gboolean
read_picture(EditInput *input, DrawableRef drawable, gboolean visible, GError **error)
{
  LayerRef layer = visible ? NO_LAYER : source_find_layer(drawable, error);

  if (!visible && layer == NO_LAYER)
    return FALSE;
  if (!(input->command->traits & EDIT_FILLS ? read_selection(input, error)
                                            : choose_area(input, layer, error)))
    return FALSE;
  input->picture = source_read(input->target.image, layer, &input->area, error);
  g_object_set(input->request, "input", "layer.png", NULL);
  if (input->mask)
    g_object_set(input->request, "mask", "selection.png", "feather", 0, NULL);
  return input->picture && check_picture(input, error);
}

static gboolean
read_all(EditInput *input, ImageRef image, DrawableRef drawable, const EditSettings *settings,
         GError **error)
{
  if (!target_init(&input->target, image, drawable, error))
    return FALSE;
  if (image == NO_IMAGE && !(input->command->traits & EDIT_GOES_BETWEEN))
    return refuse(error, _("Open an image first"));
  if (input->command->command == DDIM_COMMAND_COLORIZE &&
      gimp_image_get_base_type(image) == GIMP_GRAY)
    return refuse(error, _("A gray image has no place for colors; change the image to RGB first "
                           "(Image → Mode → RGB)"));
  if (!(input->command->traits & EDIT_GOES_BETWEEN
            ? read_ends(input, error)
            : read_picture(input, drawable, settings->visible, error)) ||
      !settle_color(input, error))
    return FALSE;
  if (settings->new_image) {
    g_clear_object(&input->target.mask);
    input->target.image = NO_IMAGE;
    input->target.drawable = NO_DRAWABLE;
    input->target.x = input->target.y = 0;
  }
  return TRUE;
}

EditInput *
edit_input_new(ImageRef image, DrawableRef drawable, const EditSettings *settings, GError **error)
{
  g_autoptr(EditInput) input = g_new0(EditInput, 1);

  input->command = settings->command;
  input->request = ddim_request_copy(settings->request);
  return read_all(input, image, drawable, settings, error) ? g_steal_pointer(&input) : NULL;
}

/* ---- comparing and showing ---- */

static gboolean
is_same(const DdimImage *a, const DdimImage *b)
{
  if (!a || !b)
    return a == b;
  return a->width == b->width && a->height == b->height && a->channels == b->channels &&
         memcmp(a->pixels, b->pixels, (gsize)a->width * a->height * a->channels) == 0;
}

gboolean
edit_input_equal(const EditInput *a, const EditInput *b)
{
  const gsize n = (gsize)a->area.width * a->area.height;

  return a->command == b->command && a->target.image == b->target.image &&
         gegl_rectangle_equal(&a->area, &b->area) && gegl_rectangle_equal(&a->cut, &b->cut) &&
         a->target.width == b->target.width && a->target.height == b->target.height &&
         is_same(a->picture, b->picture) && is_same(a->ends[0], b->ends[0]) &&
         is_same(a->ends[1], b->ends[1]) && !a->coverage == !b->coverage &&
         (!a->coverage || memcmp(a->coverage, b->coverage, n) == 0);
}

/* The part of a picture to look at: what changes, and something around it. */
static DdimRect
get_view(const EditInput *input)
{
  const GeglRectangle *cut = &input->cut;
  const int around = MAX(cut->width, cut->height) / 2 + 16;
  const GeglRectangle all = {0, 0, (int)input->picture->width, (int)input->picture->height};
  GeglRectangle view = {cut->x - around, cut->y - around, cut->width + 2 * around,
                        cut->height + 2 * around};

  if (!cut->width || !gegl_rectangle_intersect(&view, &view, &all))
    view = all;
  return (DdimRect){(guint)view.x, (guint)view.y, (guint)view.width, (guint)view.height};
}

DdimWrap
edit_input_get_axes(const EditInput *input)
{
  return input->command->traits & EDIT_TILES ? ddim_request_get_axes(input->request, "axis")
                                             : DDIM_WRAP_NONE;
}

/* @picture three times along each axis along which it tiles, if that is not too large to look at.
 */
static DdimImage *
tile(const EditInput *input, const DdimImage *picture)
{
  const DdimWrap axes = edit_input_get_axes(input);
  const guint channels = picture->channels, width = picture->width, height = picture->height;
  const gboolean large = (guint64)width * height > MAX_TILED;
  const guint across = axes & DDIM_WRAP_X && !large ? 3 : 1;
  const guint down = axes & DDIM_WRAP_Y && !large ? 3 : 1;
  DdimImage *out = ddim_image_new(width * across, height * down, channels, NULL);

  for (guint y = 0; out && y < out->height; y++)
    for (guint i = 0; i < across; i++)
      memcpy(out->pixels + ((gsize)y * across + i) * width * channels,
             picture->pixels + (gsize)(y % height) * width * channels, (gsize)width * channels);
  return out;
}

/* One pixel as RGBA. */
static void
get_rgba(const DdimImage *picture, gsize at, guint8 *out)
{
  const guint8 *pixel = picture->pixels + at * picture->channels;
  const guint colors = picture->channels < 3 ? 1 : 3;

  for (guint c = 0; c < 3; c++)
    out[c] = pixel[MIN(c, colors - 1)];
  out[3] = picture->channels % 2 ? 255 : pixel[colors];
}

DdimImage *
edit_input_show(const EditInput *input, const DdimImage *made)
{
  const DdimImage *picture = input->picture;
  DdimImage *shown;
  DdimRect view;

  if (!picture)
    return made ? ddim_image_copy(made, NULL) : NULL;
  if (!input->coverage && (made || input->command->traits & EDIT_TILES))
    return tile(input, made ? made : picture);
  view = get_view(input);
  shown = ddim_image_new(view.width, view.height, 4, NULL);
  for (guint y = 0; shown && y < view.height; y++)
    for (guint x = 0; x < view.width; x++) {
      const gsize at = (gsize)(view.y + y) * picture->width + view.x + x;
      const guint cover = input->coverage ? input->coverage[at] : 0;
      guint8 *out = shown->pixels + ((gsize)y * view.width + x) * 4, new[4];
      get_rgba(picture, at, out);
      if (!made)
        out[3] = out[3] * (255 - cover) / 255;
      else if (cover) {
        get_rgba(made, at, new);
        for (guint c = 0; c < 4; c++)
          out[c] = (guint8)((new[c] * cover + out[c] * (255 - cover) + 127) / 255);
      }
    }
  return shown;
}
