/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Kernels, and the programs they are taken from. Building these may take seconds each, so it begins
 * as soon as it is known which ones are needed, in threads of its own, while weights are read and
 * laid out. Whoever needs a program that no thread has begun with builds it himself. */
#include "opencl/device/program.h"

#include <string.h>

#include "opencl/device/program-build.h"
#include "opencl/device/status.h"

/* More would have a driver's compiler take the memory and the processors of all else. */
#define MAX_THREADS 4

typedef enum {
  NOT_BEGUN,
  LOADING, /* looking for a cached binary */
  COMPILING,
  DONE
} State;

typedef struct _DdimClPrograms DdimClPrograms;

typedef struct {
  DdimClPrograms *programs;
  char *source, *options;
  State state;
  gboolean compiled; /* not from the cache, and nobody was told yet */
  cl_program program;
  GError *error;
} Program;

/* A context's programs, built and being built. */
struct _DdimClPrograms {
  DdimContext *context;
  GMutex mutex; /* of all of the following, and of what may change in a Program */
  GCond changed;
  GHashTable *table; /* char* source and options -> Program */
  GThreadPool *pool; /* of Program; NULL until the first announcement */
};

static void
program_free(gpointer data)
{
  Program *program = data;
  if (program->program)
    clReleaseProgram(program->program);
  g_clear_error(&program->error);
  g_free(program->source);
  g_free(program->options);
  g_free(program);
}

static DdimClPrograms *
programs_new(DdimContext *context)
{
  DdimClPrograms *programs = g_new0(DdimClPrograms, 1);
  programs->context = context;
  g_mutex_init(&programs->mutex);
  g_cond_init(&programs->changed);
  programs->table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, program_free);
  return programs;
}

/* Wait for what is being built; what nobody has begun with is left. */
static void
programs_free(gpointer data)
{
  DdimClPrograms *programs = data;
  if (programs->pool)
    g_thread_pool_free(programs->pool, TRUE, TRUE);
  g_hash_table_unref(programs->table);
  g_cond_clear(&programs->changed);
  g_mutex_clear(&programs->mutex);
  g_free(programs);
}

static DdimClPrograms *
programs_of(DdimContext *context)
{
  if (!context->programs.data)
    context->programs = (DdimClAttachment){.data = programs_new(context), .destroy = programs_free};
  return context->programs.data;
}

static void
set_state(Program *program, State state)
{
  program->state = state;
  g_cond_broadcast(&program->programs->changed);
}

static void
on_compiling(gpointer data)
{
  Program *program = data;
  g_mutex_lock(&program->programs->mutex);
  program->compiled = TRUE;
  set_state(program, COMPILING);
  g_mutex_unlock(&program->programs->mutex);
}

/* Tell the user, in his own thread, once. With the mutex held, not while he is told. */
static void
report_compiling(Program *program)
{
  DdimClPrograms *programs = program->programs;
  DdimContext *context = programs->context;
  if (!program->compiled)
    return;
  program->compiled = FALSE;
  g_mutex_unlock(&programs->mutex);
  if (context->build_func)
    context->build_func(program->source, context->build_data);
  g_mutex_lock(&programs->mutex);
}

static void
on_compiling_here(gpointer data)
{
  Program *program = data;
  on_compiling(program);
  g_mutex_lock(&program->programs->mutex);
  report_compiling(program);
  g_mutex_unlock(&program->programs->mutex);
}

/* Build what nobody has begun with. With the mutex held, not while it is built. */
static void
build(Program *program, DdimClCompilingFunc compiling)
{
  DdimClPrograms *programs = program->programs;
  GError *error = NULL;
  set_state(program, LOADING);
  g_mutex_unlock(&programs->mutex);
  cl_program built = ddim_cl_program_build(programs->context, program->source, program->options,
                                           compiling, program, &error);
  g_mutex_lock(&programs->mutex);
  program->program = built;
  program->error = error;
  set_state(program, DONE);
}

static void
build_in_background(gpointer data, gpointer user_data)
{
  Program *program = data;
  DdimClPrograms *programs = user_data;
  g_mutex_lock(&programs->mutex);
  if (program->state == NOT_BEGUN)
    build(program, on_compiling);
  g_mutex_unlock(&programs->mutex);
}

/* The options in full. (transfer full) */
static char *
complete(DdimContext *context, const char *options)
{
  const DdimClProfile *p = &context->profile;
  options = options ? options : "";
  g_autofree char *vec =
      strstr(options, "-DVEC=") ? g_strdup("") : g_strdup_printf("-DVEC=%u ", p->vec);
  return g_strdup_printf("%s-DNR=%u -DMR=%u -DROW_LOOP=%d %s", vec, p->nr, p->mr,
                         p->row_loop ? 1 : 0, options);
}

/* The program, new or known. With the mutex held. */
static Program *
find(DdimClPrograms *programs, const char *source, const char *options, gboolean *is_new)
{
  g_autofree char *all = complete(programs->context, options);
  g_autofree char *key = g_strdup_printf("%s %s", source, all);
  Program *program = g_hash_table_lookup(programs->table, key);
  *is_new = program == NULL;
  if (program)
    return program;
  program = g_new0(Program, 1);
  program->programs = programs;
  program->source = g_strdup(source);
  program->options = g_steal_pointer(&all);
  g_hash_table_insert(programs->table, g_steal_pointer(&key), program);
  return program;
}

void
ddim_cl_program_announce(DdimContext *context, const char *source, const char *options)
{
  DdimClPrograms *programs = programs_of(context);
  gboolean is_new;
  g_mutex_lock(&programs->mutex);
  Program *program = find(programs, source, options, &is_new);
  if (is_new && !programs->pool)
    programs->pool =
        g_thread_pool_new(build_in_background, programs,
                          CLAMP((int)g_get_num_processors() - 1, 1, MAX_THREADS), FALSE, NULL);
  /* Where no thread can be made, who needs the program builds it. */
  if (is_new)
    g_thread_pool_push(programs->pool, program, NULL);
  g_mutex_unlock(&programs->mutex);
}

/* The program built, by this thread or by another. With the mutex held. (transfer none) */
static cl_program
take(Program *program, GError **error)
{
  DdimClPrograms *programs = program->programs;
  if (program->state == NOT_BEGUN)
    build(program, on_compiling_here);
  while (program->state == LOADING)
    g_cond_wait(&programs->changed, &programs->mutex);
  report_compiling(program);
  while (program->state != DONE)
    g_cond_wait(&programs->changed, &programs->mutex);
  if (program->program)
    return program->program;
  /* Who asks again has it tried again. */
  g_propagate_error(error, g_steal_pointer(&program->error));
  program->state = NOT_BEGUN;
  return NULL;
}

cl_kernel
ddim_cl_kernel_new(DdimContext *context, const char *source, const char *options, const char *name,
                   GError **error)
{
  DdimClPrograms *programs = programs_of(context);
  gboolean is_new;
  g_mutex_lock(&programs->mutex);
  cl_program program = take(find(programs, source, options, &is_new), error);
  g_mutex_unlock(&programs->mutex);
  if (!program)
    return NULL;
  cl_int status = CL_SUCCESS;
  cl_kernel kernel = clCreateKernel(program, name, &status);
  return ddim_cl_check(status, "clCreateKernel", error) ? kernel : NULL;
}
