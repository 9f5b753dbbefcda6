/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/data/file.h"
#include "core/data/tensor.h"

G_BEGIN_DECLS

/** NumPy's .npy and .npz, C order, little-endian. All writers write to a temporary file beside
 * @path and rename it; the path "-" means standard output. */

/** One array in memory. */
typedef struct {
  DdimTensor tensor; /**< its data points into `bytes` */
  GBytes *bytes;
} DdimArray;

void ddim_array_free(DdimArray *array);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimArray, ddim_array_free)

/** A new zeroed C-order array. This function never aborts: when the size overflows, it returns NULL
 * with DDIM_ERROR_ARGUMENT. */
DdimArray *ddim_array_new(DdimDType dtype, guint n_dims, const gsize *shape, GError **error);
/** Writable data of an array made by ddim_array_new(). */
gpointer ddim_array_get_data(DdimArray *array);

/** Read a .npy. Accepts versions 1-3, little-endian float/int/uint8/bool, C and Fortran order.
 * Takes as much memory as the file has bytes. */
DdimArray *ddim_npy_read(const char *path, GError **error);
DdimArray *ddim_npy_read_bytes(GBytes *bytes, GError **error);
/** Read only type, shape and strides of a .npy, so that the caller can judge them before memory is
 * spent on the numbers. These are in @file as a whole, and begin at *@offset.
 * @layout  (out): everything but name and data */
gboolean ddim_npy_read_layout(DdimFile *file, DdimTensor *layout, guint64 *offset, GError **error);
gboolean ddim_npy_write(const char *path, const DdimTensor *tensor, GError **error);

/** Read the type and shape of member @name ("arr_0") of an .npz, so that the caller can judge it
 * before it is inflated: a small file can hold an array of gigabytes. @layout (out): everything but
 * name and data. */
gboolean ddim_npz_read_layout(DdimFile *file, const char *name, DdimTensor *layout, GError **error);
/** Read member @name of an .npz. Takes memory for the array's numbers, not for the file. */
DdimArray *ddim_npz_read(const char *path, const char *name, GError **error);
DdimArray *ddim_npz_read_file(DdimFile *file, const char *name, GError **error);
/** Write @n tensors under their own names, stored like numpy.savez does. */
gboolean ddim_npz_write(const char *path, const DdimTensor *tensors, guint n, GError **error);
/** An .npz whose arrays are written piece by piece, so that none has to be in memory. The file is
 * the one that ddim_npz_write() makes. It must be a regular one. */
typedef struct _DdimNpzStream DdimNpzStream;

DdimNpzStream *ddim_npz_stream_open(const char *path, GError **error);
/** Without a commit before, nothing is left behind. */
void ddim_npz_stream_free(DdimNpzStream *stream);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimNpzStream, ddim_npz_stream_free)
/** Begin the next array: @layout tells everything but its data. */
gboolean ddim_npz_stream_begin(DdimNpzStream *stream, const DdimTensor *layout, GError **error);
/** The next bytes of the array, in C order. */
gboolean ddim_npz_stream_write(DdimNpzStream *stream, gconstpointer data, gsize size,
                               GError **error);
/** To be called when all arrays are whole. */
gboolean ddim_npz_stream_commit(DdimNpzStream *stream, GError **error);

/** The version of libzip that is in use. */
const char *ddim_npz_get_libzip_version(void);

G_END_DECLS
