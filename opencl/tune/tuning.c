/* SPDX-License-Identifier: LGPL-3.0-or-later
 * The file begins with a line that holds the checksum of the rest. The rest is a GKeyFile: a group
 * says what was measured, a group holds CLBlast's parameters, and for every shape a group holds the
 * seconds of every way to compute it. */
#include "opencl/tune/tuning.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "opencl/device/cache-file.h"
#include "opencl/device/context-private.h"
#include "opencl/device/status.h"
#include "opencl/ops/matrix/clblast-use.h"

/* A model has some dozens of shapes. */
#define MAX_SHAPES 4096
#define MAX_FILE_BYTES (2 << 20)
/* No convolution takes so long. */
#define MAX_SECONDS 1e4
#define HEADER "tuning"
#define CLBLAST "clblast"
#define CHECKSUM_PREFIX "#sha256="

/* Seconds by method and provider; 0 where nothing was measured. */
typedef struct {
  double seconds[DDIM_N_CONV_METHODS][DDIM_N_GEMM_PROVIDERS];
} Entry;

typedef struct {
  const char *key;
  char *value;
} Fact;

struct _DdimClTuning {
  Fact facts[8];         /* what the measurements hold for */
  GHashTable *entries;   /* char* -> Entry, by the shape's name */
  DdimDeviceInfo limits; /* the device's numbers, without its strings */
  gboolean has_clblast;
  DdimClblastParameters clblast;
  char *problem; /* (nullable) why the file of a context is not used */
  char *unread;  /* (nullable) why there may be measurements in the file that are not here */
};

DdimClTuning *
ddim_cl_tuning_new(const DdimDeviceInfo *info, gboolean row_loop)
{
  DdimClTuning *tuning = g_new0(DdimClTuning, 1);
  const Fact facts[] = {{"version", g_strdup(DDIM_VERSION)},
                        {"device", g_strdup(info->name)},
                        {"vendor", g_strdup(info->vendor)},
                        {"platform", g_strdup(info->platform)},
                        {"device-version", g_strdup(info->device_version)},
                        {"driver-version", g_strdup(info->driver_version)},
                        {"compute-units", g_strdup_printf("%u", info->compute_units)},
                        {"kernels", g_strdup(row_loop ? "cpu" : "gpu")}};
  G_STATIC_ASSERT(sizeof facts == sizeof tuning->facts);
  memcpy(tuning->facts, facts, sizeof facts);
  for (guint i = 0; i < G_N_ELEMENTS(tuning->facts); i++) {
    char *value = tuning->facts[i].value;
    tuning->facts[i].value = g_utf8_make_valid(value, -1);
    g_free(value);
  }
  tuning->entries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  tuning->limits.max_work_group_size = info->max_work_group_size;
  tuning->limits.local_memory = info->local_memory;
  return tuning;
}

void
ddim_cl_tuning_free(DdimClTuning *tuning)
{
  if (!tuning)
    return;
  for (guint i = 0; i < G_N_ELEMENTS(tuning->facts); i++)
    g_free(tuning->facts[i].value);
  g_hash_table_unref(tuning->entries);
  g_free(tuning->problem);
  g_free(tuning->unread);
  g_free(tuning);
}

char *
ddim_cl_tuning_path(const DdimClTuning *tuning)
{
  g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
  for (guint i = 0; i < G_N_ELEMENTS(tuning->facts); i++)
    g_checksum_update(sum, (const guchar *)tuning->facts[i].value,
                      strlen(tuning->facts[i].value) + 1);
  g_autofree char *file = g_strdup_printf("tuning-%.16s.ini", g_checksum_get_string(sum));
  return g_build_filename(g_get_user_cache_dir(), "ddim", file, NULL);
}

/* (transfer full) */
static char *
shape_name(const DdimConvShape *shape, gboolean half)
{
  return g_strdup_printf("%ux%u %u to %u, stride %u%s, %u x %ux%u, %s", shape->taps, shape->taps,
                         shape->in, shape->out, shape->stride, shape->up ? ", up" : "", shape->n,
                         shape->w, shape->h, half ? "f16" : "f32");
}

double
ddim_cl_tuning_get(const DdimClTuning *tuning, const DdimConvShape *shape, gboolean half,
                   DdimClChoice choice)
{
  g_autofree char *name = shape_name(shape, half);
  const Entry *entry = g_hash_table_lookup(tuning->entries, name);
  const double seconds = entry ? entry->seconds[choice.method][choice.provider] : 0;
  return seconds > 0 ? seconds : -1;
}

/* The entry of @name, which is made where it is missing. A table with more entries than any use
 * needs is emptied first. */
static Entry *
get_entry(GHashTable *entries, const char *name)
{
  Entry *entry = g_hash_table_lookup(entries, name);
  if (entry)
    return entry;
  if (g_hash_table_size(entries) >= MAX_SHAPES)
    g_hash_table_remove_all(entries);
  entry = g_new0(Entry, 1);
  g_hash_table_insert(entries, g_strdup(name), entry);
  return entry;
}

void
ddim_cl_tuning_set(DdimClTuning *tuning, const DdimConvShape *shape, gboolean half,
                   DdimClChoice choice, double seconds)
{
  g_return_if_fail(seconds > 0 && seconds <= MAX_SECONDS);
  g_autofree char *name = shape_name(shape, half);
  get_entry(tuning->entries, name)->seconds[choice.method][choice.provider] = seconds;
}

const DdimClblastParameters *
ddim_cl_tuning_get_clblast(const DdimClTuning *tuning)
{
  return tuning->has_clblast ? &tuning->clblast : NULL;
}

void
ddim_cl_tuning_set_clblast(DdimClTuning *tuning, const DdimClblastParameters *parameters)
{
  GHashTableIter iter;
  gpointer entry;
  tuning->has_clblast = TRUE;
  tuning->clblast = *parameters;
  g_hash_table_iter_init(&iter, tuning->entries);
  while (g_hash_table_iter_next(&iter, NULL, &entry))
    for (guint m = 0; m < DDIM_N_CONV_METHODS; m++)
      ((Entry *)entry)->seconds[m][DDIM_GEMM_CLBLAST] = 0;
}

static gboolean
set_damaged(const char *path, GError **error)
{
  g_autofree char *shown = g_filename_display_name(path);
  g_set_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_FAILED,
              _("%s is damaged; its measurements are ignored, and 'ddim tune' makes new ones"),
              shown);
  return FALSE;
}

/* Whether a file may hold measurements although it could not be read, which @why tells. */
static gboolean
may_be_good(const GError *why)
{
  return why->code != G_FILE_ERROR_INVAL && why->code != G_FILE_ERROR_PERM;
}

/* The text of @path with a right checksum before it; @found is FALSE for a file that is not there.
 */
static char *
read_text(DdimClTuning *tuning, const char *path, gboolean *found, GError **error)
{
  g_autoptr(GError) why = NULL;
  gsize size = 0;
  g_autofree char *text = ddim_cl_cache_read(path, MAX_FILE_BYTES, &size, &why);
  *found = text || why->code != G_FILE_ERROR_NOENT;
  if (!*found)
    return NULL;
  if (!text) {
    g_free(tuning->unread);
    tuning->unread = may_be_good(why) ? g_strdup(why->message) : NULL;
    g_set_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_FAILED,
                _("the measurements are ignored, for their file cannot be read: %s"), why->message);
    return NULL;
  }
  if (strlen(text) != size || !g_str_has_prefix(text, CHECKSUM_PREFIX)) {
    set_damaged(path, error);
    return NULL;
  }
  const char *body = strchr(text, '\n');
  g_autofree char *sum =
      body ? g_compute_checksum_for_string(G_CHECKSUM_SHA256, body + 1, -1) : NULL;
  const gsize at = strlen(CHECKSUM_PREFIX);
  if (!body || (gsize)(body - text) != at + strlen(sum) ||
      memcmp(text + at, sum, strlen(sum)) != 0) {
    set_damaged(path, error);
    return NULL;
  }
  return g_strdup(body + 1);
}

static gboolean
check_facts(const DdimClTuning *tuning, GKeyFile *file, const char *path, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS(tuning->facts); i++) {
    const Fact *fact = &tuning->facts[i];
    g_autofree char *value = g_key_file_get_string(file, HEADER, fact->key, NULL);
    if (g_strcmp0(value, fact->value) == 0)
      continue;
    g_autofree char *shown = g_filename_display_name(path);
    g_set_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_FAILED,
                _("%s was measured elsewhere: its %s is '%s', here it is '%s'; its measurements "
                  "are ignored, and 'ddim tune' makes new ones"),
                shown, fact->key, value ? value : "", fact->value);
    return FALSE;
  }
  return TRUE;
}

static gboolean
read_entry(GKeyFile *file, const char *name, Entry *entry)
{
  g_auto(GStrv) keys = g_key_file_get_keys(file, name, NULL, NULL);
  guint known = 0;
  for (guint m = 0; m < DDIM_N_CONV_METHODS; m++)
    for (guint p = 0; p < DDIM_N_GEMM_PROVIDERS; p++) {
      g_autofree char *key = ddim_conv_way(m, p);
      if (!g_key_file_has_key(file, name, key, NULL))
        continue;
      const double seconds = g_key_file_get_double(file, name, key, NULL);
      if (!(seconds > 0 && seconds <= MAX_SECONDS))
        return FALSE;
      entry->seconds[m][p] = seconds;
      known++;
    }
  return keys && known > 0 && known == g_strv_length(keys);
}

static gboolean
read_clblast(GKeyFile *file, const DdimDeviceInfo *limits, DdimClblastParameters *parameters)
{
  for (DdimClblastKernel k = 0; k < DDIM_CLBLAST_N_KERNELS; k++) {
    gsize n = 0;
    g_autofree gint *values =
        g_key_file_get_integer_list(file, CLBLAST, ddim_clblast_kernel_name(k), &n, NULL);
    if (!values || n != ddim_clblast_n_values(k))
      return FALSE;
    for (gsize i = 0; i < n; i++)
      parameters->values[k][i] = (guint)values[i];
  }
  return ddim_clblast_is_valid(limits, parameters);
}

static void
write_clblast(GKeyFile *file, const DdimClblastParameters *parameters)
{
  for (DdimClblastKernel k = 0; k < DDIM_CLBLAST_N_KERNELS; k++) {
    gint values[DDIM_CLBLAST_MAX_VALUES];
    for (guint i = 0; i < ddim_clblast_n_values(k); i++)
      values[i] = (gint)parameters->values[k][i];
    g_key_file_set_integer_list(file, CLBLAST, ddim_clblast_kernel_name(k), values,
                                ddim_clblast_n_values(k));
  }
}

/* Groups that are no shape. */
static gboolean
is_other(const char *group)
{
  return g_str_equal(group, HEADER) || g_str_equal(group, CLBLAST);
}

gboolean
ddim_cl_tuning_load(DdimClTuning *tuning, const char *path, GError **error)
{
  gboolean found;
  g_autofree char *text = read_text(tuning, path, &found, error);
  if (!text)
    return !found;
  g_autoptr(GKeyFile) file = g_key_file_new();
  if (!g_key_file_load_from_data(file, text, -1, G_KEY_FILE_NONE, NULL))
    return set_damaged(path, error);
  if (!check_facts(tuning, file, path, error))
    return FALSE;
  gsize n = 0;
  g_auto(GStrv) groups = g_key_file_get_groups(file, &n);
  g_autofree Entry *entries = g_new0(Entry, n);
  DdimClblastParameters clblast = {0};
  const gboolean has_clblast = g_key_file_has_group(file, CLBLAST);
  if (n > MAX_SHAPES + 2 || (has_clblast && !read_clblast(file, &tuning->limits, &clblast)))
    return set_damaged(path, error);
  for (gsize i = 0; i < n; i++)
    if (!is_other(groups[i]) && !read_entry(file, groups[i], &entries[i]))
      return set_damaged(path, error);
  for (gsize i = 0; i < n; i++)
    if (!is_other(groups[i]))
      *get_entry(tuning->entries, groups[i]) = entries[i];
  if (has_clblast) {
    tuning->has_clblast = TRUE;
    tuning->clblast = clblast;
  }
  return TRUE;
}

static void
write_entry(GKeyFile *file, const char *name, const Entry *entry)
{
  for (guint m = 0; m < DDIM_N_CONV_METHODS; m++)
    for (guint p = 0; p < DDIM_N_GEMM_PROVIDERS; p++) {
      if (entry->seconds[m][p] <= 0)
        continue;
      char number[G_ASCII_DTOSTR_BUF_SIZE];
      g_autofree char *key = ddim_conv_way(m, p);
      g_ascii_formatd(number, sizeof number, "%.6g", entry->seconds[m][p]);
      g_key_file_set_value(file, name, key, number);
    }
}

static gboolean
can_save(const DdimClTuning *tuning, const char *path, GError **error)
{
  if (!tuning->unread)
    return ddim_cl_cache_make_folder(path, error);
  g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, tuning->unread);
  return FALSE;
}

gboolean
ddim_cl_tuning_save(const DdimClTuning *tuning, const char *path, GError **error)
{
  g_autoptr(GKeyFile) file = g_key_file_new();
  for (guint i = 0; i < G_N_ELEMENTS(tuning->facts); i++)
    g_key_file_set_string(file, HEADER, tuning->facts[i].key, tuning->facts[i].value);
  if (tuning->has_clblast)
    write_clblast(file, &tuning->clblast);
  g_autoptr(GList) names =
      g_list_sort(g_hash_table_get_keys(tuning->entries), (GCompareFunc)strcmp);
  for (GList *name = names; name; name = name->next)
    write_entry(file, name->data, g_hash_table_lookup(tuning->entries, name->data));
  g_autofree char *body = g_key_file_to_data(file, NULL, NULL);
  g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, body, -1);
  g_autofree char *text = g_strconcat(CHECKSUM_PREFIX, sum, "\n", body, NULL);
  if (!can_save(tuning, path, error)) {
    g_prefix_error(error, "%s: ", _("the measurements cannot be kept"));
    return FALSE;
  }
  return g_file_set_contents(path, text, -1, error);
}

static void
tuning_destroy(gpointer tuning)
{
  ddim_cl_tuning_free(tuning);
}

DdimClTuning *
ddim_cl_context_tuning(DdimContext *context)
{
  if (context->tuning.data)
    return context->tuning.data;
  DdimClTuning *tuning = ddim_cl_tuning_new(context->info, context->profile.row_loop);
  context->tuning = (DdimClAttachment){.data = tuning, .destroy = tuning_destroy};
  g_autofree char *path = ddim_cl_tuning_path(tuning);
  g_autoptr(GError) error = NULL;
  if (!ddim_cl_tuning_load(tuning, path, &error) ||
      (tuning->has_clblast && !ddim_clblast_use(context, &tuning->clblast, &error)))
    tuning->problem = g_strdup(error->message);
  return tuning;
}

const char *
ddim_context_get_tuning_problem(DdimContext *context)
{
  return ddim_cl_context_tuning(context)->problem;
}
