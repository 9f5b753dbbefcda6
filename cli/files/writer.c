/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/files/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/data/error.h"
#include "core/data/image-png.h"
#include "core/data/npy.h"
#include "core/data/out-file.h"
#include "cli/files/picture.h"

typedef enum { KIND_PNG, KIND_GRID, KIND_NPZ, KIND_NPY } Kind;

struct _DdimWriter {
  Kind kind;
  char *path; /* NULL until the seed that names it is known */
  guint count;
  DdimRequest *request;
  GPtrArray *images; /* DdimImage: kept for KIND_GRID */
  DdimArray *array;  /* for KIND_NPZ and KIND_NPY: room for `count` images, n_images are there */
  GArray *labels;    /* gint64 */
  GPtrArray *names;  /* of the labels, char* */
  guint n_images;    /* so far */
  GHashTable *taken; /* (nullable) absolute names of files that must not be replaced */
  int pipe;          /* what the images go into, held open; -1 for anything else */
};

static gboolean
find_kind(DdimWriter *writer, gboolean grid, GError **error)
{
  const char *path = writer->path;

  if (!path || g_str_has_suffix(path, ".png"))
    writer->kind = grid ? KIND_GRID : KIND_PNG;
  else if (g_str_equal(path, "-"))
    writer->kind = grid ? KIND_GRID : writer->count > 1 ? KIND_NPZ : KIND_PNG;
  else if (g_str_has_suffix(path, ".npz"))
    writer->kind = KIND_NPZ;
  else if (g_str_has_suffix(path, ".npy"))
    writer->kind = KIND_NPY;
  else {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("'%s': cannot tell what to write; expected a name that ends in .png, .npz or "
                  ".npy, or -"),
                path);
    return FALSE;
  }
  if (grid && writer->kind != KIND_GRID) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT, _("'%s': a contact sheet is a .png"), path);
    return FALSE;
  }
  return TRUE;
}

/* Checked before sampling, so that hours of it do not end in "permission denied". */
static gboolean
check_folder(const char *path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname(path ? path : "x");
  int number;

  if (path && g_file_test(path, G_FILE_TEST_IS_DIR)) {
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_ISDIR, _("'%s' is a folder"), path);
    return FALSE;
  }
  if (g_file_test(folder, G_FILE_TEST_EXISTS) && !g_file_test(folder, G_FILE_TEST_IS_DIR)) {
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOTDIR, _("'%s' is not a folder"), folder);
    return FALSE;
  }
  if (access(folder, W_OK | X_OK) == 0)
    return TRUE;
  number = errno;
  g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(number),
              _("cannot write into the folder '%s': %s"), folder, g_strerror(number));
  return FALSE;
}

/* name.png alone; name-007.png among 120. (transfer full) */
static char *
numbered_path(const DdimWriter *writer, guint index)
{
  g_autofree char *last = NULL, *stem = NULL;

  if (writer->count == 1 || writer->kind != KIND_PNG || g_str_equal(writer->path, "-"))
    return g_strdup(writer->path);
  last = g_strdup_printf("%u", writer->count - 1);
  stem = g_strndup(writer->path, strlen(writer->path) - strlen(".png"));
  return g_strdup_printf("%s-%0*u.png", stem, (int)strlen(last), index);
}

/* Open the output to see whether that is possible; its name may be too long, for example. A pipe is
 * kept open. So the wait for its reader, which may be long, comes before sampling and can be
 * interrupted. */
static gboolean
try_to_open(DdimWriter *writer, GError **error)
{
  g_autofree char *path = NULL;
  struct stat info;

  if (!writer->path)
    return TRUE;
  path = numbered_path(writer, writer->count - 1);
  if (stat(path, &info) != 0 || !S_ISFIFO(info.st_mode))
    return ddim_out_file_check(path, 0, error);
  writer->pipe = open(path, O_WRONLY | O_CLOEXEC);
  return TRUE; /* an error shows up again when it is written to */
}

DdimWriter *
ddim_writer_new(const char *path, guint count, gboolean grid, GError **error)
{
  g_autoptr(DdimWriter) writer = g_new0(DdimWriter, 1);

  writer->path = g_strdup(path);
  writer->count = count;
  writer->pipe = -1;
  writer->images = g_ptr_array_new_with_free_func((GDestroyNotify)ddim_image_free);
  writer->labels = g_array_new(FALSE, FALSE, sizeof(gint64));
  writer->names = g_ptr_array_new_with_free_func(g_free);
  if (!find_kind(writer, grid, error))
    return NULL;
  if (g_strcmp0(path, "-") != 0 && (!check_folder(path, error) || !try_to_open(writer, error)))
    return NULL;
  return g_steal_pointer(&writer);
}

void
ddim_writer_free(DdimWriter *writer)
{
  if (!writer)
    return;
  g_free(writer->path);
  g_clear_object(&writer->request);
  g_clear_pointer(&writer->taken, g_hash_table_unref);
  g_ptr_array_unref(writer->images);
  g_clear_pointer(&writer->array, ddim_array_free);
  g_array_unref(writer->labels);
  g_ptr_array_unref(writer->names);
  if (writer->pipe >= 0)
    close(writer->pipe);
  g_free(writer);
}

/* Look for the space of a picture of @most bytes, and of @n such. One that finds no space costs its
 * work; of several, those that are finished are kept. */
static gboolean
check_pictures(const char *path, guint64 most, guint n, char **warning, GError **error)
{
  g_autofree char *asked = NULL, *left = NULL;
  guint64 space;

  if (!ddim_out_file_get_space(path, &space, error))
    return FALSE;
  if (most * n <= space)
    return TRUE;
  asked = g_format_size(most <= space ? most * n : most);
  left = g_format_size(space);
  if (most <= space) {
    *warning = g_strdup_printf(_("all %u pictures may need %s, but their disk has only %s left"), n,
                               asked, left);
    return TRUE;
  }
  g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOSPC,
              _("'%s' may need %s, but its disk has only %s left"), path, asked, left);
  return FALSE;
}

/* A night of sampling must not end with a full disk. */
gboolean
ddim_writer_check_space(DdimWriter *writer, guint channels, char **warning, GError **error)
{
  g_autofree char *last = numbered_path(writer, writer->count - 1);
  const guint64 n = writer->count;
  int width, height;

  g_object_get(writer->request, "width", &width, "height", &height, NULL);
  if (writer->kind == KIND_NPZ)
    return ddim_out_file_check(last, n * channels * width * height, error);
  if (writer->kind == KIND_NPY)
    return ddim_out_file_check(last, n * channels * width * height * sizeof(float), error);
  if (writer->kind == KIND_PNG)
    return check_pictures(last, ddim_png_most_bytes(channels, width, height), writer->count,
                          warning, error);
  return check_pictures(last, ddim_png_most_bytes_of_grid(writer->count, channels, width, height),
                        1, warning, error);
}

void
ddim_writer_set_taken(DdimWriter *writer, GHashTable *taken)
{
  writer->taken = g_hash_table_ref(taken);
}

static gboolean
check_taken(DdimWriter *writer, GError **error)
{
  const guint n = writer->kind == KIND_PNG ? writer->count : 1;

  for (guint i = 0; writer->taken && g_hash_table_size(writer->taken) && i < n; i++) {
    g_autofree char *path = numbered_path(writer, i);
    g_autofree char *name = g_canonicalize_filename(path, NULL);
    if (g_hash_table_contains(writer->taken, name)) {
      g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                  _("'%s' was written already, by an earlier request"), path);
      return FALSE;
    }
  }
  return TRUE;
}

static void
add_taken(DdimWriter *writer, const char *path)
{
  if (writer->taken)
    g_hash_table_add(writer->taken, g_canonicalize_filename(path, NULL));
}

gboolean
ddim_writer_set_request(DdimWriter *writer, DdimRequest *resolved, GError **error)
{
  gint64 seed;

  g_set_object(&writer->request, resolved);
  if (!writer->path) {
    g_object_get(resolved, "seed", &seed, NULL);
    writer->path = g_strdup_printf("ddim-%" G_GINT64_FORMAT ".png", seed);
  }
  return g_str_equal(writer->path, "-") || check_taken(writer, error);
}

gboolean
ddim_writer_writes_pictures(DdimWriter *writer)
{
  return writer->kind == KIND_PNG && g_strcmp0(writer->path, "-") != 0;
}

gboolean
ddim_writer_is_there(DdimWriter *writer, guint index, gboolean *there, GError **error)
{
  g_autofree char *path = numbered_path(writer, index);

  return ddim_picture_is_there(path, writer->request, index, there, error);
}

static void
keep_label(DdimWriter *writer, const DdimSample *sample)
{
  char *name = sample->label_name   ? g_strdup(sample->label_name)
               : sample->label >= 0 ? g_strdup_printf("%" G_GINT64_FORMAT, sample->label)
                                    : NULL;

  g_array_append_val(writer->labels, sample->label);
  g_ptr_array_add(writer->names, name);
}

/* Make the array for all images when the first one is there: if memory is short, the user should
 * learn it now and not after a night of sampling. */
static gboolean
make_array(DdimWriter *writer, const DdimSample *sample, GError **error)
{
  const DdimImage *picture = sample->picture;
  const gsize channels = picture ? ddim_image_get_channels(picture) : sample->channels;
  const gsize height = picture ? ddim_image_get_height(picture) : sample->height;
  const gsize width = picture ? ddim_image_get_width(picture) : sample->width;
  const gsize bytes[4] = {writer->count, height, width, channels};
  const gsize floats[4] = {writer->count, channels, height, width};

  if (!writer->array)
    writer->array = writer->kind == KIND_NPZ ? ddim_array_new(DDIM_DTYPE_U8, 4, bytes, error)
                                             : ddim_array_new(DDIM_DTYPE_F32, 4, floats, error);
  return writer->array != NULL;
}

static gboolean
keep_floats(DdimWriter *writer, const DdimSample *sample, GError **error)
{
  const DdimImage *picture = sample->picture;
  gsize size = picture ? (gsize)ddim_image_get_channels(picture) * ddim_image_get_height(picture) *
                             ddim_image_get_width(picture)
                       : (gsize)sample->channels * sample->height * sample->width;
  float *samples;

  if (!make_array(writer, sample, error))
    return FALSE;
  samples = (float *)ddim_array_get_data(writer->array) + writer->n_images * size;
  if (picture)
    ddim_image_to_samples(picture, samples);
  else
    memcpy(samples, sample->samples, size * sizeof *samples);
  return TRUE;
}

static gboolean
keep_bytes(DdimWriter *writer, const DdimSample *sample, const DdimImage *image, GError **error)
{
  gsize size = (gsize)ddim_image_get_channels(image) * ddim_image_get_height(image) *
               ddim_image_get_width(image);

  if (!make_array(writer, sample, error))
    return FALSE;
  memcpy((guint8 *)ddim_array_get_data(writer->array) + writer->n_images * size,
         ddim_image_get_pixels(image), size);
  return TRUE;
}

static gboolean
write_picture(DdimWriter *writer, const DdimSample *sample, const DdimImage *image, char **file,
              GError **error)
{
  g_autofree char *path = numbered_path(writer, sample->index);
  g_autoptr(GHashTable) text =
      ddim_picture_text_new(writer->request, (int)sample->index, sample->label,
                            g_ptr_array_index(writer->names, writer->names->len - 1));

  if (!ddim_image_write_png(image, path, text, error))
    return FALSE;
  add_taken(writer, path);
  *file = g_steal_pointer(&path);
  return TRUE;
}

static gboolean
add(DdimWriter *writer, const DdimSample *sample, char **file, GError **error)
{
  g_autoptr(DdimImage) image = NULL;

  if (writer->kind == KIND_NPY)
    return keep_floats(writer, sample, error);
  image = ddim_sample_to_image(sample, error);
  if (!image)
    return FALSE;
  if (writer->kind == KIND_PNG)
    return write_picture(writer, sample, image, file, error);
  if (writer->kind == KIND_NPZ)
    return keep_bytes(writer, sample, image, error);
  g_ptr_array_add(writer->images, g_steal_pointer(&image));
  return TRUE;
}

gboolean
ddim_writer_add(DdimWriter *writer, const DdimSample *sample, char **file, GError **error)
{
  *file = NULL;
  keep_label(writer, sample);
  if (!add(writer, sample, file, error))
    return FALSE;
  writer->n_images++;
  return TRUE;
}

static gboolean
write_grid(DdimWriter *writer, GError **error)
{
  g_autoptr(DdimImage) grid =
      ddim_image_new_grid((DdimImage **)writer->images->pdata, writer->images->len, error);
  g_autofree char *names = NULL;
  g_autoptr(GHashTable) text = NULL;

  if (!grid)
    return FALSE;
  if (writer->names->pdata[0]) {
    g_ptr_array_add(writer->names, NULL);
    names = g_strjoinv(", ", (char **)writer->names->pdata);
    g_ptr_array_remove_index(writer->names, writer->names->len - 1);
  }
  text = ddim_picture_text_new(writer->request, -1, -1, names);
  return ddim_image_write_png(grid, writer->path, text, error);
}

/* arr_0 uint8 [N][H][W][C], and arr_1 int64 [N] of a class-conditional model, as image_sample.py's
 * numpy.savez. */
static gboolean
write_npz(DdimWriter *writer, GError **error)
{
  gboolean conditional = g_array_index(writer->labels, gint64, 0) >= 0;
  DdimTensor tensors[2] = {writer->array->tensor,
                           {.name = "arr_1",
                            .dtype = DDIM_DTYPE_I64,
                            .n_dims = 1,
                            .shape = {writer->n_images},
                            .strides = {1},
                            .data = (const guint8 *)writer->labels->data}};

  tensors[0].name = "arr_0";
  tensors[0].shape[0] = writer->n_images;
  return ddim_npz_write(writer->path, tensors, conditional ? 2 : 1, error);
}

static gboolean
write_npy(DdimWriter *writer, GError **error)
{
  DdimTensor tensor = writer->array->tensor;

  tensor.shape[0] = writer->n_images;
  return ddim_npy_write(writer->path, &tensor, error);
}

gboolean
ddim_writer_finish(DdimWriter *writer, char **file, GError **error)
{
  gboolean ok;

  *file = NULL;
  if (writer->kind == KIND_PNG || writer->n_images == 0)
    return TRUE;
  ok = writer->kind == KIND_GRID  ? write_grid(writer, error)
       : writer->kind == KIND_NPZ ? write_npz(writer, error)
                                  : write_npy(writer, error);
  if (!ok)
    return FALSE;
  add_taken(writer, writer->path);
  *file = g_strdup(writer->path);
  return TRUE;
}
