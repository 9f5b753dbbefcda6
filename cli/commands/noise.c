/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* `ddim noise`: the noise of a seed, for comparing with PyTorch. */

#include <glib/gi18n-lib.h>

#include "cli/commands/commands.h"
#include "cli/terminal/command.h"
#include "core/diffusion/noise-private.h"
#include "core/data/npy.h"
#include "core/data/out-file.h"
#include "cli/terminal/options.h"

#define NOT_GIVEN G_MININT /* --draws */

typedef struct {
  guint n_dims;
  gsize shape[DDIM_MAX_DIMS]; /* of the file; with draws, their number comes first */
  gsize draw;                 /* values of one draw */
  guint draws;
  gsize n_images; /* in one draw: the first number of its shape */
} NoiseShape;

/* "1,3,8,8", each at least 1. */
static gboolean
parse_shape(const char *text, int draws, NoiseShape *shape)
{
  g_auto(GStrv) parts = g_strsplit(text, ",", -1);
  guint n = g_strv_length(parts), first = draws > 0;
  guint64 size;

  if (n < 1 || n + first > DDIM_MAX_DIMS)
    return FALSE;
  shape->n_dims = n + first;
  shape->shape[0] = shape->draws = MAX(draws, 1);
  shape->draw = 1;
  for (guint i = 0; i < n; i++) {
    if (!g_ascii_string_to_unsigned(parts[i], 10, 1, G_MAXINT64, &size, NULL) ||
        !g_size_checked_mul(&shape->draw, shape->draw, size))
      return FALSE;
    shape->shape[first + i] = size;
  }
  shape->n_images = shape->shape[first];
  return TRUE;
}

/* A generator for each image takes up where its last draw ended. */
static void
draw(DdimRng *rng, const NoiseShape *shape, float *values)
{
  const gsize n = ddim_rng_is_per_image(rng) ? shape->n_images : 1, part = shape->draw / n;

  for (gsize image = 0; image < n; image++) {
    ddim_rng_begin_images(rng, image, 1);
    for (gsize i = 0; i < shape->draws; i++)
      ddim_rng_normal(rng, values + i * shape->draw + image * part, part);
  }
}

static int
write_noise(const char *rng_kind, guint64 seed, const NoiseShape *shape, const char *path)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimRng) rng = ddim_rng_new(rng_kind, seed, &error);
  g_autoptr(DdimArray) array = NULL;
  float *values;

  if (!rng)
    return ddim_cli_fail(error);
  array = ddim_array_new(DDIM_DTYPE_F32, shape->n_dims, shape->shape, &error);
  if (!array)
    return ddim_cli_fail(error);
  if (!ddim_out_file_check(path, g_bytes_get_size(array->bytes), &error))
    return ddim_cli_fail(error);
  values = ddim_array_get_data(array);
  draw(rng, shape, values);
  return ddim_npy_write(path, &array->tensor, &error) ? DDIM_EXIT_OK : ddim_cli_fail(error);
}

int
ddim_cmd_noise(DdimCli *cli, int argc, char **argv)
{
  static const char *const names[] = {"seed", "rng", NULL};
  g_autoptr(DdimOptions) options = ddim_options_new(names);
  g_autoptr(DdimRequest) request = ddim_request_new();
  g_autofree char *shape_text = NULL, *out = NULL, *rng = NULL;
  int draws = NOT_GIVEN;
  const GOptionEntry entries[] = {{"shape", 0, 0, G_OPTION_ARG_STRING, &shape_text,
                                   N_("size of one draw, such as 1,3,32,32"), "N,C,H,W"},
                                  {"draws", 0, 0, G_OPTION_ARG_INT, &draws,
                                   N_("draw so many times in a row, stacked along a new first axis "
                                      "(default: one, not stacked)"),
                                   "K"},
                                  {"output", 'o', 0, G_OPTION_ARG_FILENAME, &out,
                                   N_("the file to write; - is standard output"), "F.npy"},
                                  G_OPTION_ENTRY_NULL};
  const DdimHelp help = {
      .description =
          N_("Write the standard normal noise that a seed gives, float32, as torch.manual_seed and "
             "torch.randn do. Values depend on how they are drawn: one draw of 2,3,8,8 is another "
             "than two draws of 1,3,8,8."),
      .examples = "ddim noise --seed 42 --shape 1,3,64,64 -o noise.npy\n"
                  "ddim noise --seed 42 --rng torch-cuda:108,2048 --shape 4,3,64,64 --draws 51 -o "
                  "noise.npy"};
  NoiseShape shape = {0};
  gint64 seed;
  int code;

  ddim_options_add(options, entries);
  if (!ddim_cli_parse(cli, &help, ddim_options_get_entries(options), request, &argc, &argv, &code))
    return code;
  g_object_get(request, "seed", &seed, "rng", &rng, NULL);
  if (seed < 0 || !shape_text || !out)
    return ddim_cli_usage(_("--seed, --shape and -o are needed"));
  if (draws < 1 && draws != NOT_GIVEN)
    return ddim_cli_usage(_("--draws: %d is not valid; expected at least 1"), draws);
  if (!parse_shape(shape_text, draws, &shape))
    return ddim_cli_usage(_("--shape: '%s' is not valid; expected up to %d sizes of at least 1, "
                            "such as 1,3,32,32"),
                          shape_text, DDIM_MAX_DIMS - (draws > 0));
  return write_noise(rng, seed, &shape, out);
}
