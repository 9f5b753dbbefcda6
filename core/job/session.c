/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/job/session.h"

#include <glib/gi18n-lib.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "core/checkpoint/model-folder.h"
#include "core/data/image-private.h"
#include "core/data/error.h"
#include "core/edit/picture.h"
#include "core/job/request-private.h"
#include "core/model/config-details.h"
#include "core/model/models.h"
#include "core/model/settings.h"

/* Append what changes when somebody replaces or edits the file. */
static void
append_file(GString *key, const char *path)
{
  struct stat info = {0};

  if (stat(path, &info) == 0)
    g_string_append_printf(key, "%" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64 ".%09ld",
                           (guint64)info.st_dev, (guint64)info.st_ino, (gint64)info.st_size,
                           (gint64)info.st_mtim.tv_sec, (long)info.st_mtim.tv_nsec);
  g_string_append_c(key, '\n');
}

/* The same for the files of a folder. */
static void
append_folder(GString *key, const char *path)
{
  g_autoptr(DdimModelFolder) folder = ddim_model_folder_find(path);
  g_auto(GStrv) files = folder ? ddim_model_folder_list(folder) : NULL;

  for (guint i = 0; files && files[i]; i++)
    append_file(key, files[i]);
}

/* What distinguishes a classifier. */
static void
append_classifier(GString *key, DdimRequest *request)
{
  g_autofree char *name = NULL, *flags = NULL, *model_path = NULL, *path = NULL;

  g_object_get(request, "classifier", &name, "classifier-flags", &flags, "model-path", &model_path,
               NULL);
  if (!name || !ddim_request_takes(request, "classifier"))
    return;
  path = ddim_models_find(name, model_path, NULL);
  g_string_append_printf(key, "\n%s\n%s\n", name, flags ? flags : "");
  append_file(key, path ? path : name);
}

/* Everything that distinguishes one session from another. (transfer full) */
static char *
make_key(const char *path, DdimRequest *request)
{
  g_autofree char *flags = NULL, *device = NULL, *precision = NULL;
  g_autofree char *sidecar = ddim_settings_sidecar_path(path);
  GString *key = g_string_new(path);

  g_object_get(request, "flags", &flags, "device", &device, "precision", &precision, NULL);
  g_string_append_c(key, '\n');
  append_file(key, path);
  append_folder(key, path);
  append_file(key, sidecar);
  g_string_append_printf(key, "%s\n%s\n%s", flags ? flags : "", device ? device : "",
                         precision ? precision : "");
  append_classifier(key, request);
  return g_string_free(key, FALSE);
}

static char *
find_path(DdimRequest *request, GError **error)
{
  g_autofree char *model = NULL, *model_path = NULL;

  g_object_get(request, "model", &model, "model-path", &model_path, NULL);
  return ddim_models_find(model, model_path, error);
}

/* Without an error the request names no classifier. */
static gboolean
open_classifier(DdimSession *session, DdimRequest *request, GError **error)
{
  g_autofree char *name = NULL, *flags = NULL;
  double scale;

  g_object_get(request, "classifier", &name, "classifier-flags", &flags, "classifier-scale", &scale,
               NULL);
  if (!ddim_request_takes(request, "classifier"))
    return TRUE;
  if (name)
    return (session->classifier = ddim_classifier_new(request, error)) != NULL;
  if (!flags && scale == 1)
    return TRUE;
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
              _("%s: there is no classifier that it is for; name one with --classifier"),
              flags ? "classifier-flags" : "classifier-scale");
  return FALSE;
}

DdimSession *
ddim_session_new(DdimRequest *request, GError **error)
{
  g_autoptr(DdimSession) session = g_new0(DdimSession, 1);
  g_autofree char *flags = NULL;

  g_object_get(request, "flags", &flags, NULL);
  if (!ddim_request_check(request, error) || !(session->path = find_path(request, error)))
    return NULL;
  session->key = make_key(session->path, request); /* before reading: it may change meanwhile */
  if (!(session->checkpoint = ddim_checkpoint_open(session->path, error)) ||
      !(session->config = ddim_config_load(session->checkpoint, flags, error)) ||
      !open_classifier(session, request, error))
    return NULL;
  return g_steal_pointer(&session);
}

void
ddim_session_free(DdimSession *session)
{
  if (!session)
    return;
  g_clear_pointer(&session->evaluators, ddim_evaluator_cache_free);
  g_clear_pointer(&session->network, ddim_network_unref);
  g_clear_pointer(&session->classifier, ddim_classifier_free);
  if (session->context)
    ddim_context_set_build_func(session->context, NULL, NULL);
  g_clear_pointer(&session->context, ddim_context_unref);
  g_clear_pointer(&session->config, ddim_config_unref);
  g_clear_pointer(&session->checkpoint, ddim_checkpoint_unref);
  g_free(session->path);
  g_free(session->key);
  g_free(session);
}

/* Tell the user that kernels are being compiled. A driver takes seconds for that, some of them only
 * at the first evaluation. */
static void
on_build(const DdimBuildProgress *progress, gpointer data)
{
  DdimSession *session = data;
  g_autofree char *what = NULL;

  if (!session->status)
    return;
  /* Translators: of how many programs how many are done, and the name of the one that is waited for
   */
  what = g_strdup_printf(_("Building kernels for %s, only once: %u of %u done, waiting for %s"),
                         ddim_device_info_get_name(ddim_context_get_device(session->context)),
                         progress->done, progress->total, progress->program);
  session->status(what, (double)progress->done / progress->total, session->status_data);
}

void
ddim_session_set_status(DdimSession *session, DdimStatusFunc status, gpointer status_data)
{
  session->status = status;
  session->status_data = status_data;
}

/* Load the classifier, if there is one. */
static gboolean
load_classifier(DdimSession *session, DdimContext *context, const DdimNetworkParams *params,
                GError **error)
{
  DdimNetworkParams own = *params;

  own.precision = session->precision;
  return !session->classifier || ddim_classifier_start(session->classifier, context, &own, error);
}

/* The network on @context, in the session's precision. */
static DdimNetwork *
load(DdimSession *session, DdimContext *context, const DdimNetworkParams *params, GError **error)
{
  g_autofree char *what = g_strdup_printf(_("Loading %s"), ddim_config_get_name(session->config));
  DdimNetworkParams own = *params;

  own.precision = session->precision;
  if (own.status)
    own.status(what, -1, own.status_data);
  return ddim_network_new(context, session->checkpoint, session->config, &own, error);
}

static void
take_network(DdimSession *session, DdimNetwork *network)
{
  session->network = network;
  session->evaluators = ddim_evaluator_cache_new(network);
}

static gboolean
open_context(DdimSession *session, const char *device, GError **error)
{
  if (!session->context && (session->context = ddim_context_new(device, error)))
    ddim_context_set_build_func(session->context, on_build, session);
  return session->context != NULL;
}

gboolean
ddim_session_start(DdimSession *session, DdimRequest *request, const DdimNetworkParams *params,
                   GError **error)
{
  static const DdimNetworkParams none = {0};
  g_autofree char *device = NULL;
  DdimNetwork *network;

  params = params ? params : &none;
  ddim_session_set_status(session, params->status, params->status_data);
  if (session->network)
    return TRUE;
  g_object_get(request, "device", &device, NULL);
  session->precision = ddim_request_get_precision(request);
  if (!open_context(session, device, error) ||
      !load_classifier(session, session->context, params, error) ||
      !(network = load(session, session->context, params, error)))
    return FALSE;
  take_network(session, network);
  return TRUE;
}

/* The processor with the most compute units, or NULL. (transfer full) */
static char *
find_processor(void)
{
  g_autoptr(GPtrArray) devices = ddim_device_list(NULL);
  const DdimDeviceInfo *best = NULL;

  for (guint i = 0; devices && i < devices->len; i++) {
    const DdimDeviceInfo *device = devices->pdata[i];
    if (ddim_device_info_get_kind(device) == DDIM_DEVICE_CPU &&
        (!best ||
         ddim_device_info_get_compute_units(device) > ddim_device_info_get_compute_units(best)))
      best = device;
  }
  return best ? g_strdup_printf("%u", ddim_device_info_get_index(best)) : NULL;
}

gboolean
ddim_session_use_processor(DdimSession *session, const DdimNetworkParams *params)
{
  const DdimDeviceInfo *device = ddim_context_get_device(session->context);
  g_autofree char *processor = find_processor();
  g_autoptr(DdimContext) context = NULL;
  g_autoptr(DdimNetwork) network = NULL;

  if (!processor || ddim_device_info_get_kind(device) == DDIM_DEVICE_CPU ||
      !(context = ddim_context_new(processor, NULL)) ||
      !(network = load(session, context, params, NULL)))
    return FALSE;
  g_clear_pointer(&session->evaluators, ddim_evaluator_cache_free);
  g_clear_pointer(&session->network, ddim_network_unref);
  ddim_context_set_build_func(session->context, NULL, NULL);
  g_clear_pointer(&session->context, ddim_context_unref);
  session->context = g_steal_pointer(&context);
  ddim_context_set_build_func(session->context, on_build, session);
  take_network(session, g_steal_pointer(&network));
  if (session->classifier)
    ddim_classifier_stop(session->classifier);
  return load_classifier(session, session->context, params, NULL);
}

gboolean
ddim_session_matches(DdimSession *session, DdimRequest *request)
{
  g_autofree char *path = find_path(request, NULL);
  g_autofree char *key = path ? make_key(path, request) : NULL;

  return g_strcmp0(key, session->key) == 0;
}

void
ddim_session_choose_size(DdimSession *session, DdimRequest *request, guint *batch, guint *width,
                         guint *height)
{
  const guint unknown = 64;
  guint own_width, own_height;

  ddim_config_get_shape(session->config, &own_width, &own_height);
  g_object_get(request, "batch", batch, "width", width, "height", height, NULL);
  *batch = MAX(*batch, 1);
  if (!*width)
    *width = own_width ? own_width : unknown;
  if (!*height)
    *height = own_height ? own_height : unknown;
}

gboolean
ddim_session_has_picture(DdimSession *session, const char *option)
{
  return session->pictures && g_hash_table_contains(session->pictures, option);
}

DdimImage *
ddim_session_open_picture(DdimSession *session, const char *path, const char *option,
                          GError **error)
{
  if (ddim_session_has_picture(session, option))
    return ddim_image_copy(g_hash_table_lookup(session->pictures, option), error);
  return ddim_edit_open_picture(path, option, error);
}

guint
ddim_session_get_channels(DdimSession *session)
{
  return ddim_config_get_image_channels(session->config);
}
