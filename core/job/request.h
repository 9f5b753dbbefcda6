/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/** What to generate. The ONE option table of the project: every option is a GObject property whose
 * GParamSpec holds its name, type, range, default, nick (label) and blurb (help), both translated.
 * The command line, the GIMP dialog and procedure, the manual page and the settings written into
 * pictures are all made from these properties, so they cannot disagree.
 *
 * property     type    default  meaning
 * model        string  NULL     a listed model's name or a path; NULL: the default model
 * class        string  NULL     NAME|INDEX[,…], cycled over the images; NULL: random, from the seed
 * width,height int     0        pixels; 0: the model's image_size
 * count        int     1        images in all
 * batch        int     0        images per evaluation; 0: chosen
 * steps        string  "25"     timestep respacing, see ddim_space_timesteps()
 * sampler      string  "ddim"   "ddim" or "ddpm"
 * eta          double  -1       0 … 10; -1: what suits the model
 * seed         int64   -1       0 … 2^63-1; -1: random, recorded
 * rng          string  "torch"  see ddim_rng_new()
 * flags        string  NULL     improved-diffusion's flags, see ddim_config_load()
 * clip         boolean TRUE     clip_denoised
 * precision    string  "f32"    "f32" or "f16"
 * device       string  NULL     see ddim_device_choose()
 * model-path   string  NULL     further folders with models, colon-separated
 * init-noise   string  NULL     .npy with x_T, [count][C][H][W]
 * low-res      string  NULL     .png, .npy or .npz for a super-resolution model
 *
 * Setting a property through GObject keeps numbers inside their range; strings are taken as they
 * are and judged by ddim_request_check(). */
#define DDIM_TYPE_REQUEST (ddim_request_get_type())
G_DECLARE_FINAL_TYPE(DdimRequest, ddim_request, DDIM, REQUEST, GObject)

DdimRequest *ddim_request_new(void);
DdimRequest *ddim_request_copy(DdimRequest *request);
/** What a string property may be: NULL-terminated, NULL for free text. (transfer none) */
const char *const *ddim_request_get_choices(const char *name);
/** Whether every property has a value that it may have, as far as that can be told without the
 * model. DDIM_ERROR_ARGUMENT names the property and what it may be. */
gboolean ddim_request_check(DdimRequest *request, GError **error);
/** Every property that has a value, as one JSON object; and back. Unknown members and values out of
 * range are DDIM_ERROR_ARGUMENT naming the member and its range. */
char *ddim_request_to_json(DdimRequest *request);
DdimRequest *ddim_request_new_from_json(const char *json, GError **error);
/** Set one property from text, as a command line gives it; "size" sets width and height from WxH or
 * N. DDIM_ERROR_ARGUMENT names the option and its range. */
gboolean ddim_request_set_from_string(DdimRequest *request, const char *name, const char *value,
                                      GError **error);
/** The inverse: NULL for a string that is not set. (transfer full) (nullable) */
char *ddim_request_get_as_string(DdimRequest *request, const char *name);
/** The `ddim generate` command line that makes the same picture again, shell-quoted. (transfer
 * full) */
char *ddim_request_to_command(DdimRequest *request);

G_END_DECLS
