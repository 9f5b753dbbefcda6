/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/model/family.h"

gboolean
ddim_family_has_prefix(const DdimFamily *family, const char *name)
{
  for (guint i = 0; family->prefixes[i]; i++)
    if (g_str_has_prefix(name, family->prefixes[i]))
      return TRUE;
  return FALSE;
}

const char *
ddim_family_get_key_name(const DdimFamily *family, DdimKey key)
{
  return family->classifies ? ddim_key_classifier_name(key) : ddim_key_name(key);
}

const char *
ddim_family_get_default(const DdimFamily *family, DdimKey key)
{
  for (const DdimDefault *own = family->defaults; own && own->text; own++)
    if (own->key == key)
      return own->text;
  return ddim_key_default(key);
}
