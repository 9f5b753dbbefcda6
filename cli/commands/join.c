/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* `ddim join`: one .npz of pictures that were made in parts. */

#include <glib/gi18n-lib.h>
#include <sys/stat.h>

#include "cli/commands/commands.h"
#include "cli/files/picture-set.h"
#include "cli/terminal/command.h"
#include "core/data/error.h"
#include "core/data/image-png.h"
#include "core/data/npy.h"
#include "core/data/out-file.h"

static const DdimHelp help = {
    .arguments = N_("FOLDER|FILE..."),
    .min_args = 1,
    .max_args = G_MAXINT,
    .description =
        N_("Join the pictures of one run, such as several processes have made, into one .npz as "
           "'ddim generate' writes it: arr_0 holds the bytes N,H,W,C in the order of the images, "
           "arr_1 the classes, if the model has any. The settings in the pictures tell what "
           "belongs together and where it stands. All pictures must be there. They are read one by "
           "one, so there may be any number of them."),
    .examples = "ddim join samples -o samples.npz\n"
                "ddim join part-*/*.png -o samples.npz"};

/* Write one picture; the first one settles the size. */
static gboolean
write_picture(DdimNpzStream *stream, const DdimPictureSet *set, guint index, DdimTensor *layout,
              GError **error)
{
  const char *path = set->paths[index];
  g_autoptr(DdimFile) file = ddim_file_open(path, error);
  g_autoptr(DdimImage) image = file ? ddim_png_read_image(file, error) : NULL;
  gsize shape[4] = {set->count}, size;

  if (!image)
    return FALSE;
  shape[1] = ddim_image_get_height(image);
  shape[2] = ddim_image_get_width(image);
  shape[3] = ddim_image_get_channels(image);
  if (index == 0) {
    if (!ddim_tensor_set_layout(layout, DDIM_DTYPE_U8, 4, shape, &size)) {
      g_set_error_literal(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT, _("the array is too large"));
      return FALSE;
    }
    layout->name = "arr_0";
    if (!ddim_npz_stream_begin(stream, layout, error))
      return FALSE;
  }
  if (shape[1] == layout->shape[1] && shape[2] == layout->shape[2] && shape[3] == layout->shape[3])
    return ddim_npz_stream_write(stream, ddim_image_get_pixels(image),
                                 shape[1] * shape[2] * shape[3], error);
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_MISMATCH,
              _("'%s' has %zux%zu pixels of %zu channels, but '%s' has %zux%zu of %zu"), path,
              shape[2], shape[1], shape[3], set->paths[0], layout->shape[2], layout->shape[1],
              layout->shape[3]);
  return FALSE;
}

static gboolean
write_labels(DdimNpzStream *stream, const DdimPictureSet *set, GError **error)
{
  const DdimTensor labels = {
      .name = "arr_1", .dtype = DDIM_DTYPE_I64, .n_dims = 1, .shape = {set->count}, .strides = {1}};

  return !set->labels ||
         (ddim_npz_stream_begin(stream, &labels, error) &&
          ddim_npz_stream_write(stream, set->labels, set->count * sizeof(gint64), error));
}

static gboolean
join(const DdimPictureSet *set, const char *out, GError **error)
{
  g_autoptr(DdimNpzStream) stream = ddim_npz_stream_open(out, error);
  DdimTensor layout = {0};

  if (!stream)
    return FALSE;
  for (guint i = 0; i < set->count; i++)
    if (!write_picture(stream, set, i, &layout, error) ||
        (i == 0 && !ddim_out_file_check(out, ddim_tensor_count(&layout), error)))
      return FALSE;
  return write_labels(stream, set, error) && ddim_npz_stream_commit(stream, error);
}

static gboolean
check_output(const char *out, int *code)
{
  struct stat info;

  if (out && g_str_has_suffix(out, ".npz") && (stat(out, &info) != 0 || S_ISREG(info.st_mode)))
    return TRUE;
  *code = ddim_cli_usage(_("-o: name the file to write, which ends in .npz"));
  return FALSE;
}

int
ddim_cmd_join(DdimCli *cli, int argc, char **argv)
{
  g_autofree char *out = NULL;
  const GOptionEntry entries[] = {{"output", 'o', 0, G_OPTION_ARG_FILENAME, &out,
                                   N_("the file that the pictures are joined in"), "OUT.npz"},
                                  G_OPTION_ENTRY_NULL};
  g_autoptr(DdimPictureSet) set = NULL;
  g_autoptr(GError) error = NULL;
  int code;

  if (!ddim_cli_parse(cli, &help, entries, NULL, &argc, &argv, &code) || !check_output(out, &code))
    return code;
  set = ddim_picture_set_find(argv + 1, (guint)argc - 1, &error);
  return set && join(set, out, &error) ? DDIM_EXIT_OK : ddim_cli_fail(error);
}
