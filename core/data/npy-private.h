/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/data/npy.h"

G_BEGIN_DECLS

/* What npz.c needs of the .npy format. */

#define DDIM_NPY_START 12 /* bytes that tell the header's length; every .npy file is longer */

/* Length of magic, version and header; 0 when @start is no .npy file. */
gsize ddim_npy_header_size(const guint8 *start, gsize size);
/* Parse a header. @size is the result of ddim_npy_header_size(). @n_bytes is set to the data's
 * length. */
gboolean ddim_npy_parse_header(const guint8 *start, gsize size, DdimTensor *tensor, gsize *n_bytes,
                               GError **error);
GBytes *ddim_npy_make_header(const DdimTensor *tensor, GError **error);
/* Hand the bytes of @tensor to @func, in C order and in pieces. Stop when @func returns FALSE. */
typedef gboolean (*DdimNpyPieceFunc)(gconstpointer piece, gsize size, gpointer user_data,
                                     GError **error);
gboolean ddim_npy_foreach_piece(const DdimTensor *tensor, DdimNpyPieceFunc func, gpointer user_data,
                                GError **error);

G_END_DECLS
