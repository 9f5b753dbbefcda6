/* SPDX-License-Identifier: LGPL-3.0-or-later
 * The file is the checksum of the rest in its first line, then a line for each verdict. */
#include "opencl/check/verdicts.h"

#include <string.h>

#include "opencl/device/cache-file.h"
#include "opencl/device/kernel-sources.h"

#define MAX_BYTES (256 << 10)
#define RIGHT "right "
#define WRONG "wrong "

/* A name of its own for everything that a verdict holds for. */
static char *
make_path(DdimContext *context)
{
  const DdimDeviceInfo *info = context->info;
  const DdimClProfile *profile = &context->profile;
  const char *spoiled = g_getenv("DDIM_SPOIL");
  g_autofree char *shape = g_strdup_printf("%u %u %u %d %d %d %d", profile->vec, profile->nr,
                                           profile->mr, profile->matrix_unit, profile->row_loop,
                                           profile->amx_allowed, profile->amx_emulated);
  const char *parts[] = {
      DDIM_VERSION,         info->name,           info->vendor, info->platform,
      info->device_version, info->driver_version, shape,        spoiled ? spoiled : ""};
  g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
  for (guint i = 0; i < G_N_ELEMENTS(parts); i++)
    g_checksum_update(sum, (const guchar *)parts[i], strlen(parts[i]) + 1);
  for (const DdimClKernelSource *s = ddim_cl_kernel_sources; s->name; s++)
    g_checksum_update(sum, (const guchar *)s->text, strlen(s->text) + 1);
  g_autofree char *file = g_strdup_printf("checked-%.32s.txt", g_checksum_get_string(sum));
  return g_build_filename(g_get_user_cache_dir(), "ddim", file, NULL);
}

static void
read_lines(DdimVerdicts *verdicts, const char *body)
{
  g_auto(GStrv) lines = g_strsplit(body, "\n", -1);
  for (guint i = 0; lines[i]; i++)
    if (g_str_has_prefix(lines[i], RIGHT))
      g_hash_table_add(verdicts->right, g_strdup(lines[i] + strlen(RIGHT)));
    else if (g_str_has_prefix(lines[i], WRONG))
      g_hash_table_add(verdicts->wrong, g_strdup(lines[i] + strlen(WRONG)));
}

DdimVerdicts *
ddim_verdicts_load(DdimContext *context)
{
  DdimVerdicts *verdicts = g_new0(DdimVerdicts, 1);
  gsize size = 0;
  verdicts->path = make_path(context);
  verdicts->right = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  verdicts->wrong = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *text = ddim_cl_cache_read(verdicts->path, MAX_BYTES, &size, NULL);
  char *body = text ? strchr(text, '\n') : NULL;
  if (!body || strlen(text) != size || !g_utf8_validate(text, -1, NULL))
    return verdicts;
  *body++ = '\0';
  g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, body, -1);
  if (g_str_equal(text, sum))
    read_lines(verdicts, body);
  return verdicts;
}

static void
append_lines(GString *body, const char *prefix, GHashTable *names)
{
  g_autoptr(GList) sorted = g_list_sort(g_hash_table_get_keys(names), (GCompareFunc)strcmp);
  for (GList *name = sorted; name; name = name->next)
    g_string_append_printf(body, "%s%s\n", prefix, (const char *)name->data);
}

void
ddim_verdicts_save(const DdimVerdicts *verdicts)
{
  g_autoptr(GString) body = g_string_new(NULL);
  append_lines(body, RIGHT, verdicts->right);
  append_lines(body, WRONG, verdicts->wrong);
  g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, body->str, -1);
  g_autofree char *text = g_strconcat(sum, "\n", body->str, NULL);
  if (strlen(text) <= MAX_BYTES && ddim_cl_cache_make_folder(verdicts->path, NULL))
    g_file_set_contents(verdicts->path, text, -1, NULL);
}

void
ddim_verdicts_free(DdimVerdicts *verdicts)
{
  if (!verdicts)
    return;
  g_hash_table_unref(verdicts->right);
  g_hash_table_unref(verdicts->wrong);
  g_free(verdicts->path);
  g_free(verdicts);
}
