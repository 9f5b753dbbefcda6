/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The format: numpy/lib/format.py. */
#include "core/data/npy.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "core/data/error.h"
#include "core/data/memory.h"
#include "core/data/file.h"
#include "core/data/npy-private.h"
#include "core/data/out-file.h"

static const char magic[6] = {'\x93', 'N', 'U', 'M', 'P', 'Y'};

static const struct {
  const char *name;
  DdimDType dtype;
} descriptions[] = {
    {"<f4", DDIM_DTYPE_F32}, {"<f8", DDIM_DTYPE_F64}, {"<f2", DDIM_DTYPE_F16},
    {"<i8", DDIM_DTYPE_I64}, {"<i4", DDIM_DTYPE_I32}, {"<i2", DDIM_DTYPE_I16},
    {"|i1", DDIM_DTYPE_I8},  {"|u1", DDIM_DTYPE_U8},  {"|b1", DDIM_DTYPE_BOOL},
};

void
ddim_array_free(DdimArray *array)
{
  if (!array)
    return;
  g_clear_pointer(&array->bytes, g_bytes_unref);
  g_free(array);
}

DdimArray *
ddim_array_new(DdimDType dtype, guint n_dims, const gsize *shape, GError **error)
{
  g_autoptr(DdimArray) array = g_new0(DdimArray, 1);
  gsize size;
  gpointer data;

  if (!ddim_tensor_set_layout(&array->tensor, dtype, n_dims, shape, &size)) {
    g_set_error_literal(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT, _("the array is too large"));
    return NULL;
  }
  data = ddim_try_alloc(size, 1, error);
  if (!data)
    return NULL;
  array->bytes = g_bytes_new_take(data, size);
  array->tensor.data = data;
  return g_steal_pointer(&array);
}

gpointer
ddim_array_get_data(DdimArray *array)
{
  return (gpointer)array->tensor.data;
}

/* --- The header: a Python dict literal of three known keys --- */

static gboolean
bad_header(GError **error)
{
  g_set_error_literal(error, DDIM_ERROR, DDIM_ERROR_FORMAT,
                      _("not a .npy array: its header is broken"));
  return FALSE;
}

static void
skip_blanks(const char **at)
{
  while (g_ascii_isspace(**at))
    (*at)++;
}

static gboolean
accept(const char **at, const char *token)
{
  skip_blanks(at);
  if (!g_str_has_prefix(*at, token))
    return FALSE;
  *at += strlen(token);
  return TRUE;
}

/* Read 'text' or "text". Escapes are not accepted, because NumPy never writes them here. */
static char *
parse_string(const char **at)
{
  const char *end;
  char *text, quote;

  skip_blanks(at);
  quote = **at;
  if (quote != '\'' && quote != '"')
    return NULL;
  end = strchr(*at + 1, quote);
  if (!end)
    return NULL;
  text = g_strndup(*at + 1, (gsize)(end - *at - 1));
  *at = end + 1;
  return text;
}

static gboolean
parse_dtype(const char **at, DdimDType *dtype, GError **error)
{
  g_autofree char *name = parse_string(at), *shown = NULL;

  for (guint i = 0; name && i < G_N_ELEMENTS(descriptions); i++)
    /* One-byte types have no byte order; some writers give one all the same. */
    if (g_str_equal(name, descriptions[i].name) ||
        (descriptions[i].name[0] == '|' && (name[0] == '<' || name[0] == '>') &&
         g_str_equal(name + 1, descriptions[i].name + 1))) {
      *dtype = descriptions[i].dtype;
      return TRUE;
    }
  shown = name ? g_strescape(name, NULL) : g_strdup("?");
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
              _("the .npy array's type is “%.40s”; readable are little-endian floats, signed "
                "integers, uint8 and bool"),
              shown);
  return FALSE;
}

static gboolean
parse_shape(const char **at, guint *n_dims, gsize *shape, GError **error)
{
  *n_dims = 0;
  if (!accept(at, "("))
    return bad_header(error);
  while (!accept(at, ")")) {
    guint64 value;
    char *end;

    if (!g_ascii_isdigit(**at))
      return bad_header(error);
    value = g_ascii_strtoull(*at, &end, 10); /* saturates, and then overflows below */
    *at = end;
    accept(at, "L"); /* Python 2 wrote long integers with an L */
    if (*n_dims == DDIM_MAX_DIMS) {
      g_set_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
                  _("the .npy array has more than %d dimensions"), DDIM_MAX_DIMS);
      return FALSE;
    }
    shape[(*n_dims)++] = (gsize)MIN(value, (guint64)G_MAXSIZE);
    if (!accept(at, ",") && **at != ')')
      return bad_header(error);
  }
  return TRUE;
}

typedef struct {
  DdimDType dtype;
  gboolean fortran;
  guint n_dims;
  gsize shape[DDIM_MAX_DIMS];
} Header;

static gboolean
parse_header(const char *at, Header *header, GError **error)
{
  guint seen = 0;

  if (!accept(&at, "{"))
    return bad_header(error);
  while (!accept(&at, "}")) {
    g_autofree char *key = parse_string(&at);
    guint bit;

    if (!key || !accept(&at, ":"))
      return bad_header(error);
    if (g_str_equal(key, "descr")) {
      bit = 1;
      if (!parse_dtype(&at, &header->dtype, error))
        return FALSE;
    } else if (g_str_equal(key, "fortran_order")) {
      bit = 2;
      header->fortran = accept(&at, "True");
      if (!header->fortran && !accept(&at, "False"))
        return bad_header(error);
    } else if (g_str_equal(key, "shape")) {
      bit = 4;
      if (!parse_shape(&at, &header->n_dims, header->shape, error))
        return FALSE;
    } else {
      return bad_header(error);
    }
    if ((seen & bit) || (!accept(&at, ",") && *at != '}'))
      return bad_header(error);
    seen |= bit;
  }
  skip_blanks(&at);
  return (seen == 7 && *at == '\0') || bad_header(error);
}

gsize
ddim_npy_header_size(const guint8 *start, gsize size)
{
  if (size < DDIM_NPY_START || memcmp(start, magic, sizeof magic) != 0)
    return 0;
  if (start[6] == 1)
    return 10 + (gsize)(start[8] | start[9] << 8);
  if (start[6] == 2 || start[6] == 3) {
    guint32 length = start[8] | start[9] << 8 | start[10] << 16 | (guint32)start[11] << 24;
    /* Eight dimensions need some hundred bytes; NumPy itself refuses above 10 000. */
    return length <= 1u << 20 ? 12 + (gsize)length : 0;
  }
  return 0;
}

gboolean
ddim_npy_parse_header(const guint8 *start, gsize size, DdimTensor *tensor, gsize *n_bytes,
                      GError **error)
{
  g_autofree char *text = NULL;
  Header header = {0};
  gsize skip = start[6] == 1 ? 10 : 12;

  text = g_strndup((const char *)start + skip, size - skip);
  if (!parse_header(text, &header, error))
    return FALSE;
  if (!ddim_tensor_set_layout(tensor, header.dtype, header.n_dims, header.shape, n_bytes)) {
    g_set_error_literal(error, DDIM_ERROR, DDIM_ERROR_FORMAT,
                        _("not a .npy array: its size overflows"));
    return FALSE;
  }
  if (header.fortran) {
    gsize step = 1;
    for (guint i = 0; i < tensor->n_dims; i++) {
      tensor->strides[i] = step;
      step *= MAX(tensor->shape[i], 1); /* the same product as in C order, which fits */
    }
  }
  return TRUE;
}

/* --- Reading --- */

gboolean
ddim_npy_read_layout(DdimFile *file, DdimTensor *layout, guint64 *offset, GError **error)
{
  const guint64 size = ddim_file_get_size(file);
  g_autofree guint8 *header = g_malloc0(DDIM_NPY_START);
  const gsize n = (gsize)MIN(size, DDIM_NPY_START);
  gsize needed, skip;

  if (!ddim_file_read(file, 0, header, n, error))
    return FALSE;
  skip = ddim_npy_header_size(header, n);
  if (skip < DDIM_NPY_START || skip > size) {
    g_set_error_literal(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("not a .npy array"));
    return FALSE;
  }
  header = g_realloc(header, skip);
  if (!ddim_file_read(file, 0, header, skip, error) ||
      !ddim_npy_parse_header(header, skip, layout, &needed, error))
    return FALSE;
  *offset = skip;
  if (needed <= size - skip)
    return TRUE;
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT,
              _("the .npy array is truncated: %zu of %zu"
                " bytes are there"),
              (gsize)(size - skip), needed);
  return FALSE;
}

DdimArray *
ddim_npy_read_bytes(GBytes *bytes, GError **error)
{
  g_autoptr(DdimFile) file = ddim_file_new_from_bytes(bytes, "-");
  g_autoptr(DdimArray) array = g_new0(DdimArray, 1);
  guint64 offset;

  if (!ddim_npy_read_layout(file, &array->tensor, &offset, error))
    return NULL;
  array->tensor.data = (const guint8 *)g_bytes_get_data(bytes, NULL) + offset;
  array->bytes = g_bytes_ref(bytes);
  return g_steal_pointer(&array);
}

DdimArray *
ddim_npy_read(const char *path, GError **error)
{
  g_autoptr(DdimFile) file = ddim_file_open(path, error);
  g_autoptr(GBytes) bytes = file ? ddim_file_load(file, 0, ddim_file_get_size(file), error) : NULL;
  DdimArray *array;

  if (!bytes)
    return NULL;
  array = ddim_npy_read_bytes(bytes, error);
  if (!array)
    g_prefix_error(error, "“%s”: ", path);
  return array;
}

/* --- Writing --- */

GBytes *
ddim_npy_make_header(const DdimTensor *tensor, GError **error)
{
  GString *text;
  const char *name = NULL;
  gsize length;

  for (guint i = 0; i < G_N_ELEMENTS(descriptions); i++)
    if (descriptions[i].dtype == tensor->dtype)
      name = descriptions[i].name;
  if (!name) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED, _("NumPy has no type %s"),
                ddim_dtype_name(tensor->dtype));
    return NULL;
  }
  text = g_string_new_len(magic, sizeof magic);
  g_string_append_len(text, "\1\0\0\0", 4); /* version 1.0, length set below */
  g_string_append_printf(text, "{'descr': '%s', 'fortran_order': False, 'shape': (", name);
  for (guint i = 0; i < tensor->n_dims; i++)
    g_string_append_printf(text, "%s%" G_GSIZE_FORMAT, i ? ", " : "", tensor->shape[i]);
  g_string_append(text, tensor->n_dims == 1 ? ",), }" : "), }");
  while ((text->len + 1) % 64 != 0) /* pad as NumPy does, so that the data is aligned */
    g_string_append_c(text, ' ');
  g_string_append_c(text, '\n');
  length = text->len - 10;
  text->str[8] = (char)(length & 0xff);
  text->str[9] = (char)(length >> 8);
  return g_string_free_to_bytes(text);
}

gboolean
ddim_npy_foreach_piece(const DdimTensor *tensor, DdimNpyPieceFunc func, gpointer user_data,
                       GError **error)
{
  enum { PIECE = 1 << 17 };
  gsize count = ddim_tensor_count(tensor), size = ddim_dtype_size(tensor->dtype);
  g_autofree guint8 *buffer = NULL;

  if (ddim_tensor_is_contiguous(tensor))
    return func(tensor->data, count * size, user_data, error);
  buffer = g_malloc(PIECE * size);
  for (gsize done = 0; done < count;) {
    gsize n = MIN(count - done, PIECE);
    ddim_tensor_read(tensor, done, n, tensor->dtype, buffer);
    if (!func(buffer, n * size, user_data, error))
      return FALSE;
    done += n;
  }
  return TRUE;
}

static gboolean
write_piece(gconstpointer piece, gsize size, gpointer output, GError **error)
{
  return ddim_out_file_write(output, piece, size, error);
}

gboolean
ddim_npy_write(const char *path, const DdimTensor *tensor, GError **error)
{
  g_autoptr(GBytes) header = ddim_npy_make_header(tensor, error);
  g_autoptr(DdimOutFile) output = header ? ddim_out_file_open(path, error) : NULL;
  gconstpointer start;
  gsize size;

  if (!output)
    return FALSE;
  start = g_bytes_get_data(header, &size);
  return ddim_out_file_write(output, start, size, error) &&
         ddim_npy_foreach_piece(tensor, write_piece, output, error) &&
         ddim_out_file_commit(output, error);
}
