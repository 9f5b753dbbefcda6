/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/data/image.h"

G_BEGIN_DECLS

/* Only for code that makes images. Other code reads them with the functions of image.h. */
struct _DdimImage {
  guint width, height;
  guint channels; /* 1 gray, 2 gray+alpha, 3 RGB, 4 RGBA; interleaved, rows top to bottom, no
                     padding */
  guint8 *pixels; /* width * height * channels bytes, owned */
};

/** How a sample x becomes a byte. The programs that models come from differ. */
typedef enum {
  DDIM_BYTES_TRUNCATED, /**< improved-diffusion: ((x + 1) * 127.5).clamp(0, 255), cut off */
  DDIM_BYTES_ROUNDED,   /**< torchvision's save_image: (x + 1) / 2 * 255 + 0.5, cut off */
  DDIM_BYTES_NEAREST,   /**< diffusers: (x / 2 + 0.5) * 255, rounded, halves to even */
} DdimBytes;

/** ddim_image_new_from_samples() with bytes made as @bytes says. */
DdimImage *ddim_image_new_from_samples_as(const float *samples, guint channels, guint height,
                                          guint width, DdimBytes bytes, GError **error);

/** A new image whose bytes are all 0. Errors: DDIM_ERROR_ARGUMENT for an impossible size. */
DdimImage *ddim_image_new(guint width, guint height, guint channels, GError **error);

/** How ddim_image_new_grid() arranges @n images. */
void ddim_image_get_grid(guint n, guint *columns, guint *rows);

/** (transfer full) Errors: DDIM_ERROR_ARGUMENT when there is no memory. */
DdimImage *ddim_image_copy(const DdimImage *image, GError **error);

G_END_DECLS
