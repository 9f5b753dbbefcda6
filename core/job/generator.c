/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/job/generator.h"

#include <glib/gi18n-lib.h>

#include "core/job/batches.h"
#include "core/job/edit-run.h"
#include "core/job/fitting-class.h"
#include "core/job/guide.h"
#include "core/job/latent.h"
#include "core/job/shared-run.h"

struct _DdimGenerator {
  DdimSession *session;
  GHashTable *pictures; /* option -> DdimImage */
  GPtrArray *others;    /* DdimGenerator: one for each device of a job on several; else NULL */
};

DdimGenerator *
ddim_generator_new(void)
{
  DdimGenerator *generator = g_new0(DdimGenerator, 1);

  generator->pictures =
      g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)ddim_image_free);
  return generator;
}

void
ddim_generator_set_picture(DdimGenerator *generator, const char *option, DdimImage *picture)
{
  if (picture)
    g_hash_table_insert(generator->pictures, g_strdup(option), picture);
  else
    g_hash_table_remove(generator->pictures, option);
}

void
ddim_generator_free(DdimGenerator *generator)
{
  if (!generator)
    return;
  g_clear_pointer(&generator->session, ddim_session_free);
  g_clear_pointer(&generator->others, g_ptr_array_unref);
  g_hash_table_unref(generator->pictures);
  g_free(generator);
}

const DdimDeviceInfo *
ddim_generator_get_device(DdimGenerator *generator)
{
  if (generator->others)
    return ddim_generator_get_device(generator->others->pdata[0]);
  if (!generator->session || !generator->session->context)
    return NULL;
  return ddim_context_get_device(generator->session->context);
}

guint64
ddim_generator_get_device_bytes(DdimGenerator *generator)
{
  guint64 most = 0;

  if (generator->others)
    return ddim_generator_get_device_bytes(generator->others->pdata[0]);
  if (generator->session && generator->session->context)
    ddim_context_get_device_bytes(generator->session->context, &most);
  return most;
}

const char *
ddim_generator_get_tuning_problem(DdimGenerator *generator)
{
  if (generator->others)
    return ddim_generator_get_tuning_problem(generator->others->pdata[0]);
  if (!generator->session || !generator->session->context)
    return NULL;
  return ddim_context_get_tuning_problem(generator->session->context);
}

static gboolean
open_session(DdimGenerator *generator, DdimRequest *request, GError **error)
{
  DdimSession *session;

  if (generator->session && ddim_session_matches(generator->session, request))
    return TRUE;
  /* A model that cannot be read does not cost the one that is loaded. */
  if (!(session = ddim_session_new(request, error)))
    return FALSE;
  g_clear_pointer(&generator->session, ddim_session_free);
  session->pictures = generator->pictures;
  generator->session = session;
  return TRUE;
}

/* Everything that is made from a request before it runs. */
typedef struct {
  DdimJob *job;
  DdimEdit *edit;               /* inpaint, vary, upscale, colorize */
  DdimLatent *latent;           /* encode, interpolate */
  DdimConstraints *constraints; /* generate with a color */
} Work;

static void
work_clear(Work *work)
{
  g_clear_pointer(&work->job, ddim_job_free);
  g_clear_pointer(&work->edit, ddim_edit_free);
  g_clear_pointer(&work->latent, ddim_latent_free);
  g_clear_pointer(&work->constraints, ddim_constraints_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Work, work_clear)

static gboolean
open_edit(Work *work, DdimSession *session, DdimRequest *request, GError **error)
{
  DdimJobFrame frame;

  if (!(work->edit = ddim_edit_new(session, request, error)))
    return FALSE;
  frame = ddim_edit_get_job_frame(work->edit);
  work->job = ddim_job_new(session, request, &frame, error);
  return work->job != NULL;
}

static gboolean
open_latent(Work *work, DdimSession *session, DdimRequest *request, GError **error)
{
  DdimJobFrame frame = {0};

  if (!(work->latent = ddim_latent_new(session, request, error)))
    return FALSE;
  frame.eta = ddim_latent_get_eta(work->latent);
  return (work->job = ddim_job_new(session, request, &frame, error)) &&
         ddim_latent_prepare_job(work->latent, work->job, error);
}

/* Open the command generate. With a mean color, steps use noise unless the request sets eta: that
 * lets the rest of a picture follow its color. */
static gboolean
open_plain(Work *work, DdimSession *session, DdimRequest *request, GError **error)
{
  const DdimJobFrame noisy = {.eta = 1};
  DdimMeanColor color;

  if (!ddim_mean_color_read(&color, request, ddim_session_get_channels(session), error) ||
      !(work->job = ddim_job_new(session, request, color.given ? &noisy : NULL, error)) ||
      !ddim_guide_check(work->job, session, error))
    return FALSE;
  if (!color.given)
    return TRUE;
  work->constraints = ddim_constraints_new();
  ddim_mean_color_constrain(&color, work->job->width, work->job->height, NULL, 0,
                            work->constraints);
  return TRUE;
}

static gboolean
open_work(Work *work, DdimSession *session, DdimRequest *request, GError **error)
{
  g_autoptr(DdimRequest) resolved = ddim_request_copy(request);
  g_autofree char *name = NULL;
  DdimCommands command;

  g_object_get(request, "command", &name, NULL);
  command = ddim_command_from_name(name);
  if (command & DDIM_COMMANDS_EDITS)
    return open_edit(work, session, resolved, error);
  if (command & (DDIM_COMMAND_ENCODE | DDIM_COMMAND_INTERPOLATE))
    return open_latent(work, session, resolved, error);
  return open_plain(work, session, resolved, error);
}

static gboolean
start_from_noise(DdimRunner *runner, float *x, gpointer data, GError **error)
{
  if (runner->job->init_noise)
    return ddim_samples_read(runner->job->init_noise, runner->first, runner->n, x, error);
  ddim_runner_draw(runner, x);
  return TRUE;
}

static gboolean
run_work(DdimRunner *runner, const Work *work, GError **error)
{
  DdimSamplingHooks hooks;

  if (work->edit)
    return ddim_fitting_class_choose(runner, work->job, work->edit, error) &&
           ddim_edit_run(runner, work->edit, error);
  if (work->latent)
    return ddim_latent_run(runner, work->latent, work->job, error);
  if (work->constraints)
    hooks = ddim_constraints_get_hooks(work->constraints);
  return ddim_batches_run(runner, start_from_noise, NULL, work->constraints ? &hooks : NULL, error);
}

/* Say which device was lost, and what to do. Where the driver spoke of memory instead, what it said
 * is of no use. */
static void
explain_lost(DdimSession *session, GError **error)
{
  const char *name = ddim_device_info_get_name(ddim_context_get_device(session->context));
  const gboolean memory = g_error_matches(*error, DDIM_CL_ERROR, DDIM_CL_ERROR_MEMORY);
  g_autofree char *said = memory ? g_strdup("") : g_strdup_printf(" (%s)", (*error)->message);
  GError *better =
      g_error_new(DDIM_CL_ERROR, DDIM_CL_ERROR_LOST,
                  /* Translators: a device; nothing, or a space and an error in parentheses */
                  _("%s does not answer any more, and what it was computing is lost; try again, or "
                    "choose another device ('ddim devices' lists them); if it stays like this, "
                    "restart the machine%s"),
                  name, said);

  g_error_free(*error);
  *error = better;
}

/* Tidy up after a job that failed. It may leave evaluators in the middle of something, so they are
 * not kept. Nothing is kept of a device that was lost. */
static void
forget(DdimGenerator *generator, GError **why)
{
  DdimSession *session = generator->session;

  if (session->evaluators)
    ddim_evaluator_cache_clear(session->evaluators);
  if (session->classifier)
    ddim_classifier_forget(session->classifier);
  if ((*why)->domain != DDIM_CL_ERROR || !session->context ||
      !ddim_context_is_lost(session->context))
    return;
  explain_lost(session, why);
  g_clear_pointer(&generator->session, ddim_session_free);
}

/* Make the network on the device; where that has not enough memory for the model, on the
 * processor. */
static gboolean
start_session(DdimSession *session, DdimRequest *request, const DdimRunner *runner, GError **error)
{
  const DdimNetworkParams params = ddim_runner_get_network_params(runner);
  g_autofree char *name = NULL, *message = NULL;
  g_autoptr(GError) why = NULL;

  if (ddim_session_start(session, request, &params, &why))
    return TRUE;
  if (session->context)
    name = g_strdup(ddim_device_info_get_name(ddim_context_get_device(session->context)));
  if (!name || !g_error_matches(why, DDIM_CL_ERROR, DDIM_CL_ERROR_MEMORY) ||
      ddim_context_is_lost(session->context) || !ddim_session_use_processor(session, &params)) {
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
  }
  /* Translators: two devices */
  message = g_strdup_printf(_("%s has not enough memory for the model; %s computes instead"), name,
                            ddim_device_info_get_name(ddim_context_get_device(session->context)));
  if (runner->callbacks->message)
    runner->callbacks->message(message, runner->user_data);
  return TRUE;
}

/* A job on one device. (DdimShareFunc) */
static gboolean
run_alone(gpointer worker, DdimRequest *request, const DdimGeneratorCallbacks *callbacks,
          gpointer user_data, GCancellable *cancellable, GError **error)
{
  static const DdimGeneratorCallbacks none = {0};
  DdimGenerator *generator = worker;
  DdimRunner runner = {.callbacks = callbacks ? callbacks : &none,
                       .user_data = user_data,
                       .cancellable = cancellable};
  g_auto(Work) work = {0};
  GError *why = NULL;
  gboolean done;

  if (g_cancellable_set_error_if_cancelled(cancellable, error) ||
      !open_session(generator, request, error) ||
      !open_work(&work, generator->session, request, error))
    return FALSE;
  ddim_runner_set_job(&runner, generator->session, work.job);
  done =
      start_session(generator->session, request, &runner, &why) && run_work(&runner, &work, &why);
  ddim_runner_clear(&runner);
  ddim_session_set_status(generator->session, NULL, NULL);
  if (done)
    return TRUE;
  forget(generator, &why);
  g_propagate_error(error, why);
  return FALSE;
}

/* A generator for each of @n devices; those that are there already are kept. */
static void
have_others(DdimGenerator *generator, guint n)
{
  g_clear_pointer(&generator->session, ddim_session_free);
  if (!generator->others)
    generator->others = g_ptr_array_new_with_free_func((GDestroyNotify)ddim_generator_free);
  if (generator->others->len > n)
    g_ptr_array_set_size(generator->others, (int)n);
  while (generator->others->len < n) {
    DdimGenerator *other = g_new0(DdimGenerator, 1);
    other->pictures = g_hash_table_ref(generator->pictures);
    g_ptr_array_add(generator->others, other);
  }
}

gboolean
ddim_generator_run(DdimGenerator *generator, DdimRequest *request,
                   const DdimGeneratorCallbacks *callbacks, gpointer user_data,
                   GCancellable *cancellable, GError **error)
{
  g_auto(GStrv) devices = ddim_shared_run_list_devices(request);

  if (devices) {
    have_others(generator, g_strv_length(devices));
    return ddim_shared_run(run_alone, generator->others->pdata, devices, request, callbacks,
                           user_data, cancellable, error);
  }
  g_clear_pointer(&generator->others, g_ptr_array_unref);
  return run_alone(generator, request, callbacks, user_data, cancellable, error);
}
