/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define DDIM_MAX_DIMS 8

typedef enum {
  DDIM_DTYPE_F32,
  DDIM_DTYPE_F64,
  DDIM_DTYPE_F16,
  DDIM_DTYPE_BF16,
  DDIM_DTYPE_I64,
  DDIM_DTYPE_I32,
  DDIM_DTYPE_I16,
  DDIM_DTYPE_I8,
  DDIM_DTYPE_U8,
  DDIM_DTYPE_BOOL,
  DDIM_N_DTYPES
} DdimDType;

gsize ddim_dtype_size(DdimDType dtype);
/** The name that safetensors uses: "F32", "BF16". */
const char *ddim_dtype_name(DdimDType dtype);

/** A view of numbers inside a buffer or a file mapping; it owns nothing. Little-endian.
 * Invariant kept by every reader: all elements addressed by shape and strides lie inside the
 * mapping. */
typedef struct {
  const char *name;
  DdimDType dtype;
  guint n_dims;
  gsize shape[DDIM_MAX_DIMS];
  gsize strides[DDIM_MAX_DIMS]; /**< in elements */
  const guint8 *data;           /**< the first element; maybe unaligned */
} DdimTensor;

/** Fill in @dtype, @shape and C-order strides (not name and data), and tell the size in bytes.
 * FALSE, with @tensor undefined, for more than DDIM_MAX_DIMS dimensions or a size that overflows.
 */
gboolean ddim_tensor_set_layout(DdimTensor *tensor, DdimDType dtype, guint n_dims,
                                const gsize *shape, gsize *n_bytes);
/** How many elements lie between the first and the last that shape and strides address, both
 * included: 0 for an empty tensor. FALSE when it overflows. */
gboolean ddim_tensor_get_extent(const DdimTensor *tensor, gsize *extent);
/** Number of elements (1 for a scalar). The readers have checked that it does not overflow. */
gsize ddim_tensor_count(const DdimTensor *tensor);
/** Whether the elements lie in C order without gaps. */
gboolean ddim_tensor_is_contiguous(const DdimTensor *tensor);
/** Elements @first … @first + @n - 1, counted in C order, packed into @out and converted to @as:
 * the tensor's own dtype, or F32 or F16 (rounding to nearest even). Reads a big tensor in pieces.
 */
void ddim_tensor_read(const DdimTensor *tensor, gsize first, gsize n, DdimDType as, gpointer out);
/** Convert all elements, in C order, to float32. @out holds ddim_tensor_count() values. */
void ddim_tensor_to_f32(const DdimTensor *tensor, float *out);
/** The same, but to IEEE half, rounding to nearest even. */
void ddim_tensor_to_f16(const DdimTensor *tensor, guint16 *out);
/** The shape as text, such as "[64, 3, 3, 3]". (transfer full) */
char *ddim_tensor_shape_to_string(const DdimTensor *tensor);

/** Whether none of @n values is infinite or NaN. */
gboolean ddim_is_finite(const float *values, gsize n);
guint16 ddim_f32_to_f16(float value);
float ddim_f16_to_f32(guint16 value);

G_END_DECLS
