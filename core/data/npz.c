/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* .npz: a zip of .npy files, as numpy.savez writes and numpy.load reads it. */
#include "core/data/npy.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include <zip.h>

#include "core/data/error.h"
#include "core/data/file-map.h"
#include "core/data/npy-private.h"
#include "core/data/out-file.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(zip_t, zip_discard)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(zip_file_t, zip_fclose)

/* Deflate cannot expand more than this, so a member that claims more is no honest one. */
#define MAX_EXPANSION 1032

/* --- Reading --- */

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

/* The array's description. @file stays behind it, where @n_bytes bytes of numbers follow. */
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
  g_autoptr(GBytes) bytes = ddim_file_map(path, error);
  DdimArray *array;

  if (!bytes)
    return NULL;
  array = ddim_npz_read_bytes(bytes, name, error);
  if (!array)
    g_prefix_error(error, "“%s”: ", path);
  return array;
}

/* --- Writing --- */

static gboolean
zip_failed(const char *path, const char *why, GError **error)
{
  g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, _("cannot write “%s”: %s"), path, why);
  return FALSE;
}

/* A packed copy of a strided view; what is contiguous is used in place. */
static gconstpointer
get_packed(const DdimTensor *tensor, GPtrArray *keep, GError **error)
{
  gsize count = ddim_tensor_count(tensor);
  gpointer data;

  if (ddim_tensor_is_contiguous(tensor))
    return tensor->data;
  data = g_try_malloc(count * ddim_dtype_size(tensor->dtype));
  if (!data) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT, _("not enough memory for array “%s”"),
                tensor->name);
    return NULL;
  }
  ddim_tensor_read(tensor, 0, count, tensor->dtype, data);
  g_ptr_array_add(keep, data);
  return data;
}

/* @keep holds what must live until the archive is closed. */
static gboolean
add_member(zip_t *archive, const char *path, const DdimTensor *tensor, GPtrArray *keep,
           GError **error)
{
  g_autoptr(GBytes) header = ddim_npy_make_header(tensor, error);
  gconstpointer data = header ? get_packed(tensor, keep, error) : NULL;
  g_autofree char *name = g_strconcat(tensor->name, ".npy", NULL);
  zip_buffer_fragment_t parts[2];
  zip_source_t *source;
  zip_int64_t index;
  gsize header_size;

  if (!header || (!data && ddim_tensor_count(tensor) > 0))
    return FALSE;
  parts[0].data = g_bytes_unref_to_data(g_steal_pointer(&header), &header_size);
  parts[0].length = header_size;
  g_ptr_array_add(keep, parts[0].data);
  parts[1].data = (zip_uint8_t *)data;
  parts[1].length = ddim_tensor_count(tensor) * ddim_dtype_size(tensor->dtype);
  source = zip_source_buffer_fragment(archive, parts, parts[1].length > 0 ? 2 : 1, 0);
  if (!source)
    return zip_failed(path, zip_strerror(archive), error);
  index = zip_file_add(archive, name, source, ZIP_FL_ENC_UTF_8);
  if (index < 0) {
    zip_source_free(source);
    return zip_failed(path, zip_strerror(archive), error);
  }
  /* 1 January 1980, like NumPy: the same arrays make the same file. */
  if (zip_set_file_compression(archive, (zip_uint64_t)index, ZIP_CM_STORE, 0) != 0 ||
      zip_file_set_dostime(archive, (zip_uint64_t)index, 0, 0x21, 0) != 0)
    return zip_failed(path, zip_strerror(archive), error);
  return TRUE;
}

gboolean
ddim_npz_write(const char *path, const DdimTensor *tensors, guint n, GError **error)
{
  g_autoptr(GPtrArray) keep = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(DdimOutFile) output = ddim_out_file_open(path, error);
  const char *temporary = output ? ddim_out_file_get_temporary(output, error) : NULL;
  g_autoptr(zip_t) archive = NULL;
  int code;

  if (!temporary)
    return FALSE;
  archive = zip_open(temporary, ZIP_CREATE | ZIP_TRUNCATE, &code);
  if (!archive) {
    zip_error_t why;
    zip_error_init_with_code(&why, code);
    zip_failed(path, zip_error_strerror(&why), error);
    zip_error_fini(&why);
    return FALSE;
  }
  for (guint i = 0; i < n; i++)
    if (!add_member(archive, path, &tensors[i], keep, error))
      return FALSE;
  if (zip_close(archive) != 0)
    return zip_failed(path, zip_strerror(archive), error);
  archive = NULL; /* closed */
  return ddim_out_file_commit(output, error);
}
