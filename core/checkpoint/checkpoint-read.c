/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Reading the numbers of a checkpoint, and what is checked in doing so. */
#include <glib/gi18n-lib.h>
#include <string.h>
#include <zlib.h>

#include "core/checkpoint/checkpoint-private.h"
#include "core/checkpoint/checkpoint-tensors.h"
#include "core/data/error.h"

/* How many bytes are read, checked and converted at a time: so few that they stay in a processor's
 * cache. */
#define PIECE (128u << 10)

/* One call of ddim_checkpoint_read(). */
typedef struct {
  DdimCheckpoint *checkpoint;
  const DdimTensor *tensor;
  DdimPlace place;
  DdimDType as;
  guint8 *piece; /* PIECE bytes */
} Reading;

static gpointer
allocate(gsize size, GError **error)
{
  gpointer data = g_try_malloc(MAX(size, 1));

  if (!data)
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("not enough memory for an array of %zu bytes"), size);
  return data;
}

static gboolean
read_storage(const DdimStorage *storage, guint64 offset, gpointer to, gsize size, GError **error)
{
  if (!storage->inflated)
    return ddim_file_read(storage->file, storage->offset + offset, to, size, error);
  memcpy(to, (const guint8 *)g_bytes_get_data(storage->inflated, NULL) + offset, size);
  return TRUE;
}

static gboolean
bad_tensor(const Reading *reading, const char *what, GError **error)
{
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("“%s”: tensor “%s”: %s"),
              reading->checkpoint->path, reading->tensor->name, what);
  return FALSE;
}

/* --- Checksums --- */

static gboolean
is_checked(DdimStorage *storage)
{
  return !storage->has_crc || g_atomic_int_get(&storage->checked);
}

static gboolean
compare_crc(const Reading *reading, guint32 crc, GError **error)
{
  if (crc != reading->place.storage->crc)
    return bad_tensor(reading, _("it is damaged: its checksum is wrong"), error);
  g_atomic_int_set(&reading->place.storage->checked, 1);
  return TRUE;
}

/* Compare the checksum of a storage of which only a part is wanted. */
static gboolean
check_storage(Reading *reading, GError **error)
{
  const DdimStorage *storage = reading->place.storage;
  guint32 crc = 0;

  for (guint64 done = 0; done < storage->size;) {
    gsize n = (gsize)MIN(storage->size - done, PIECE);
    if (!read_storage(storage, done, reading->piece, n, error))
      return FALSE;
    crc = (guint32)crc32_z(crc, reading->piece, n);
    done += n;
  }
  return compare_crc(reading, crc, error);
}

/* --- Infinite numbers and NaN --- */

static gboolean
has_bad_f16(const guint16 *bits, gsize n)
{
  guint16 bad = 0;

  for (gsize i = 0; i < n; i++)
    bad |= (bits[i] & 0x7c00u) == 0x7c00u;
  return bad;
}

/* Set the error for bad numbers in half precision. It ends at 65504; a weight beyond that would
 * silently become infinite. */
static gboolean
explain_f16(const Reading *reading, const DdimTensor *source, gsize first, gsize n, GError **error)
{
  for (gsize i = 0; i < n; i++) {
    float value;
    ddim_tensor_read(source, first + i, 1, DDIM_DTYPE_F32, &value);
    if (value - value == 0 && (value >= 65520 || value <= -65520)) {
      g_set_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
                  _("tensor “%s” has the value %g, beyond the range of half precision: convert it "
                    "to float32 instead"),
                  reading->tensor->name, value);
      return FALSE;
    }
  }
  return bad_tensor(reading, _("it holds numbers that are infinite or not numbers (NaN)"), error);
}

/* Check that no number is infinite or NaN. @out holds @n elements of @source, from @first on. */
static gboolean
check_finite(const Reading *reading, const DdimTensor *source, gsize first, gsize n,
             gconstpointer out, GError **error)
{
  if (reading->as == DDIM_DTYPE_F32 && !ddim_is_finite(out, n))
    return bad_tensor(reading, _("it holds numbers that are infinite or not numbers (NaN)"), error);
  if (reading->as == DDIM_DTYPE_F16 && has_bad_f16(out, n))
    return explain_f16(reading, source, first, n, error);
  return TRUE;
}

/* --- Reading --- */

/* Bad numbers were found, as *@error says. When they come from damage, say that instead. */
static gboolean
explain_damage(Reading *reading, gboolean check, GError **error)
{
  g_autoptr(GError) damage = NULL;

  if (!check || check_storage(reading, &damage))
    return FALSE;
  g_clear_error(error);
  g_propagate_error(error, g_steal_pointer(&damage));
  return FALSE;
}

/* Read elements that lie one after another. When they are the whole storage, its checksum is
 * computed on the way. */
static gboolean
read_contiguous(Reading *reading, gsize first, gsize n, guint8 *out, GError **error)
{
  const DdimTensor *tensor = reading->tensor;
  const gsize size = ddim_dtype_size(tensor->dtype), out_size = ddim_dtype_size(reading->as);
  const guint64 begin = reading->place.begin + (guint64)first * size;
  const gboolean check = !is_checked(reading->place.storage);
  const gboolean whole = begin == 0 && (guint64)n * size == reading->place.storage->size;
  const gboolean convert = reading->as != tensor->dtype;
  guint32 crc = 0;

  if (check && !whole && !check_storage(reading, error))
    return FALSE;
  for (gsize done = 0; done < n;) {
    gsize count = MIN(n - done, PIECE / size);
    guint8 *to = out + done * out_size, *from = convert ? reading->piece : to;
    const DdimTensor view = {.name = tensor->name,
                             .dtype = tensor->dtype,
                             .n_dims = 1,
                             .shape = {count},
                             .strides = {1},
                             .data = from};
    if (!read_storage(reading->place.storage, begin + (guint64)done * size, from, count * size,
                      error))
      return FALSE;
    if (check && whole)
      crc = (guint32)crc32_z(crc, from, count * size);
    if (convert)
      ddim_tensor_read(&view, 0, count, reading->as, to);
    if (!check_finite(reading, &view, 0, count, to, error))
      return explain_damage(reading, check, error);
    done += count;
  }
  return !(check && whole) || compare_crc(reading, crc, error);
}

/* Read everything from the tensor's first element to its last, then pick the elements that are
 * wanted. */
static gboolean
read_strided(Reading *reading, gsize first, gsize n, guint8 *out, GError **error)
{
  DdimTensor view = *reading->tensor;
  g_autofree guint8 *data = NULL;
  gsize extent, size;

  if (!is_checked(reading->place.storage) && !check_storage(reading, error))
    return FALSE;
  ddim_tensor_get_extent(&view, &extent);
  size = extent * ddim_dtype_size(view.dtype);
  data = allocate(size, error);
  if (!data || !read_storage(reading->place.storage, reading->place.begin, data, size, error))
    return FALSE;
  view.data = data;
  ddim_tensor_read(&view, first, n, reading->as, out);
  return check_finite(reading, &view, first, n, out, error);
}

gboolean
ddim_checkpoint_read(DdimCheckpoint *checkpoint, const DdimTensor *tensor, gsize first, gsize n,
                     DdimDType as, gpointer out, GError **error)
{
  const gsize index = (gsize)(tensor - (const DdimTensor *)checkpoint->tensors->data);
  g_autofree guint8 *piece = allocate(PIECE, error);
  Reading reading = {.checkpoint = checkpoint, .tensor = tensor, .as = as, .piece = piece};

  g_return_val_if_fail(index < checkpoint->tensors->len, FALSE);
  g_return_val_if_fail(first <= ddim_tensor_count(tensor) && n <= ddim_tensor_count(tensor) - first,
                       FALSE);
  if (!piece || n == 0)
    return piece != NULL;
  reading.place = g_array_index(checkpoint->places, DdimPlace, index);
  return ddim_tensor_is_contiguous(tensor) ? read_contiguous(&reading, first, n, out, error)
                                           : read_strided(&reading, first, n, out, error);
}
