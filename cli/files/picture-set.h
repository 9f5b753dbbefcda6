/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** All pictures of one request, found by the settings that they hold. */
typedef struct {
  char **paths;   /**< [count], by the index of the image */
  gint64 *labels; /**< [count], or NULL for a model without classes */
  guint count;
} DdimPictureSet;

/** Find them among @n files and folders. Of a folder all .png are looked at, and those that ddim
 * did not make are left out, as are contact sheets; so are those of other requests, if a file of
 * the set is named as well or if the set is the only one that is whole. A warning tells of them. A
 * file must be a picture of the set. Errors: DDIM_ERROR_MISMATCH for pictures of different requests
 * else, for an image that is there twice, and for one that is missing; G_FILE_ERROR;
 * DDIM_ERROR_UNSUPPORTED. */
DdimPictureSet *ddim_picture_set_find(char **paths, guint n, GError **error);
void ddim_picture_set_free(DdimPictureSet *set);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimPictureSet, ddim_picture_set_free)

G_END_DECLS
