/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/job/fitting-class.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "core/data/memory.h"
#include "core/edit/canvas.h"
#include "core/job/parts.h"
#include "core/job/steps.h"

/* The side of the parts that are looked at, at most, and how many classes are tried at once. */
#define SIDE 64
#define BATCH 4
/* How strong the noise of each look is, in units of the picture's values: enough to hide the
 * details that any class could predict, not so much that it hides the picture. */
static const double levels[] = {0.7, 1.2};
#define N_LOOKS G_N_ELEMENTS(levels)

/* One part of the picture with noise. */
typedef struct {
  DdimRect window;        /* of the canvas */
  DdimConstraints *known; /* what the picture tells of it */
  DdimStepTable *steps;   /* one: from this noise to x0 */
  float *x;               /* [C][height][width] */
} Look;

/* Everything that is needed while classes are tried. */
typedef struct {
  DdimRunner *runner;
  DdimJob *job; /* the runner's */
  const DdimEdit *edit;
  DdimDiffusion *diffusion; /* with all its steps, whatever the job takes of them */
  DdimCanvas *canvas;
  DdimEvaluator *evaluator;
  DdimSamplerState *state;
  guint n_looks;
  Look looks[N_LOOKS];
  const Look *look;  /* at which the model looks now */
  guint first;       /* class that it tries now, and those that follow */
  double *x0, *near; /* [BATCH][C][height][width]: its prediction, and what is nearest to it among
                        the pictures that agree with what is known */
  float *xs;         /* [BATCH][C][height][width] */
  double *scores;    /* [classes]: the logarithms of the squared errors, added up */
} Search;

static void
search_clear(Search *search)
{
  for (guint i = 0; i < N_LOOKS; i++) {
    g_clear_pointer(&search->looks[i].known, ddim_constraints_free);
    g_clear_pointer(&search->looks[i].steps, ddim_step_table_free);
    g_clear_pointer(&search->looks[i].x, g_free);
  }
  g_clear_pointer(&search->diffusion, ddim_diffusion_free);
  g_clear_pointer(&search->state, ddim_sampler_state_free);
  g_clear_pointer(&search->evaluator, ddim_evaluator_unref);
  g_clear_pointer(&search->canvas, ddim_canvas_free);
  g_clear_pointer(&search->x0, g_free);
  g_clear_pointer(&search->near, g_free);
  g_clear_pointer(&search->xs, g_free);
  g_clear_pointer(&search->scores, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Search, search_clear)

/* ---- where to look ---- */

/* The pixels of the canvas that tell something. */
static const guint8 *
get_telling(const Search *search)
{
  return search->edit->known || search->edit->command == DDIM_COMMAND_VARY ? search->canvas->inside
                                                                           : search->canvas->known;
}

static guint
count_telling(const Search *search, const DdimRect *rect)
{
  const guint8 *map = get_telling(search);
  guint n = 0;

  for (guint y = rect->y; y < rect->y + rect->height; y++)
    for (guint x = rect->x; x < rect->x + rect->width; x++)
      n += map[(gsize)y * search->canvas->width + x] != 0;
  return n;
}

/* A side that the model can compute and is used to, of at most SIDE pixels if it can, within
 * @most. */
static guint
choose_side(const Search *search, guint unit, guint most)
{
  const guint own = ddim_config_get_image_size(search->runner->session->config);

  return MIN(MAX((own ? MIN(own, SIDE) : SIDE) / unit, 1) * unit, most / unit * unit);
}

/* Rectangles all over the canvas. (transfer full) */
static GArray *
list_places(const Search *search, guint unit)
{
  const guint width = choose_side(search, unit, search->canvas->width);
  const guint height = choose_side(search, unit, search->canvas->height);
  const guint right = MAX(width / 2 / unit, 1) * unit, down = MAX(height / 2 / unit, 1) * unit;
  GArray *places = g_array_new(FALSE, FALSE, sizeof(DdimRect));

  for (guint y = 0; y + height <= search->canvas->height; y += down)
    for (guint x = 0; x + width <= search->canvas->width; x += right) {
      const DdimRect rect = {x, y, width, height};
      g_array_append_val(places, rect);
    }
  return places;
}

/* Drop the places that tell less than half of what the best one does. FALSE: none tells anything.
 */
static gboolean
keep_telling(const Search *search, GArray *places)
{
  g_autofree guint *n = g_new(guint, places->len + 1);
  guint most = 0;

  for (guint i = 0; i < places->len; i++) {
    n[i] = count_telling(search, &g_array_index(places, DdimRect, i));
    most = MAX(most, n[i]);
  }
  for (guint i = places->len; i-- > 0;)
    if (n[i] < (most + 1) / 2)
      g_array_remove_index(places, i);
  return most > 0;
}

/* ---- what is seen there ---- */

/* The step whose noise is nearest to @level. */
static guint
find_step(const DdimDiffusion *diffusion, double level)
{
  guint best = 0;
  double least = G_MAXDOUBLE;

  for (guint t = 0; t < ddim_diffusion_get_num_timesteps(diffusion); t++) {
    double signal, noise;
    ddim_diffusion_q_sample(diffusion, t, &signal, &noise);
    const double far = signal > 0 && noise > 0 ? fabs(log(noise / signal / level)) : G_MAXDOUBLE;
    if (far < least) {
      least = far;
      best = t;
    }
  }
  return best;
}

/* Give the pixels that nothing is known of the mean of the others. */
static void
fill_rest(const Search *search, const DdimRect *window, double *x0)
{
  const gsize plane = (gsize)window->width * window->height;
  const guint8 *map = get_telling(search);
  const guint n = count_telling(search, window);

  for (guint c = 0; c < search->canvas->channels; c++) {
    double sum = 0;
    for (gsize turn = 0; turn < 2; turn++)
      for (gsize i = 0; i < plane; i++) {
        const gsize at =
            (window->y + i / window->width) * search->canvas->width + window->x + i % window->width;
        if (turn == 0 && map[at])
          sum += x0[c * plane + i];
        else if (turn == 1 && !map[at])
          x0[c * plane + i] = sum / MAX(n, 1);
      }
  }
}

/* x = signal * x0 + noise * z, where x0 is what is known of the window. */
static gboolean
look_at(Search *search, Look *look, guint t, DdimRng *rng, GError **error)
{
  const gsize size = (gsize)search->canvas->channels * look->window.width * look->window.height;
  DdimSampleParams params = search->job->sample;
  double signal, noise;

  params.sampler = DDIM_SAMPLER_DDIM;
  params.eta = 0;
  if (!(look->known = ddim_edit_make_known(search->edit, search->canvas, &look->window, error)) ||
      !(look->steps = ddim_step_table_new(search->diffusion, error)) ||
      !ddim_step_table_append(look->steps, &params, t, t, error) ||
      !(look->x = ddim_try_alloc(size, sizeof(float), error)))
    return FALSE;
  memset(search->x0, 0, size * sizeof(double));
  ddim_constraints_correct(look->known, 1, search->x0);
  fill_rest(search, &look->window, search->x0);
  ddim_rng_normal(rng, look->x, size);
  ddim_diffusion_q_sample(search->diffusion, t, &signal, &noise);
  for (gsize i = 0; i < size; i++)
    look->x[i] = (float)(signal * search->x0[i] + noise * look->x[i]);
  return TRUE;
}

static gboolean
have_memory(Search *search, const DdimRect *window, GError **error)
{
  const gsize count = (gsize)BATCH * search->canvas->channels * window->width * window->height;

  return (search->x0 = ddim_try_alloc(count, sizeof(double), error)) &&
         (search->near = ddim_try_alloc(count, sizeof(double), error)) &&
         (search->xs = ddim_try_alloc(count, sizeof(float), error));
}

/* Places that lie apart from each other, with little and with more noise. Without a place there are
 * no looks. */
static gboolean
make_looks(Search *search, guint unit, GError **error)
{
  g_autoptr(GArray) places = list_places(search, unit);
  g_autoptr(DdimRng) rng = ddim_rng_new("torch", 0, error);

  if (!rng)
    return FALSE;
  if (!keep_telling(search, places))
    return TRUE;
  if (!have_memory(search, &g_array_index(places, DdimRect, 0), error))
    return FALSE;
  for (search->n_looks = 0; search->n_looks < N_LOOKS; search->n_looks++) {
    Look *look = &search->looks[search->n_looks];
    const guint at = (2 * search->n_looks + 1) * places->len / (2 * N_LOOKS);
    look->window = g_array_index(places, DdimRect, at);
    if (!look_at(search, look, find_step(search->diffusion, levels[search->n_looks]), rng, error))
      return FALSE;
  }
  return TRUE;
}

/* ---- trying the classes ---- */

static gboolean
on_prediction(const DdimSamplingPoint *point, gpointer user_data, GError **error)
{
  Search *search = user_data;
  const gsize count = ddim_sampling_get_count(point, DDIM_SAMPLING_X0), size = count / BATCH;

  if (!ddim_sampling_read(point, DDIM_SAMPLING_X0, search->x0, error))
    return FALSE;
  memcpy(search->near, search->x0, count * sizeof(double));
  ddim_constraints_correct(search->look->known, BATCH, search->near);
  for (guint i = 0; i < BATCH && search->first + i < search->job->n_classes; i++) {
    double sum = 0;
    for (gsize k = i * size; k < (i + 1) * size; k++)
      sum += (search->x0[k] - search->near[k]) * (search->x0[k] - search->near[k]);
    search->scores[search->first + i] += log(sum + G_MINDOUBLE);
  }
  return TRUE;
}

/* Try BATCH classes with one look. */
static gboolean
try_classes(Search *search, GError **error)
{
  const DdimRect *window = &search->look->window;
  const gsize size = (gsize)search->canvas->channels * window->width * window->height;
  const DdimSamplingHooks hooks = {.on_prediction = on_prediction, .user_data = search};
  gint64 labels[BATCH];
  const DdimDeviceSamplingParams params = {
      .state = search->state, .evaluator = search->evaluator, .labels = labels};
  g_autoptr(DdimDeviceSampling) sampling = ddim_device_sampling_new(&params);

  for (guint i = 0; i < BATCH; i++) {
    labels[i] = MIN(search->first + i, search->job->n_classes - 1);
    memcpy(search->xs + i * size, search->look->x, size * sizeof(float));
  }
  return ddim_sampler_state_set_x(search->state, search->xs, error) &&
         ddim_sampling_run(search->look->steps, ddim_device_sampling_get_backend(sampling), &hooks,
                           1, search->runner->cancellable, error);
}

/* How far the search is. */
static void
tell(const Search *search, guint look)
{
  const DdimGeneratorCallbacks *callbacks = search->runner->callbacks;
  const double done = look + search->first / (double)search->job->n_classes;

  if (callbacks->status)
    callbacks->status(_("Finding the class that fits the picture"), done / search->n_looks,
                      search->runner->user_data);
}

static gboolean
try_all(Search *search, GError **error)
{
  const DdimSession *session = search->runner->session;
  const DdimRect *window = &search->looks[0].window;
  const DdimEvaluatorSize size = {.batch = BATCH, .height = window->height, .width = window->width};
  const DdimNetworkParams params = ddim_runner_get_network_params(search->runner);

  if (!(search->evaluator = ddim_evaluator_cache_get(session->evaluators, &size, &params, error)) ||
      !(search->state = ddim_sampler_state_new(search->evaluator, error)))
    return FALSE;
  ddim_evaluator_set_mix(search->evaluator, NULL);
  for (guint i = 0; i < search->n_looks; i++) {
    search->look = &search->looks[i];
    for (search->first = 0; search->first < search->job->n_classes; search->first += BATCH) {
      tell(search, i);
      if (!try_classes(search, error))
        return FALSE;
    }
  }
  return TRUE;
}

/* The class with the smallest errors. */
static guint
get_best(const Search *search)
{
  guint best = 0;

  for (guint i = 1; i < search->job->n_classes; i++)
    best = search->scores[i] < search->scores[best] ? i : best;
  return best;
}

/* @user_data  a search, see ddim_fitting_class_choose() (DdimPartFunc) */
static gboolean
search_classes(DdimRunner *runner, gpointer user_data, GError **error)
{
  const Search *wanted = user_data;
  const DdimEdit *edit = wanted->edit;
  const guint channels = wanted->job->channels;
  g_auto(Search) search = {.runner = runner, .job = wanted->job, .edit = edit};

  search.scores = g_new0(double, search.job->n_classes);
  if (!(search.diffusion = ddim_steps_new_diffusion(runner->session->config, "", error)) ||
      !(search.canvas =
            ddim_canvas_new(edit->frame, 1, channels, edit->picture, edit->coverage, error)) ||
      !make_looks(&search, edit->frame->unit, error))
    return FALSE;
  if (search.n_looks == 0)
    return TRUE;
  if (!try_all(&search, error))
    return FALSE;
  ddim_job_set_class(search.job, get_best(&search));
  return TRUE;
}

gboolean
ddim_fitting_class_choose(DdimRunner *runner, DdimJob *job, const DdimEdit *edit, GError **error)
{
  Search wanted = {.job = job, .edit = edit};

  if (job->n_classes == 0 || job->n_classes > DDIM_FITTING_CLASS_MOST ||
      job->classes.labels->len > 0 || edit->low_res)
    return TRUE;
  return ddim_parts_run_one(runner, search_classes, &wanted, error);
}
