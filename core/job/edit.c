/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/job/edit.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "core/data/error.h"
#include "core/diffusion/travel.h"
#include "core/edit/picture.h"
#include "core/job/request-private.h"
#include "core/data/image-private.h"
#include "core/data/memory.h"
#include "core/model/config-details.h"

/* How often each part of the sampling is repeated to fill a hole, and into how many parts the steps
 * are divided for that. */
#define USUAL_QUALITY 4
#define PARTS 5
#define USUAL_SCALE 4
/* The side that the model was trained with, divided by this, is how much is made anew on each side
 * of a seam. */
#define SEAM_PART 8

void
ddim_edit_free(DdimEdit *edit)
{
  if (!edit)
    return;
  g_clear_pointer(&edit->picture, ddim_image_free);
  g_clear_pointer(&edit->coverage, g_free);
  g_clear_pointer(&edit->frame, ddim_frame_free);
  g_clear_pointer(&edit->known, g_free);
  g_clear_pointer(&edit->low_res, g_free);
  g_free(edit);
}

static gboolean
refuse(GError **error, const char *format, const char *what)
{
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT, format, what);
  return FALSE;
}

static guint
get_colors(guint channels)
{
  return channels < 3 ? 1 : 3;
}

/* ---- the pictures ---- */

static DdimImage *
open_input(DdimSession *session, DdimRequest *request, gboolean any_size, GError **error)
{
  g_autofree char *path = NULL;
  g_autoptr(DdimImage) image = NULL;
  const guint stride = ddim_config_get_stride(session->config);

  g_object_get(request, "input", &path, NULL);
  if (!path) {
    refuse(error, _("%s: no picture is given"), "input");
    return NULL;
  }
  if (!(image = ddim_session_open_picture(session, path, "input", error)))
    return NULL;
  if (get_colors(image->channels) > get_colors(ddim_session_get_channels(session))) {
    refuse(error, _("input: the picture has colors, but %s makes gray ones; make it gray first"),
           ddim_config_get_name(session->config));
    return NULL;
  }
  if (any_size || (image->width >= stride && image->height >= stride))
    return g_steal_pointer(&image);
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
              _("input: %s is %ux%u pixels, but %s takes no less than %ux%u; enlarge it or add a "
                "border"),
              path, image->width, image->height, ddim_config_get_name(session->config), stride,
              stride);
  return NULL;
}

/* Coverage of the whole picture. (transfer full) */
static guint8 *
cover_all(const DdimImage *picture, GError **error)
{
  const gsize n = (gsize)picture->width * picture->height;
  guint8 *coverage = ddim_try_alloc(n, 1, error);

  if (coverage)
    memset(coverage, 255, n);
  return coverage;
}

static gboolean
check_mask(const DdimEdit *edit, GError **error)
{
  const gsize n = (gsize)edit->picture->width * edit->picture->height;

  if (!memchr(edit->coverage, 0, n))
    return refuse(error, "%s",
                  _("mask: all of it is white, so nothing of the picture would stay; make the mask "
                    "smaller, or use 'ddim generate' or 'ddim vary'"));
  for (gsize i = 0; i < n; i++)
    if (edit->coverage[i])
      return TRUE;
  return refuse(error, "%s", _("mask: nothing in it is white, so there is nothing to fill"));
}

static guint8 *
open_mask(const DdimEdit *edit, DdimSession *session, const char *path, GError **error)
{
  g_autoptr(DdimImage) mask = ddim_session_open_picture(session, path, "mask", error);

  return mask ? ddim_edit_mask_from_picture(mask, path, edit->picture->width, edit->picture->height,
                                            error)
              : NULL;
}

static gboolean
read_mask(DdimEdit *edit, DdimSession *session, DdimRequest *request, GError **error)
{
  const guint width = edit->picture->width, height = edit->picture->height;
  g_autofree char *mask = NULL, *box = NULL;
  g_autoptr(GError) trouble = NULL;
  int feather;

  g_object_get(request, "mask", &mask, "box", &box, "feather", &feather, NULL);
  if (mask && box)
    return refuse(error, "%s", _("box: a mask is given as well; give one of the two"));
  edit->coverage = mask  ? open_mask(edit, session, mask, &trouble)
                   : box ? ddim_edit_mask_from_box(box, width, height, &trouble)
                         : ddim_edit_mask_from_alpha(edit->picture, &trouble);
  if (trouble) {
    g_propagate_error(error, g_steal_pointer(&trouble));
    return FALSE;
  }
  if (!edit->coverage)
    return refuse(error, "%s",
                  _("mask: nothing tells what to fill; give --mask or --box, or a "
                    "picture that is transparent there"));
  if (!check_mask(edit, error))
    return FALSE;
  return ddim_edit_feather(edit->coverage, width, height, feather, error);
}

/* How many pixels on each side of a seam are made anew. */
static gboolean
choose_seam_width(const DdimEdit *edit, DdimSession *session, DdimRequest *request, guint *n,
                  GError **error)
{
  const guint across = edit->seams & DDIM_WRAP_X ? edit->picture->width : G_MAXUINT;
  const guint down = edit->seams & DDIM_WRAP_Y ? edit->picture->height : G_MAXUINT;
  const guint side = MIN(across, down), most = (side - 1) / 2;
  int wanted;

  g_object_get(request, "seam-width", &wanted, NULL);
  *n = wanted;
  if (!wanted)
    *n = CLAMP(ddim_config_get_image_size(session->config) / SEAM_PART, 1, MAX(side / 4, 1));
  g_object_set(request, "seam-width", (int)*n, NULL);
  if (*n <= most)
    return TRUE;
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
              most
                  ? _("width: %u pixels on each side of a seam would leave nothing of the picture, "
                      "which is %ux%u; choose at most %u")
                  : _("width: %u pixels on each side of a seam would leave nothing of the picture, "
                      "which is %ux%u; choose a larger picture"),
              *n, edit->picture->width, edit->picture->height, most);
  return FALSE;
}

/* Move the picture so that its edges meet in the middle, which is then filled like a hole. */
static gboolean
read_seams(DdimEdit *edit, DdimSession *session, DdimRequest *request, GError **error)
{
  const guint width = edit->picture->width, height = edit->picture->height;
  g_autoptr(DdimImage) moved = NULL;
  guint n = 0;
  int feather;

  g_object_get(request, "feather", &feather, NULL);
  edit->seams = edit->rings = ddim_request_get_axes(request, "axis");
  edit->roll_x = edit->seams & DDIM_WRAP_X ? width / 2 : 0;
  edit->roll_y = edit->seams & DDIM_WRAP_Y ? height / 2 : 0;
  if (!choose_seam_width(edit, session, request, &n, error) ||
      !(moved = ddim_edit_roll(edit->picture, edit->roll_x, edit->roll_y, error)))
    return FALSE;
  ddim_image_free(edit->picture);
  edit->picture = g_steal_pointer(&moved);
  /* What is blended lies within the seam: pixels beyond its width keep their bytes. */
  feather = MIN(feather, (int)n - 1);
  edit->coverage = ddim_edit_mask_from_seams(width, height, edit->seams, n - feather, error);
  return edit->coverage && ddim_edit_feather(edit->coverage, width, height, feather, error);
}

/* @image as samples, its color channels only. (transfer full) */
static float *
to_samples(const DdimImage *image, guint channels, GError **error)
{
  const gsize plane = (gsize)image->width * image->height;
  float *samples = ddim_try_alloc(plane * channels, sizeof(float), error);

  for (gsize i = 0; samples && i < plane; i++)
    for (guint c = 0; c < channels; c++)
      samples[c * plane + i] = image->pixels[i * image->channels + c] / 127.5f - 1.0f;
  return samples;
}

static gboolean
read_gray(DdimEdit *edit, GError **error)
{
  const gsize plane = (gsize)edit->picture->width * edit->picture->height;
  g_autofree float *samples = to_samples(edit->picture, 3, error);

  if (!samples || !(edit->known = ddim_try_alloc(plane, sizeof(float), error)))
    return FALSE;
  edit->known_width = edit->picture->width;
  edit->known_height = edit->picture->height;
  edit->cell = 1;
  edit->gray = TRUE;
  for (gsize i = 0; i < plane; i++)
    edit->known[i] = (samples[i] + samples[plane + i] + samples[2 * plane + i]) / 3;
  return TRUE;
}

/* The factor by which the model itself enlarges; 0 for a model that does not. */
static guint
get_own_scale(DdimConfig *config)
{
  const guint small = ddim_config_get_small_size(config);

  return small ? MAX(ddim_config_get_image_size(config) / small, 1) : 0;
}

/* Use the small picture as what is known. Make a large picture, in which each of its pixels is
 * repeated, for the result to be put into. */
static gboolean
enlarge(DdimEdit *edit, DdimSession *session, DdimRequest *request, GError **error)
{
  g_autoptr(DdimImage) small = g_steal_pointer(&edit->picture);
  const guint own = get_own_scale(session->config);
  const guint channels = ddim_session_get_channels(session);
  int scale;

  g_object_get(request, "scale", &scale, NULL);
  edit->rings = ddim_request_get_axes(request, "seamless");
  scale = scale ? scale : own ? (int)own : USUAL_SCALE;
  g_object_set(request, "scale", scale, NULL);
  edit->cell = scale;
  edit->known_width = small->width;
  edit->known_height = small->height;
  if (!(edit->known = to_samples(small, channels, error)))
    return FALSE;
  if (ddim_config_is_super_res(session->config))
    edit->low_res = g_steal_pointer(&edit->known);
  if ((guint64)small->width * scale > G_MAXUINT16 || (guint64)small->height * scale > G_MAXUINT16)
    return refuse(error, "%s", _("scale: the result would be too large; choose a smaller scale"));
  edit->picture =
      ddim_image_new(small->width * scale, small->height * scale, small->channels, error);
  for (guint y = 0; edit->picture && y < edit->picture->height; y++)
    for (guint x = 0; x < edit->picture->width; x++)
      memcpy(edit->picture->pixels + ((gsize)y * edit->picture->width + x) * small->channels,
             small->pixels + ((gsize)(y / scale) * small->width + x / scale) * small->channels,
             small->channels);
  return edit->picture != NULL;
}

/* ---- the choices ---- */

static gboolean
check_model(const DdimEdit *edit, DdimSession *session, GError **error)
{
  const char *name = ddim_config_get_name(session->config);

  if (ddim_config_is_super_res(session->config) && edit->command != DDIM_COMMAND_UPSCALE)
    return refuse(error, _("model: %s only enlarges pictures ('ddim upscale'); choose another"),
                  name);
  if (ddim_session_get_channels(session) < 3 && edit->command == DDIM_COMMAND_COLORIZE)
    return refuse(error, _("model: %s makes gray pictures; choose one that makes colors"), name);
  return TRUE;
}

static gboolean
read_settings(DdimEdit *edit, DdimSession *session, DdimRequest *request, GError **error)
{
  static const char *const noisy[] = {"own", "ddim", "ddpm", NULL};
  int quality;
  double eta;
  g_autofree char *sampler = NULL;

  g_object_get(request, "quality", &quality, "strength", &edit->strength, "input-noise",
               &edit->noise, "eta", &eta, "sampler", &sampler, NULL);
  if (edit->command != DDIM_COMMAND_VARY)
    edit->strength = 1;
  edit->follows =
      edit->command == DDIM_COMMAND_SEAMLESS ||
      (edit->command & DDIM_COMMANDS_FILLS && !ddim_config_get_n_classes(session->config));
  edit->quality = quality ? quality : edit->command & DDIM_COMMANDS_FILLS ? USUAL_QUALITY : 1;
  if (ddim_request_takes(request, "quality"))
    g_object_set(request, "quality", edit->quality, NULL);
  edit->noise = ddim_request_takes(request, "input-noise") ? 2 * edit->noise : 0;
  if (edit->noise > 0 && (eta == 0 || !g_strv_contains(noisy, sampler)))
    return refuse(
        error, "%s",
        _("input-noise: steps without noise cannot follow a noisy picture; give --sampler ddim and "
          "--eta 1"));
  return ddim_mean_color_read(&edit->color, request, ddim_session_get_channels(session), error);
}

/* Around a ring a window is no longer than the ring. */
static gboolean
check_rings(const DdimEdit *edit, guint unit, GError **error)
{
  const guint least = (unit - 1) / MAX(edit->cell, 1) + 1;

  if ((!(edit->rings & DDIM_WRAP_X) || edit->picture->width >= unit) &&
      (!(edit->rings & DDIM_WRAP_Y) || edit->picture->height >= unit))
    return TRUE;
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
              _("seamless: along an axis that tiles, the picture must be at least %u pixels long "
                "at this scale; choose a larger picture or leave seamless out"),
              least);
  return FALSE;
}

/* What a frame around everything that is covered is made from. */
static DdimFrameParams
get_frame_params(const DdimEdit *edit, DdimSession *session)
{
  DdimFrameParams params = {
      .width = edit->picture->width, .height = edit->picture->height, .rings = edit->rings};

  ddim_frame_params_suit(&params, ddim_config_get_image_size(session->config),
                         ddim_config_get_stride(session->config), MAX(edit->cell, 1),
                         ddim_config_is_super_res(session->config));
  ddim_rect_around(edit->coverage, params.width, params.height, &params.wanted);
  return params;
}

static gboolean
choose_frame(DdimEdit *edit, DdimSession *session, DdimRequest *request, GError **error)
{
  DdimFrameParams params = get_frame_params(edit, session);
  int context;

  if (!check_rings(edit, params.unit, error))
    return FALSE;
  if (edit->command & DDIM_COMMANDS_FILLS) {
    g_object_get(request, "context", &context, NULL);
    params.context = context < 0 ? params.usual / 2 : (guint)context;
    g_object_set(request, "context", (int)params.context, NULL);
  }
  edit->frame = ddim_frame_new(&params);
  ddim_frame_drop_idle(edit->frame, edit->coverage, params.width, params.height);
  return TRUE;
}

static gboolean
read_picture(DdimEdit *edit, DdimSession *session, DdimRequest *request, GError **error)
{
  g_autoptr(DdimImage) image =
      open_input(session, request, edit->command == DDIM_COMMAND_UPSCALE, error);

  if (!image ||
      !(edit->picture = ddim_edit_convert(image, ddim_session_get_channels(session), error)))
    return FALSE;
  if (edit->command == DDIM_COMMAND_INPAINT)
    return read_mask(edit, session, request, error);
  if (edit->command == DDIM_COMMAND_SEAMLESS)
    return read_seams(edit, session, request, error);
  if (edit->command == DDIM_COMMAND_UPSCALE && !enlarge(edit, session, request, error))
    return FALSE;
  if (edit->command == DDIM_COMMAND_COLORIZE && !read_gray(edit, error))
    return FALSE;
  edit->coverage = cover_all(edit->picture, error);
  return edit->coverage != NULL;
}

DdimEdit *
ddim_edit_new(DdimSession *session, DdimRequest *request, GError **error)
{
  g_autoptr(DdimEdit) edit = g_new0(DdimEdit, 1);
  g_autofree char *command = NULL;

  g_object_get(request, "command", &command, NULL);
  edit->command = ddim_command_from_name(command);
  if (!check_model(edit, session, error) || !read_settings(edit, session, request, error) ||
      !read_picture(edit, session, request, error) || !choose_frame(edit, session, request, error))
    return NULL;
  g_object_set(request, "width", (int)MIN(edit->picture->width, G_MAXUINT16), "height",
               (int)MIN(edit->picture->height, G_MAXUINT16), NULL);
  return g_steal_pointer(&edit);
}

DdimEdit *
ddim_edit_new_of_picture(DdimSession *session, const DdimImage *picture, GError **error)
{
  g_autoptr(DdimEdit) edit = g_new0(DdimEdit, 1);

  edit->command = DDIM_COMMAND_VARY;
  if (!(edit->picture = ddim_edit_convert(picture, ddim_session_get_channels(session), error)) ||
      !(edit->coverage = cover_all(edit->picture, error)))
    return NULL;
  const DdimFrameParams params = get_frame_params(edit, session);
  edit->frame = ddim_frame_new(&params);
  return g_steal_pointer(&edit);
}

/* ---- the loops ---- */

DdimJobFrame
ddim_edit_get_job_frame(const DdimEdit *edit)
{
  const gboolean free = edit->command == DDIM_COMMAND_VARY || edit->low_res;

  return (DdimJobFrame){.width = edit->frame->width,
                        .height = edit->frame->height,
                        .eta = free ? -1 : 1,
                        .wrap = edit->frame->wrap};
}

DdimStepTable *
ddim_edit_make_steps(const DdimEdit *edit, const DdimJob *job, GError **error)
{
  const guint n = ddim_diffusion_get_num_timesteps(job->diffusion);
  const guint taken = (guint)lround(edit->strength * n);
  g_autoptr(DdimStepTable) steps = ddim_step_table_new(job->diffusion, error);

  if (!steps ||
      (taken > 0 && !ddim_step_table_append_travel(steps, &job->sample, taken - 1,
                                                   MAX(n / PARTS, 1), edit->quality, error)))
    return NULL;
  return g_steal_pointer(&steps);
}
