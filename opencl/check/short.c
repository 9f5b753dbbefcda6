/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/check/short.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "opencl/check/check-conv.h"
#include "opencl/check/check-parts.h"
#include "opencl/check/check-update.h"
#include "opencl/check/verdicts.h"
#include "opencl/device/ways.h"
#include "opencl/ops/attention/attention-params.h"
#include "opencl/ops/norm/norm.h"

/* The bounds of a check are what rounding explains. A way that errs by some times more still makes
 * good pictures. What is wrong errs by much more. */
#define SLACK 10

/* Numbers are small, so that all checks of a network take a tenth of a second. */
#define CHANNELS 64
#define POSITIONS 65

/* What is known of a context's device. */
typedef struct {
  DdimVerdicts *verdicts;
  gboolean changed; /* since they were saved */
  gboolean told;    /* the problem was taken */
} Known;

static void
known_free(gpointer data)
{
  Known *known = data;
  ddim_verdicts_free(known->verdicts);
  g_free(known);
}

void
ddim_check_begin(DdimContext *context)
{
  if (context->checked.data)
    return;
  Known *known = g_new0(Known, 1);
  known->verdicts = ddim_verdicts_load(context);
  context->checked = (DdimClAttachment){.data = known, .destroy = known_free};
  GHashTableIter iter;
  gpointer way;
  g_hash_table_iter_init(&iter, known->verdicts->wrong);
  while (g_hash_table_iter_next(&iter, &way, NULL))
    ddim_cl_way_distrust(context, way);
}

/* A plan that is being checked. */
typedef struct {
  DdimContext *context;
  Known *known;
  gboolean distrusted; /* some way that was trusted */
} Run;

/* Whether this use has to be checked. */
static gboolean
is_open(const Run *run, const char *way, const char *use)
{
  return !g_hash_table_contains(run->known->verdicts->right, use) &&
         !g_hash_table_contains(run->known->verdicts->wrong, way);
}

/* Keep what a check found. One that could not run for want of memory, or because the device does
 * not answer any more, found nothing. */
static void
settle(Run *run, const char *way, const char *use, DdimCheck *check, DdimCheckResult result)
{
  g_autoptr(GError) error = NULL;
  ddim_check_end(check, &error);
  if (g_error_matches(error, DDIM_CL_ERROR, DDIM_CL_ERROR_MEMORY) ||
      g_error_matches(error, DDIM_CL_ERROR, DDIM_CL_ERROR_LOST))
    return;
  run->known->changed = TRUE;
  if (!error && result.error <= SLACK * result.bound) {
    g_hash_table_add(run->known->verdicts->right, g_strdup(use));
    return;
  }
  g_hash_table_add(run->known->verdicts->wrong, g_strdup(way));
  run->known->told = FALSE;
  ddim_cl_way_distrust(run->context, way);
  run->distrusted = TRUE;
}

/* Large numbers of channels all look alike, but for the remainders that choose kernels. */
static guint
fewer_channels(guint channels)
{
  return channels <= CHANNELS ? channels : channels % 32 ? CHANNELS - 16 : CHANNELS;
}

/* What a use's name says of activations that are kept as half: where they come from or go to. */
static const char *
name_type(DdimClType type, const char *where)
{
  return type == DDIM_CL_F16 ? where : "";
}

static void
check_conv(Run *run, const char *way, const DdimClConvNote *note)
{
  const DdimConvShape *s = &note->shape;
  /* An output of whole tiles of the matrix units, or not. */
  const guint width = s->w % 16 == 0 ? 16 : 11, height = 6;
  const gboolean amx = note->method == DDIM_CONV_AMX || note->method == DDIM_CONV_AMX_WINOGRAD;
  const DdimCheckConv conv = {.in = fewer_channels(s->in),
                              .out = fewer_channels(s->out),
                              .taps = s->taps,
                              .stride = s->stride,
                              .up = s->up,
                              .norm = note->prologue,
                              /* other methods have it computed apart, which notes itself */
                              .groups = amx && note->prologue && s->in % 32 == 0 ? 32 : 0,
                              .no_silu = !note->silu,
                              .emb = note->emb,
                              .residual = note->residual ? DDIM_CHECK_RESIDUAL_IN_PLACE
                                                         : DDIM_CHECK_RESIDUAL_NONE,
                              .half = note->half,
                              .wrap = s->wrap,
                              .right_bottom = s->right_bottom,
                              .x_type = note->x_type,
                              .y_type = note->y_type};
  g_autofree char *use = g_strdup_printf(
      "%s %ux%u %u to %u stride %u width %u%s%s%s%s%s%s%s%s%s wrap %u", way, s->taps, s->taps,
      conv.in, conv.out, s->stride, width, s->up ? " up" : "", note->prologue ? " norm" : "",
      note->silu ? " silu" : "", note->emb ? " emb" : "", note->residual ? " residual" : "",
      note->half ? " half" : "", name_type(note->x_type, " from-half"),
      name_type(note->y_type, " to-half"), s->right_bottom ? " right-bottom" : "", (guint)s->wrap);
  DdimCheck check = {.context = run->context};
  if (is_open(run, way, use))
    settle(run, way, use, &check,
           ddim_check_conv(&check, &conv, 2, s->up ? height / 2 : height * s->stride,
                           s->up ? (width + 1) / 2 : width * s->stride, 1, note->method,
                           note->provider));
}

/* Kernels for graphics cards depend on the values of a group, so only groups are left out. */
static void
check_norm(Run *run, const char *way, const DdimClNormNote *note)
{
  const DdimClNormGaps *gaps = &note->gaps;
  const guint width = gaps->width ? gaps->width : note->channels / note->groups;
  const gboolean rows = run->context->profile.row_loop;
  const guint pixels = rows ? MIN(note->pixels, 2 * POSITIONS) : note->pixels;
  guint groups = 1;
  while ((gaps->width || groups * width % 16) && groups < note->groups)
    groups++;
  const DdimCheckNorm norm = {.n = 1,
                              .h = 1,
                              .w = pixels,
                              .c = gaps->width ? note->channels : groups * width,
                              .groups = groups,
                              .deviation = 1,
                              .emb = note->emb,
                              .silu = TRUE,
                              .gaps = *gaps,
                              .type = note->type};
  g_autofree char *use = g_strdup_printf("%s %u pixels %u of %u%s gaps %u %u%s", way, pixels,
                                         groups, width, note->emb ? " emb" : "", gaps->split,
                                         gaps->shift, name_type(note->type, " half"));
  DdimCheck check = {.context = run->context};
  if (norm.c % 16 == 0 && is_open(run, way, use))
    settle(run, way, use, &check, ddim_check_norm(&check, &norm));
}

static void
check_attention(Run *run, const char *way, const DdimClAttentionNote *note)
{
  const DdimCheckAttention attention = {.n = 1,
                                        .h = 1,
                                        .w = MIN(note->positions, POSITIONS),
                                        .heads = MIN(note->heads, 2),
                                        .ch = note->channels,
                                        .interleaved = note->interleaved,
                                        .logits = 5,
                                        .type = note->type};
  g_autofree char *use = g_strdup_printf(
      "%s %u positions %u heads of %u%s%s", way, attention.w, attention.heads, attention.ch,
      attention.interleaved ? " interleaved" : "", name_type(note->type, " half"));
  DdimCheck check = {.context = run->context};
  if (attention.heads * attention.ch % 16 == 0 && is_open(run, way, use))
    settle(run, way, use, &check, ddim_check_attention(&check, &attention));
}

static void
check_note(const char *kind, const char *way, gconstpointer params, gpointer data)
{
  if (g_str_equal(kind, DDIM_CL_NOTE_CONV))
    check_conv(data, way, params);
  else if (g_str_equal(kind, DDIM_CL_NOTE_NORM))
    check_norm(data, way, params);
  else if (g_str_equal(kind, DDIM_CL_NOTE_ATTENTION))
    check_attention(data, way, params);
}

/* What every network and sampler uses. There is only one way for each of them. */
static void
check_always(Run *run)
{
  DdimCheck check = {.context = run->context};
  if (is_open(run, "silu", "silu"))
    settle(run, "silu", "silu", &check, ddim_check_silu(&check));
  if (is_open(run, "from-planar", "from-planar"))
    settle(run, "from-planar", "from-planar", &check,
           ddim_check_from_planar(&check, 2, 3, 5, 3, 0, 16, FALSE));
  if (is_open(run, "update", "update"))
    settle(run, "update", "update", &check, ddim_check_update(&check));
  run->distrusted = FALSE;
}

gboolean
ddim_check_plan(DdimClPlan *plan)
{
  DdimContext *context = ddim_cl_plan_get_context(plan);
  ddim_check_begin(context);
  Run run = {.context = context, .known = context->checked.data};
  check_always(&run);
  ddim_cl_plan_foreach_note(plan, check_note, &run);
  if (run.known->changed)
    ddim_verdicts_save(run.known->verdicts);
  run.known->changed = FALSE;
  return !run.distrusted;
}

char *
ddim_check_take_problem(DdimContext *context)
{
  Known *known = context->checked.data;
  if (!known || known->told || !g_hash_table_size(known->verdicts->wrong))
    return NULL;
  known->told = TRUE;
  g_autoptr(GList) ways =
      g_list_sort(g_hash_table_get_keys(known->verdicts->wrong), (GCompareFunc)strcmp);
  g_autoptr(GString) names = g_string_new(NULL);
  for (GList *way = ways; way; way = way->next)
    g_string_append_printf(names, "%s%s", names->len ? ", " : "", (const char *)way->data);
  /* Translators: a device, and names of ways to compute: "winograd4-clblast, attention-gpu" */
  return g_strdup_printf(_("%s computes wrongly by %s; other ways are used where there are any, "
                           "which may be slower ('ddim check' tells more)"),
                         context->info->name, names->str);
}
