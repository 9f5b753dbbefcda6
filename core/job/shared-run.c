/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/job/shared-run.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "core/data/error.h"
#include "core/data/memory.h"
#include "opencl/device/device.h"

#define MAX_DEVICES 64

typedef enum {
  CALL_STATUS,
  CALL_MESSAGE,
  CALL_SELECT,
  CALL_STARTED,
  CALL_PROGRESS,
  CALL_PREVIEW,
  CALL_IMAGE,
  CALL_END
} CallKind;

typedef struct _Shared Shared;

/* One device's thread. */
typedef struct {
  Shared *shared;
  gpointer worker;
  DdimRequest *request;
  guint number;
  GError *error;
  DdimProgress progress;
} Share;

/* What a thread asks the caller's thread to do. It lives on that thread's stack, which waits. */
typedef struct {
  CallKind kind;
  Share *share;
  const char *what;
  double fraction;
  DdimRequest *resolved;
  DdimConfig *config;
  const DdimProgress *progress;
  const DdimSample *sample;
  guint index;
  gboolean *wanted;
  GError **error;
  gboolean answered, result;
} Call;

struct _Shared {
  DdimShareFunc run;
  const DdimGeneratorCallbacks *callbacks;
  gpointer user_data;
  GCancellable *stop;
  char *devices; /* as the request names them */
  Share *shares;
  guint n_shares;

  GMutex mutex; /* of `calls`, and of `answered` and `result` of each call */
  GQueue calls; /* (element-type Call) that nobody has taken yet */
  GCond called, answer;

  /* Only of the caller's thread. */
  GPtrArray *waiting;    /* Call: images that come before their turn */
  DdimRequest *resolved; /* with all devices */
  guint8 *owners;        /* [count]: the device of each image, counted from 1; 0: not wanted */
  guint count, next;     /* the image whose turn it is */
  guint left;            /* threads that run */
  gboolean started;
};

/* ---- in a device's thread ---- */

static gboolean
ask(Call *call)
{
  Shared *shared = call->share->shared;

  g_mutex_lock(&shared->mutex);
  g_queue_push_tail(&shared->calls, call);
  g_cond_signal(&shared->called);
  while (!call->answered)
    g_cond_wait(&shared->answer, &shared->mutex);
  g_mutex_unlock(&shared->mutex);
  return call->result;
}

static void
on_status(const char *what, double fraction, gpointer data)
{
  ask(&(Call){.kind = CALL_STATUS, .share = data, .what = what, .fraction = fraction});
}

static void
on_message(const char *text, gpointer data)
{
  ask(&(Call){.kind = CALL_MESSAGE, .share = data, .what = text});
}

static gboolean
on_select(DdimRequest *resolved, guint index, gboolean *wanted, gpointer data, GError **error)
{
  return ask(&(Call){.kind = CALL_SELECT,
                     .share = data,
                     .resolved = resolved,
                     .index = index,
                     .wanted = wanted,
                     .error = error});
}

static void
on_started(DdimRequest *resolved, DdimConfig *config, gpointer data)
{
  ask(&(Call){.kind = CALL_STARTED, .share = data, .config = config});
}

static void
on_progress(const DdimProgress *progress, gpointer data)
{
  ask(&(Call){.kind = CALL_PROGRESS, .share = data, .progress = progress});
}

static void
on_preview(const DdimSample *x0, gpointer data)
{
  ask(&(Call){.kind = CALL_PREVIEW, .share = data, .sample = x0});
}

static gboolean
on_image(const DdimSample *sample, gpointer data, GError **error)
{
  return ask(&(Call){.kind = CALL_IMAGE, .share = data, .sample = sample, .error = error});
}

static gpointer
run_share(gpointer data)
{
  Share *share = data;
  Shared *shared = share->shared;
  const DdimGeneratorCallbacks callbacks = {
      .status = on_status,
      .started = on_started,
      .progress = on_progress,
      .preview = shared->callbacks->preview && share->number == 0 ? on_preview : NULL,
      .image = on_image,
      .message = on_message,
      .select = on_select};

  shared->run(share->worker, share->request, &callbacks, share, shared->stop, &share->error);
  ask(&(Call){.kind = CALL_END, .share = share});
  return NULL;
}

/* ---- in the caller's thread ---- */

static void
reply(Shared *shared, Call *call, gboolean result)
{
  g_mutex_lock(&shared->mutex);
  call->result = result;
  call->answered = TRUE;
  g_cond_broadcast(&shared->answer);
  g_mutex_unlock(&shared->mutex);
}

/* Deal out the batches that have a wanted image, in turn. */
static void
deal(Shared *shared, guint batch)
{
  guint n = 0;

  for (guint first = 0; first < shared->count; first += batch) {
    const guint size = MIN(batch, shared->count - first);
    if (!memchr(shared->owners + first, TRUE, size))
      continue;
    for (guint i = first; i < first + size; i++)
      if (shared->owners[i])
        shared->owners[i] = (guint8)(1 + n % shared->n_shares);
    n++;
  }
}

static void
skip_unwanted(Shared *shared)
{
  while (shared->next < shared->count && !shared->owners[shared->next])
    shared->next++;
}

/* The first thread that comes so far tells what the request has become. */
static gboolean
settle(Shared *shared, DdimRequest *resolved, GError **error)
{
  int count, batch;

  if (shared->owners)
    return TRUE;
  g_object_get(resolved, "count", &count, "batch", &batch, NULL);
  if (!(shared->owners = ddim_try_alloc((gsize)count, 1, error)))
    return FALSE;
  shared->count = (guint)count;
  shared->resolved = ddim_request_copy(resolved);
  g_object_set(shared->resolved, "device", shared->devices, NULL);
  for (guint i = 0; i < shared->count; i++) {
    gboolean wanted = TRUE;
    if (shared->callbacks->select &&
        !shared->callbacks->select(shared->resolved, i, &wanted, shared->user_data, error))
      return FALSE;
    shared->owners[i] = wanted != FALSE;
  }
  deal(shared, (guint)batch);
  skip_unwanted(shared);
  return TRUE;
}

static gboolean
select_image(Shared *shared, const Call *call)
{
  if (!settle(shared, call->resolved, call->error)) {
    /* The other devices must not begin with half of an answer. */
    g_cancellable_cancel(shared->stop);
    return FALSE;
  }
  *call->wanted = shared->owners[call->index] == 1 + call->share->number;
  return TRUE;
}

static void
start(Shared *shared, const Call *call)
{
  /* The first device makes the first images. Until it starts, nothing is known of it. */
  if (call->share->number != 0)
    return;
  shared->started = TRUE;
  if (shared->callbacks->started)
    shared->callbacks->started(shared->resolved, call->config, shared->user_data);
}

/* The progress of all devices together. */
static void
report(Shared *shared, const Call *call)
{
  DdimProgress all = *call->progress;
  double done = 0;

  call->share->progress = *call->progress;
  all.image = all.n_images = 0;
  for (guint i = 0; i < shared->count; i++)
    all.n_images += shared->owners[i] != 0;
  for (guint i = 0; i < shared->n_shares; i++) {
    const DdimProgress *one = &shared->shares[i].progress;
    all.image += one->image;
    done += one->fraction * one->n_images;
    all.elapsed = MAX(all.elapsed, one->elapsed);
    all.remaining = MAX(all.remaining, one->remaining);
  }
  all.image = MIN(all.image, all.n_images);
  all.fraction = all.n_images ? MIN(done / all.n_images, 1) : 1;
  if (shared->callbacks->progress && shared->started)
    shared->callbacks->progress(&all, shared->user_data);
}

static void
hand_out(Shared *shared, Call *call)
{
  const DdimGeneratorCallbacks *callbacks = shared->callbacks;
  gboolean result = TRUE;

  shared->next++;
  skip_unwanted(shared);
  if (callbacks->image)
    result = callbacks->image(call->sample, shared->user_data, call->error);
  /* At once, so that no image that waits is handed out after this one. */
  if (!result)
    g_cancellable_cancel(shared->stop);
  reply(shared, call, result);
}

/* Hand out the images whose turn it is. Once the job is being stopped no turn comes any more. */
static void
serve_waiting(Shared *shared)
{
  for (guint i = 0; i < shared->waiting->len;) {
    Call *call = shared->waiting->pdata[i];
    const gboolean stopped = g_cancellable_is_cancelled(shared->stop);
    if (!stopped && call->sample->index != shared->next) {
      i++;
      continue;
    }
    g_ptr_array_remove_index(shared->waiting, i);
    i = 0;
    if (stopped) {
      g_cancellable_set_error_if_cancelled(shared->stop, call->error);
      reply(shared, call, FALSE);
    } else {
      hand_out(shared, call);
    }
  }
}

static void
end(Shared *shared, const Call *call)
{
  shared->left--;
  if (call->share->error)
    g_cancellable_cancel(shared->stop);
}

static Call *
wait_for_call(Shared *shared)
{
  Call *call;

  g_mutex_lock(&shared->mutex);
  while (!(call = g_queue_pop_head(&shared->calls)))
    g_cond_wait(&shared->called, &shared->mutex);
  g_mutex_unlock(&shared->mutex);
  return call;
}

static void
serve(Shared *shared, Call *call)
{
  gboolean result = TRUE;

  switch (call->kind) {
  case CALL_IMAGE:
    g_ptr_array_add(shared->waiting, call);
    return;
  case CALL_STATUS:
    if (shared->callbacks->status)
      shared->callbacks->status(call->what, call->fraction, shared->user_data);
    break;
  case CALL_MESSAGE:
    if (shared->callbacks->message)
      shared->callbacks->message(call->what, shared->user_data);
    break;
  case CALL_SELECT:
    result = select_image(shared, call);
    break;
  case CALL_STARTED:
    start(shared, call);
    break;
  case CALL_PROGRESS:
    report(shared, call);
    break;
  case CALL_PREVIEW:
    shared->callbacks->preview(call->sample, shared->user_data);
    break;
  case CALL_END:
    end(shared, call);
    break;
  }
  reply(shared, call, result);
}

/* The error that stopped the job: not the ones of devices that were stopped because of it. */
static gboolean
collect(Shared *shared, GError **error)
{
  const GError *first = NULL;

  for (guint i = 0; i < shared->n_shares; i++) {
    const GError *own = shared->shares[i].error;
    if (own && (!first || g_error_matches(first, G_IO_ERROR, G_IO_ERROR_CANCELLED)))
      first = own;
  }
  if (first)
    g_propagate_error(error, g_error_copy(first));
  return !first;
}

static void
shared_clear(Shared *shared)
{
  for (guint i = 0; i < shared->n_shares; i++) {
    g_clear_object(&shared->shares[i].request);
    g_clear_error(&shared->shares[i].error);
  }
  g_free(shared->shares);
  g_free(shared->owners);
  g_free(shared->devices);
  g_clear_object(&shared->resolved);
  g_object_unref(shared->stop);
  g_ptr_array_unref(shared->waiting);
  g_queue_clear(&shared->calls);
  g_cond_clear(&shared->called);
  g_mutex_clear(&shared->mutex);
  g_cond_clear(&shared->answer);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Shared, shared_clear)

/* A request for each device. The seed must be the same for all. */
static void
make_shares(Shared *shared, gpointer *workers, char **devices, DdimRequest *request)
{
  gint64 seed;

  g_object_get(request, "seed", &seed, "device", &shared->devices, NULL);
  if (seed < 0)
    seed = g_random_int();
  shared->n_shares = g_strv_length(devices);
  shared->shares = g_new0(Share, shared->n_shares);
  for (guint i = 0; i < shared->n_shares; i++) {
    shared->shares[i] = (Share){.shared = shared,
                                .worker = workers[i],
                                .request = ddim_request_copy(request),
                                .number = i,
                                .progress = {.remaining = -1}};
    g_object_set(shared->shares[i].request, "seed", seed, "device", devices[i], NULL);
  }
}

static void
on_cancelled(GCancellable *cancellable, gpointer stop)
{
  g_cancellable_cancel(stop);
}

gboolean
ddim_shared_run(DdimShareFunc run, gpointer *workers, char **devices, DdimRequest *request,
                const DdimGeneratorCallbacks *callbacks, gpointer user_data,
                GCancellable *cancellable, GError **error)
{
  static const DdimGeneratorCallbacks none = {0};
  g_auto(Shared) shared = {.run = run,
                           .callbacks = callbacks ? callbacks : &none,
                           .user_data = user_data,
                           .stop = g_cancellable_new(),
                           .calls = G_QUEUE_INIT,
                           .waiting = g_ptr_array_new()};
  g_autoptr(GPtrArray) threads = g_ptr_array_new();
  gulong handler = 0;

  g_mutex_init(&shared.mutex);
  g_cond_init(&shared.called);
  g_cond_init(&shared.answer);
  make_shares(&shared, workers, devices, request);
  if (cancellable)
    handler = g_cancellable_connect(cancellable, G_CALLBACK(on_cancelled), shared.stop, NULL);
  shared.left = shared.n_shares;
  for (guint i = 0; i < shared.n_shares; i++)
    g_ptr_array_add(threads, g_thread_new("device", run_share, &shared.shares[i]));
  while (shared.left) {
    serve(&shared, wait_for_call(&shared));
    serve_waiting(&shared);
  }
  for (guint i = 0; i < threads->len; i++)
    g_thread_join(threads->pdata[i]);
  g_cancellable_disconnect(cancellable, handler);
  return collect(&shared, error);
}

char **
ddim_shared_run_list_devices(DdimRequest *request)
{
  g_autofree char *text = NULL;
  g_autoptr(DdimDeviceInfo) single = NULL;
  g_auto(GStrv) devices = NULL;

  g_object_get(request, "device", &text, NULL);
  if (!text || !strchr(text, ',') || (single = ddim_device_choose(text, NULL)))
    return NULL;
  devices = g_strsplit(text, ",", MAX_DEVICES + 1);
  for (guint i = 0; devices[i]; i++)
    if (i == MAX_DEVICES || !*g_strstrip(devices[i]))
      return NULL; /* which is no device */
  return g_steal_pointer(&devices);
}
