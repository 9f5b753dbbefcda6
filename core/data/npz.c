/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Reads .npz: a zip of .npy files, as numpy.savez writes it. */
#include "core/data/npy.h"

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

static zip_t *
open_bytes(GBytes *bytes, GError **error)
{
  gsize size;
  gconstpointer data = g_bytes_get_data(bytes, &size);
  zip_error_t why;
  zip_source_t *source;
  zip_t *archive;

  zip_error_init(&why);
  source = zip_source_buffer_create(data, size, 0, &why);
  archive = source ? zip_open_from_source(source, ZIP_RDONLY, &why) : NULL;
  if (!archive) {
    zip_source_free(source);
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("not an .npz file: %s"),
                zip_error_strerror(&why));
  }
  zip_error_fini(&why);
  return archive;
}

static gboolean
find_member(zip_t *archive, const char *name, gsize file_size, zip_stat_t *info, GError **error)
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
open_member(zip_t *archive, const char *name, gsize file_size, zip_stat_t *info, GError **error)
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
ddim_npz_read_layout(GBytes *bytes, const char *name, DdimTensor *layout, GError **error)
{
  g_autoptr(zip_t) archive = open_bytes(bytes, error);
  g_autoptr(zip_file_t) file = NULL;
  zip_stat_t info;
  gsize n_bytes;

  if (!archive)
    return FALSE;
  file = open_member(archive, name, g_bytes_get_size(bytes), &info, error);
  return file && read_layout(file, name, &info, layout, &n_bytes, error);
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
ddim_npz_read_bytes(GBytes *bytes, const char *name, GError **error)
{
  g_autoptr(zip_t) archive = open_bytes(bytes, error);
  g_autoptr(zip_file_t) file = NULL;
  zip_stat_t info;

  if (!archive)
    return NULL;
  file = open_member(archive, name, g_bytes_get_size(bytes), &info, error);
  return file ? read_member(file, name, &info, error) : NULL;
}

DdimArray *
ddim_npz_read(const char *path, const char *name, GError **error)
{
  g_autoptr(GBytes) bytes = ddim_file_get_content(path, error);
  DdimArray *array;

  if (!bytes)
    return NULL;
  array = ddim_npz_read_bytes(bytes, name, error);
  if (!array)
    g_prefix_error(error, "“%s”: ", path);
  return array;
}

const char *
ddim_npz_get_libzip_version(void)
{
  return zip_libzip_version();
}
