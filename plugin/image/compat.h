/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

/* What differs only in name between libgimp 2.10 (numbers) and 3.x (objects), so that the rest is
 * written once. */

#include <libgimp/gimp.h>

#if DDIM_GIMP_MAJOR >= 3

typedef GimpImage *ImageRef;
typedef GimpLayer *LayerRef;
typedef GimpDrawable *DrawableRef;
typedef GimpItem *ItemRef;
typedef GimpLayerMask *MaskRef;
#define NO_IMAGE NULL
#define NO_LAYER NULL
#define NO_DRAWABLE NULL
#define NO_ITEM NULL

#else

typedef gint32 ImageRef;
typedef gint32 LayerRef;
typedef gint32 DrawableRef;
typedef gint32 ItemRef;
typedef gint32 MaskRef;
#define NO_IMAGE (-1)
#define NO_LAYER (-1)
#define NO_DRAWABLE (-1)
#define NO_ITEM (-1)

#define GIMP_ITEM(id) (id)
#define GIMP_LAYER(id) (id)
#define GIMP_DRAWABLE(id) (id)
#define GIMP_LAYER_MASK(id) (id)
#define GIMP_PRECISION_U8_NON_LINEAR GIMP_PRECISION_U8_GAMMA
#define gimp_image_get_base_type gimp_image_base_type
#define gimp_image_get_width gimp_image_width
#define gimp_image_get_height gimp_image_height

#endif

/* g_autoptr() for classes of GEGL and GIMP, whose headers have it in newer releases only. */
#define AUTO_OBJECT(Type) __attribute__((cleanup(compat_clear_object))) Type *
static inline void
compat_clear_object(void *location)
{
  g_clear_object((GObject **)location);
}
