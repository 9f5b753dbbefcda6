/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/model/config-source.h"

const char *
ddim_source_get_name(DdimSource source)
{
  switch (source) {
  case DDIM_SOURCE_SHAPES:
    return "shapes";
  case DDIM_SOURCE_FLAGS:
    return "flags";
  case DDIM_SOURCE_SIDECAR:
    return "sidecar";
  case DDIM_SOURCE_METADATA:
    return "metadata";
  case DDIM_SOURCE_CONFIG:
    return "config";
  case DDIM_SOURCE_PRESET:
    return "preset";
  case DDIM_SOURCE_DEFAULT:
  default:
    return "default";
  }
}
