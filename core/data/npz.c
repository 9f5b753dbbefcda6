/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Reads .npz: a zip of .npy files, as numpy.savez writes it. */
#include "core/data/npy.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <zip.h>

#include "core/data/error.h"
#include "core/data/file.h"
#include "core/data/npy-private.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(zip_t, zip_discard)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(zip_file_t, zip_fclose)

/* Deflate cannot expand more than this, so a member that claims more is broken or forged. */
#define MAX_EXPANSION 1032

static gboolean
bad_member(const char *name, const char *why, GError **error)
{
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("member “%s”: %s"), name, why);
  return FALSE;
}

/* --- libzip reads through DdimFile --- */

typedef struct {
  DdimFile *file;
  guint64 position;
  GError *error; /* why the file could not be read */
  zip_error_t code;
} Source;

static zip_int64_t
source_read(Source *source, void *to, zip_uint64_t size)
{
  const guint64 n = MIN(size, ddim_file_get_size(source->file) - source->position);

  g_clear_error(&source->error);
  if (!ddim_file_read(source->file, source->position, to, (gsize)n, &source->error)) {
    zip_error_set(&source->code, ZIP_ER_READ, EIO);
    return -1;
  }
  source->position += n;
  return (zip_int64_t)n;
}

static zip_int64_t
source_seek(Source *source, void *where, zip_uint64_t size)
{
  const guint64 length = ddim_file_get_size(source->file);
  const zip_int64_t to =
      zip_source_seek_compute_offset(source->position, length, where, size, &source->code);

  if (to < 0)
    return -1;
  source->position = (guint64)to;
  return 0;
}

static zip_int64_t
source_stat(Source *source, void *to)
{
  zip_stat_t *info = to;

  zip_stat_init(info);
  info->size = ddim_file_get_size(source->file);
  info->valid |= ZIP_STAT_SIZE;
  return sizeof *info;
}

static zip_int64_t
on_source(void *data, void *to, zip_uint64_t size, zip_source_cmd_t command)
{
  Source *source = data;

  switch (command) {
  case ZIP_SOURCE_OPEN:
    source->position = 0;
    return 0;
  case ZIP_SOURCE_READ:
    return source_read(source, to, size);
  case ZIP_SOURCE_SEEK:
    return source_seek(source, to, size);
  case ZIP_SOURCE_TELL:
    return (zip_int64_t)source->position;
  case ZIP_SOURCE_STAT:
    return source_stat(source, to);
  case ZIP_SOURCE_ERROR:
    return zip_error_to_data(&source->code, to, size);
  case ZIP_SOURCE_SUPPORTS:
    /* Without FREE here, libzip does not free what it puts on top of this source. */
    return zip_source_make_command_bitmap(ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE,
                                          ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE,
                                          ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL, ZIP_SOURCE_SUPPORTS,
                                          -1);
  case ZIP_SOURCE_CLOSE:
  case ZIP_SOURCE_FREE: /* the caller of libzip owns it */
    return 0;
  default:
    zip_error_set(&source->code, ZIP_ER_OPNOTSUPP, 0);
    return -1;
  }
}

static void
source_clear(Source *source)
{
  g_clear_error(&source->error);
  zip_error_fini(&source->code);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Source, source_clear)

/* @source must outlive the archive. */
static zip_t *
open_archive(Source *source, GError **error)
{
  zip_error_t why;
  zip_source_t *layer;
  zip_t *archive;

  zip_error_init(&source->code);
  zip_error_init(&why);
  layer = zip_source_function_create(on_source, source, &why);
  archive = layer ? zip_open_from_source(layer, ZIP_RDONLY, &why) : NULL;
  if (!archive) {
    zip_source_free(layer);
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("not an .npz file: %s"),
                zip_error_strerror(&why));
  }
  zip_error_fini(&why);
  return archive;
}

/* When the file could not be read, say why, rather than what that looked like to libzip. */
static gboolean
explain(Source *source, gboolean good, GError **error)
{
  if (!good && source->error) {
    g_clear_error(error);
    g_propagate_error(error, g_steal_pointer(&source->error));
  }
  return good;
}

/* --- Members --- */

static gboolean
find_member(zip_t *archive, const char *name, guint64 file_size, zip_stat_t *info, GError **error)
{
  const guint64 needed = ZIP_STAT_INDEX | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE;
  g_autofree char *file_name = g_strconcat(name, ".npy", NULL);
  zip_int64_t index = zip_name_locate(archive, file_name, ZIP_FL_ENC_RAW);

  if (index < 0)
    index = zip_name_locate(archive, name, ZIP_FL_ENC_RAW);
  if (index < 0) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_NOT_FOUND, _("it has no array “%s”"), name);
    return FALSE;
  }
  if (zip_stat_index(archive, (zip_uint64_t)index, 0, info) != 0 ||
      (info->valid & needed) != needed)
    return bad_member(name, zip_strerror(archive), error);
  if (info->comp_size > file_size || info->size / MAX_EXPANSION > info->comp_size)
    return bad_member(name, _("its sizes are not possible"), error);
  return TRUE;
}

static gboolean
read_fully(zip_file_t *file, const char *name, gpointer data, gsize size, GError **error)
{
  guint8 *to = data;

  while (size > 0) {
    zip_int64_t n = zip_fread(file, to, MIN(size, 1u << 30));
    if (n < 0)
      return bad_member(name, zip_file_strerror(file), error);
    if (n == 0)
      return bad_member(name, _("it is truncated"), error);
    to += n;
    size -= (gsize)n;
  }
  return TRUE;
}

/* Read the array's description. Afterwards @file is positioned behind it, where @n_bytes bytes of
 * numbers follow. */
static gboolean
read_layout(zip_file_t *file, const char *name, const zip_stat_t *info, DdimTensor *layout,
            gsize *n_bytes, GError **error)
{
  g_autofree guint8 *header = g_malloc(DDIM_NPY_START);
  gsize skip;

  if (!read_fully(file, name, header, DDIM_NPY_START, error))
    return FALSE;
  skip = ddim_npy_header_size(header, DDIM_NPY_START);
  if (skip < DDIM_NPY_START)
    return bad_member(name, _("it is no .npy array"), error);
  header = g_realloc(header, skip);
  *layout = (DdimTensor){0};
  if (!read_fully(file, name, header + DDIM_NPY_START, skip - DDIM_NPY_START, error) ||
      !ddim_npy_parse_header(header, skip, layout, n_bytes, error))
    return FALSE;
  /* Nothing is allocated for data that the archive does not claim to have. */
  if (info->size < skip || *n_bytes != info->size - skip)
    return bad_member(name, _("its size is not that of its array"), error);
  return TRUE;
}

static zip_file_t *
open_member(zip_t *archive, const char *name, guint64 file_size, zip_stat_t *info, GError **error)
{
  zip_file_t *file;

  if (!find_member(archive, name, file_size, info, error))
    return NULL;
  file = zip_fopen_index(archive, info->index, 0);
  if (!file)
    bad_member(name, zip_strerror(archive), error);
  return file;
}

gboolean
ddim_npz_read_layout(DdimFile *in, const char *name, DdimTensor *layout, GError **error)
{
  g_auto(Source) source = {.file = in};
  g_autoptr(zip_t) archive = open_archive(&source, error);
  g_autoptr(zip_file_t) file = NULL;
  zip_stat_t info;
  gsize n_bytes;

  file = archive ? open_member(archive, name, ddim_file_get_size(in), &info, error) : NULL;
  return explain(&source, file && read_layout(file, name, &info, layout, &n_bytes, error), error);
}

static DdimArray *
read_member(zip_file_t *file, const char *name, const zip_stat_t *info, GError **error)
{
  g_autoptr(DdimArray) array = NULL;
  DdimTensor layout;
  gsize n_bytes;
  guint8 more;

  if (!read_layout(file, name, info, &layout, &n_bytes, error))
    return NULL;
  array = ddim_array_new(layout.dtype, layout.n_dims, layout.shape, error);
  if (!array || !read_fully(file, name, ddim_array_get_data(array), n_bytes, error))
    return NULL;
  /* libzip compares the checksum when it comes to the end. */
  if (zip_fread(file, &more, 1) != 0)
    return (void)bad_member(name, _("it is damaged"), error), NULL;
  memcpy(array->tensor.strides, layout.strides, sizeof layout.strides);
  return g_steal_pointer(&array);
}

DdimArray *
ddim_npz_read_file(DdimFile *in, const char *name, GError **error)
{
  g_auto(Source) source = {.file = in};
  g_autoptr(zip_t) archive = open_archive(&source, error);
  g_autoptr(zip_file_t) file = NULL;
  DdimArray *array;
  zip_stat_t info;

  file = archive ? open_member(archive, name, ddim_file_get_size(in), &info, error) : NULL;
  array = file ? read_member(file, name, &info, error) : NULL;
  explain(&source, array != NULL, error);
  return array;
}

DdimArray *
ddim_npz_read(const char *path, const char *name, GError **error)
{
  g_autoptr(DdimFile) file = ddim_file_open(path, error);
  DdimArray *array;

  if (!file)
    return NULL;
  array = ddim_npz_read_file(file, name, error);
  if (!array)
    g_prefix_error(error, "“%s”: ", path);
  return array;
}

const char *
ddim_npz_get_libzip_version(void)
{
  return zip_libzip_version();
}
