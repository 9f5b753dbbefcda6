/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/job/latent.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "core/data/error.h"
#include "core/diffusion/inversion.h"
#include "core/diffusion/slerp.h"
#include "core/edit/picture.h"
#include "core/job/batches.h"
#include "core/job/fitting-class.h"
#include "core/job/options.h"
#include "core/job/parts.h"
#include "core/data/image-private.h"
#include "core/data/memory.h"
#include "core/model/config-details.h"

/* Evaluations of the model for each step of an encoding. */
#define EVALUATIONS 3

/* One picture, given in one of three ways. */
typedef struct {
  const char *option; /* the option that names it */
  char *path;         /* NULL: it is given as a seed */
  guint64 seed;
  DdimSamples *noise; /* NULL: none is given */
  DdimImage *picture; /* NULL: none is given */
  float *z;           /* [C][H][W]: the noise that it comes from */
  DdimRng *rng;       /* what it draws in the steps of the current batch */
  float *draw;        /* [C][H][W]: its last draw */
} End;

struct _DdimLatent {
  gboolean encode; /* FALSE: interpolate */
  End ends[2];     /* encode has one */
  double *noise;   /* [batch][C][H][W]: that of a step, for pictures in between */
};

static void
end_clear(End *end)
{
  g_clear_pointer(&end->path, g_free);
  g_clear_pointer(&end->noise, ddim_samples_free);
  g_clear_pointer(&end->picture, ddim_image_free);
  g_clear_pointer(&end->z, g_free);
  g_clear_pointer(&end->rng, ddim_rng_free);
  g_clear_pointer(&end->draw, g_free);
}

void
ddim_latent_free(DdimLatent *latent)
{
  if (!latent)
    return;
  end_clear(&latent->ends[0]);
  end_clear(&latent->ends[1]);
  g_free(latent->noise);
  g_free(latent);
}

/* A run between two ends. */
typedef struct {
  DdimLatent *latent;
  const DdimRunner *runner;
  float *draw; /* [C][H][W] */
} Between;

/* ---- opening ---- */

static gboolean
open_picture(End *end, DdimSession *session, GError **error)
{
  const guint channels = ddim_session_get_channels(session);
  g_autoptr(DdimImage) image = ddim_session_open_picture(session, end->path, end->option, error);

  if (!image || !(end->picture = ddim_edit_convert(image, channels, error)))
    return FALSE;
  if (channels % 2)
    ddim_edit_drop_alpha(end->picture);
  return TRUE;
}

static gboolean
open_noise(End *end, guint channels, GError **error)
{
  const gsize *shape;

  if (!(end->noise = ddim_samples_open_noise(end->path, error)))
    return FALSE;
  shape = ddim_samples_get_shape(end->noise);
  if (shape[0] == 1 && shape[1] == channels)
    return TRUE;
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
              _("%s: %s holds %zu images of %zu channels; expected one of %u"), end->option,
              end->path, shape[0], shape[1], channels);
  return FALSE;
}

/* @only_picture  the option takes neither noise nor a seed */
static gboolean
open_end(End *end, DdimSession *session, DdimRequest *request, const char *option,
         gboolean only_picture, GError **error)
{
  end->option = option;
  g_object_get(request, option, &end->path, NULL);
  if (!end->path) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                only_picture ? _("%s: no picture is given")
                             : _("%s: nothing is given; name a picture, noise or a seed"),
                option);
    return FALSE;
  }
  if (only_picture || ddim_session_has_picture(session, option))
    return open_picture(end, session, error);
  if (g_ascii_string_to_unsigned(end->path, 10, 0, G_MAXINT64, &end->seed, NULL)) {
    g_clear_pointer(&end->path, g_free);
    return TRUE;
  }
  if (g_str_has_suffix(end->path, ".npy"))
    return open_noise(end, ddim_session_get_channels(session), error);
  return open_picture(end, session, error);
}

/* Take the size from the file, if one is given. If the request says a size, too, both must be the
 * same. */
static gboolean
settle_size(const End *end, DdimRequest *request, GError **error)
{
  const gsize *shape = end->noise ? ddim_samples_get_shape(end->noise) : NULL;
  const gsize width = shape ? shape[3] : end->picture ? end->picture->width : 0;
  const gsize height = shape ? shape[2] : end->picture ? end->picture->height : 0;
  int own_width, own_height;

  if (width == 0)
    return TRUE;
  g_object_get(request, "width", &own_width, "height", &own_height, NULL);
  if ((own_width && (gsize)own_width != width) || (own_height && (gsize)own_height != height)) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("%s: %s is of %zux%zu pixels, but %dx%d are wanted; both ends and --size must be "
                  "the same"),
                end->option, end->path, width, height, own_width, own_height);
    return FALSE;
  }
  g_object_set(request, "width", (int)MIN(width, G_MAXUINT16), "height",
               (int)MIN(height, G_MAXUINT16), NULL);
  return TRUE;
}

double
ddim_latent_get_eta(const DdimLatent *latent)
{
  return latent->encode || latent->ends[0].picture || latent->ends[1].picture ? 0 : -1;
}

/* With noise in its steps, the model does not make a picture again. */
static gboolean
check_eta(const DdimLatent *latent, DdimRequest *request, GError **error)
{
  double eta;

  g_object_get(request, "eta", &eta, NULL);
  if (eta <= 0 || latent->encode || ddim_latent_get_eta(latent) != 0)
    return TRUE;
  g_set_error_literal(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                      _("eta: an end that is a picture only comes back without noise in the steps; "
                        "give --eta 0 or leave it out"));
  return FALSE;
}

static gboolean
check_count(DdimRequest *request, GError **error)
{
  int count;

  g_object_get(request, "count", &count, NULL);
  if (count > 1)
    return TRUE;
  g_set_error_literal(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                      _("count: from one picture to another there are at least 2"));
  return FALSE;
}

DdimLatent *
ddim_latent_new(DdimSession *session, DdimRequest *request, GError **error)
{
  static const char *const options[] = {"from", "to"};
  g_autoptr(DdimLatent) latent = g_new0(DdimLatent, 1);
  g_autofree char *command = NULL;

  if (ddim_config_is_super_res(session->config)) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("model: %s only enlarges pictures ('ddim upscale'); choose another"),
                ddim_config_get_name(session->config));
    return NULL;
  }
  g_object_get(request, "command", &command, NULL);
  latent->encode = ddim_command_from_name(command) == DDIM_COMMAND_ENCODE;
  if (!latent->encode && !check_count(request, error))
    return NULL;
  for (guint i = 0; i < (latent->encode ? 1 : 2); i++)
    if (!open_end(&latent->ends[i], session, request, latent->encode ? "input" : options[i],
                  latent->encode, error) ||
        !settle_size(&latent->ends[i], request, error))
      return NULL;
  return check_eta(latent, request, error) ? g_steal_pointer(&latent) : NULL;
}

/* ---- the job ---- */

static DdimStepTable *
make_reverse_steps(const DdimJob *job, GError **error)
{
  g_autoptr(DdimStepTable) steps = ddim_step_table_new(job->diffusion, error);

  if (!steps || !ddim_step_table_append_inversion(steps, job->diffusion, job->sample.clip,
                                                  EVALUATIONS, error))
    return NULL;
  return g_steal_pointer(&steps);
}

gboolean
ddim_latent_prepare_job(DdimLatent *latent, DdimJob *job, GError **error)
{
  if (!latent->encode)
    return TRUE;
  ddim_step_table_free(job->steps);
  job->steps = make_reverse_steps(job, error);
  return job->steps != NULL;
}

/* ---- the class ---- */

static const DdimImage *
get_picture(const DdimLatent *latent)
{
  return latent->ends[0].picture ? latent->ends[0].picture : latent->ends[1].picture;
}

static void
draw_class(DdimJob *job)
{
  gint64 label;

  ddim_rng_randint(job->rng, 0, job->n_classes, &label, 1);
  ddim_job_set_class(job, label);
}

/* If the request leaves it open. */
static gboolean
choose_class(DdimRunner *runner, const DdimLatent *latent, DdimJob *job, GError **error)
{
  const DdimImage *picture = get_picture(latent);
  g_autoptr(DdimEdit) edit = NULL;

  if (job->n_classes == 0 || job->classes.labels->len > 0)
    return TRUE;
  if (picture && (!(edit = ddim_edit_new_of_picture(runner->session, picture, error)) ||
                  !ddim_fitting_class_choose(runner, job, edit, error)))
    return FALSE;
  if (job->classes.labels->len == 0)
    draw_class(job);
  return TRUE;
}

/* ---- running ---- */

static void
fill_picture(const End *end, float *x)
{
  ddim_image_to_samples(end->picture, x);
}

static gboolean
start_from_picture(DdimRunner *runner, float *x, gpointer data, GError **error)
{
  fill_picture(data, x);
  return TRUE;
}

/* Find the noise of one end of an interpolation. This takes a loop of its own, which does not
 * report progress: progress only counts the pictures that are asked for. */
static gboolean
encode_end(DdimRunner *runner, gpointer data, GError **error)
{
  End *end = data;
  static const DdimGeneratorCallbacks silent = {0};
  const DdimGeneratorCallbacks *callbacks = runner->callbacks;
  g_autoptr(DdimStepTable) steps = make_reverse_steps(runner->job, error);
  gboolean done;

  runner->n_loops = 1;
  if (!steps || !ddim_runner_prepare(runner, error))
    return FALSE;
  ddim_runner_begin_batch(runner);
  fill_picture(end, ddim_array_get_data(runner->images));
  runner->callbacks = &silent;
  done = ddim_runner_run(runner, steps, NULL, 0, error);
  runner->callbacks = callbacks;
  runner->started = runner->warm = 0;
  if (done)
    memcpy(end->z, ddim_array_get_data(runner->images),
           ddim_runner_get_image_size(runner) * sizeof(float));
  return done;
}

static gboolean
find_noise(DdimRunner *runner, End *end, GError **error)
{
  const gsize size = ddim_runner_get_image_size(runner);
  g_autoptr(DdimRng) rng = NULL;
  g_autofree char *kind = NULL;

  if (!(end->z = g_try_new(float, size))) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("not enough memory for %zu values of noise or images: make fewer or smaller "
                  "images at a time"),
                size);
    return FALSE;
  }
  if (end->picture)
    return ddim_parts_run_one(runner, encode_end, end, error);
  if (end->noise)
    return ddim_samples_read(end->noise, 0, 1, end->z, error);
  g_object_get(runner->job->resolved, "rng", &kind, NULL);
  if (!(rng = ddim_rng_new(kind, end->seed, error)))
    return FALSE;
  ddim_rng_normal(rng, end->z, size);
  return TRUE;
}

/* Let an end begin to draw for the steps of a batch, see latent.h. */
static gboolean
begin_draws(DdimRunner *runner, End *end, GError **error)
{
  const gsize size = ddim_runner_get_image_size(runner);
  const gboolean seed = !end->picture && !end->noise;
  g_autofree char *kind = NULL;

  g_object_get(runner->job->resolved, "rng", &kind, NULL);
  g_clear_pointer(&end->rng, ddim_rng_free);
  if ((!end->draw && !(end->draw = ddim_try_alloc(size, sizeof(float), error))) ||
      !(end->rng = ddim_rng_new(kind, seed ? end->seed : (guint64)runner->job->seed, error)))
    return FALSE;
  if (seed)
    ddim_rng_normal(end->rng, end->draw, size); /* z */
  return TRUE;
}

/* Where picture @i of the batch lies between the ends: 0 … 1. */
static double
get_place(const DdimRunner *runner, guint i)
{
  return (runner->first + i) / (double)(runner->job->count - 1);
}

/* A hook that replaces the noise which the loop has drawn by that of the ends. */
static gboolean
set_noise(const DdimSamplingPoint *point, gpointer data, GError **error)
{
  const Between *between = data;
  DdimLatent *latent = between->latent;
  const DdimRunner *runner = between->runner;
  const gsize size = ddim_runner_get_image_size(runner);
  End *a = &latent->ends[0], *b = &latent->ends[1];

  if (!point->step->draws_noise)
    return TRUE;
  ddim_rng_normal(a->rng, a->draw, size);
  ddim_rng_normal(b->rng, b->draw, size);
  if (!ddim_step_uses_noise(&point->step->arithmetic))
    return TRUE;
  for (guint i = 0; i < runner->n; i++) {
    /* Random noise never points in opposite directions, nor is it zero. */
    ddim_slerp(a->draw, b->draw, size, get_place(runner, i), between->draw);
    for (gsize k = 0; k < size; k++)
      latent->noise[i * size + k] = between->draw[k];
  }
  return ddim_sampling_write(point, DDIM_SAMPLING_NOISE, latent->noise, error);
}

static gboolean
start_between(DdimRunner *runner, float *x, gpointer data, GError **error)
{
  DdimLatent *latent = ((const Between *)data)->latent;
  const gsize size = ddim_runner_get_image_size(runner);

  if (ddim_step_table_uses_noise(runner->job->steps) &&
      (!begin_draws(runner, &latent->ends[0], error) ||
       !begin_draws(runner, &latent->ends[1], error)))
    return FALSE;
  for (guint i = 0; i < runner->n; i++) {
    if (!ddim_slerp(latent->ends[0].z, latent->ends[1].z, size, get_place(runner, i),
                    x + i * size)) {
      g_set_error_literal(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                          _("to: there is no way between opposite noise, or noise that is zero; "
                            "choose another end"));
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
run_between(DdimRunner *runner, DdimLatent *latent, GError **error)
{
  const gsize size = ddim_runner_get_image_size(runner);
  const gboolean noisy = ddim_step_table_uses_noise(runner->job->steps);
  g_autofree float *draw = ddim_try_alloc(noisy ? size : 0, sizeof(float), error);
  Between between = {latent, runner, draw};
  const DdimSamplingHooks hooks = {.after_output = set_noise, .user_data = &between};

  if (!draw || (noisy && !(latent->noise =
                               ddim_try_alloc(size * runner->job->batch, sizeof(double), error))))
    return FALSE;
  return ddim_batches_run(runner, start_between, &between, noisy ? &hooks : NULL, error);
}

gboolean
ddim_latent_run(DdimRunner *runner, DdimLatent *latent, DdimJob *job, GError **error)
{
  if (!choose_class(runner, latent, job, error))
    return FALSE;
  if (latent->encode)
    return ddim_batches_run(runner, start_from_picture, &latent->ends[0], NULL, error);
  return find_noise(runner, &latent->ends[0], error) &&
         find_noise(runner, &latent->ends[1], error) && run_between(runner, latent, error);
}
