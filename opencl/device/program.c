/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Kernels, and the programs they are taken from. Building these may take seconds each, so it begins
 * as soon as it is known which ones are needed, in threads of its own, while weights are read and
 * laid out. Where the driver compiles for one thread at a time, each of these threads has a worker,
 * a process that compiles for it, see compile-client.h; whoever needs a program then puts it in
 * front of the queue. Without workers, whoever needs a program that no thread has begun with builds
 * it himself. */
#include "opencl/device/program.h"

#include <string.h>

#include "opencl/device/compile-client.h"
#include "opencl/device/program-build.h"
#include "opencl/device/status.h"

/* The most threads that compile when there are no workers. With more, a driver's compiler would
 * take memory and processors away from everything else. */
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
  gboolean queued;   /* is or was in the pool's queue */
  gboolean compiled; /* had to be compiled, because it was not in the cache */
  gboolean told;     /* the user was told that it has to be compiled */
  cl_program program;
  GError *error;
} Program;

/* The programs of a context: those that are built, and those that will be. */
struct _DdimClPrograms {
  DdimContext *context;
  GMutex mutex; /* protects all following members, and those of a Program that may change */
  GCond changed;
  GHashTable *table;  /* char* source and options -> Program */
  GThreadPool *pool;  /* of Program; NULL until the first is queued */
  GPtrArray *clients; /* DdimClCompileClient, one for each thread of the pool; empty: no workers */
  GQueue idle;        /* the clients that no thread uses now */
  gboolean resting;   /* no more programs are expected for now */
  gboolean stopping;  /* nobody waits for programs any more */
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
  programs->clients = g_ptr_array_new_with_free_func((GDestroyNotify)ddim_cl_compile_client_free);
  const guint count = ddim_cl_compile_client_count(context);
  for (guint i = 0; i < count; i++) {
    DdimClCompileClient *client = ddim_cl_compile_client_new(context);
    g_ptr_array_add(programs->clients, client);
    g_queue_push_tail(&programs->idle, client);
  }
  return programs;
}

/* Programs that workers are compiling are given up. Programs that this process is compiling are
 * waited for. Programs that nobody has begun to build are not built. */
static void
programs_free(gpointer data)
{
  DdimClPrograms *programs = data;
  g_mutex_lock(&programs->mutex);
  programs->stopping = TRUE;
  g_mutex_unlock(&programs->mutex);
  for (guint i = 0; i < programs->clients->len; i++)
    ddim_cl_compile_client_stop(programs->clients->pdata[i]);
  if (programs->pool)
    g_thread_pool_free(programs->pool, TRUE, TRUE);
  g_queue_clear(&programs->idle);
  g_ptr_array_unref(programs->clients);
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

/* Count the programs that have been compiled, and all that have to be compiled as far as is known.
 * The caller holds the mutex. */
static DdimBuildProgress
count_programs(DdimClPrograms *programs)
{
  DdimBuildProgress progress = {0};
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init(&iter, programs->table);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    const Program *program = value;
    const gboolean done = program->state == DONE;
    if (program->compiled && done)
      progress.done++;
    if (program->compiled || !done)
      progress.total++;
  }
  return progress;
}

/* Tell the user, in the thread that uses the context, that @program is waited for. The caller holds
 * the mutex, which is released while the user is told. */
static void
report(Program *program, DdimBuildProgress progress)
{
  DdimClPrograms *programs = program->programs;
  DdimContext *context = programs->context;
  progress.program = program->source;
  program->told = TRUE;
  g_mutex_unlock(&programs->mutex);
  if (context->build_func)
    context->build_func(&progress, context->build_data);
  g_mutex_lock(&programs->mutex);
}

static void
on_compiling_here(gpointer data)
{
  Program *program = data;
  on_compiling(program);
  g_mutex_lock(&program->programs->mutex);
  report(program, count_programs(program->programs));
  g_mutex_unlock(&program->programs->mutex);
}

/* Let a worker build the program. When that fails, returns NULL, and the caller builds it. */
static cl_program
build_by_worker(Program *program)
{
  DdimClPrograms *programs = program->programs;
  g_mutex_lock(&programs->mutex);
  DdimClCompileClient *client = g_queue_pop_head(&programs->idle);
  g_mutex_unlock(&programs->mutex);
  if (!client)
    return NULL;
  /* More programs than this one are probably missing from the cache: start all workers. */
  for (guint i = 0; i < programs->clients->len; i++)
    ddim_cl_compile_client_start(programs->clients->pdata[i]);
  cl_program built = NULL;
  if (ddim_cl_compile_client_build(client, program->source, program->options))
    built = ddim_cl_program_load(programs->context, program->source, program->options);
  g_mutex_lock(&programs->mutex);
  g_queue_push_head(&programs->idle, client);
  /* A pool that is being freed must not be asked for the length of its queue. */
  if (programs->resting && !programs->stopping && g_thread_pool_unprocessed(programs->pool) == 0)
    ddim_cl_compile_client_rest(client);
  g_mutex_unlock(&programs->mutex);
  return built;
}

/* The same as ddim_cl_program_build(), but a worker compiles if there is one. */
static cl_program
load_or_build(Program *program, DdimClCompilingFunc compiling, GError **error)
{
  DdimContext *context = program->programs->context;
  if (program->programs->clients->len) {
    cl_program built = ddim_cl_program_load(context, program->source, program->options);
    if (built)
      return built;
    compiling(program);
    if ((built = build_by_worker(program)))
      return built;
    /* The context is being freed, so nobody would use the program. */
    if (g_atomic_int_get(&program->programs->stopping))
      return NULL;
  }
  return ddim_cl_program_build(context, program->source, program->options, compiling, program,
                               error);
}

/* Build a program that nobody has begun to build. The caller holds the mutex, which is released
 * during the build. */
static void
build(Program *program, DdimClCompilingFunc compiling)
{
  DdimClPrograms *programs = program->programs;
  GError *error = NULL;
  set_state(program, LOADING);
  g_mutex_unlock(&programs->mutex);
  cl_program built = load_or_build(program, compiling, &error);
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

/* @options, completed with those that come from the context's profile. (transfer full) */
static char *
complete(DdimContext *context, const char *options)
{
  const DdimClProfile *p = &context->profile;
  options = options ? options : "";
  g_autofree char *vec =
      strstr(options, "-DVEC=") ? g_strdup("") : g_strdup_printf("-DVEC=%u ", p->vec);
  return g_strdup_printf("%s%s-DNR=%u -DMR=%u -DROW_LOOP=%d %s", vec, p->no_fma ? "-DNO_FMA " : "",
                         p->nr, p->mr, p->row_loop ? 1 : 0, options);
}

/* Find the program in the table, or add it there. The caller holds the mutex. */
static Program *
find_or_add(DdimClPrograms *programs, const char *source, const char *options, gboolean *is_new)
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

/* Oclgrind 21.10 crashes when two threads compile for one context. */
static int
count_threads(DdimClPrograms *programs)
{
  if (strcmp(programs->context->info->platform, "Oclgrind") == 0)
    return 0;
  if (programs->clients->len)
    return (int)programs->clients->len;
  return CLAMP((int)g_get_num_processors() - 1, 1, MAX_THREADS);
}

/* Put the program into the queue of the pool, whose threads build it. FALSE when there is to be no
 * thread, or none can be made; then whoever needs the program builds it. The caller holds the
 * mutex. */
static gboolean
enqueue(Program *program)
{
  DdimClPrograms *programs = program->programs;
  const int threads = count_threads(programs);
  programs->resting = FALSE;
  if (!threads)
    return FALSE;
  if (!programs->pool)
    programs->pool = g_thread_pool_new(build_in_background, programs, threads, FALSE, NULL);
  program->queued = g_thread_pool_push(programs->pool, program, NULL);
  return program->queued;
}

void
ddim_cl_program_announce(DdimContext *context, const char *source, const char *options)
{
  DdimClPrograms *programs = programs_of(context);
  gboolean is_new;
  g_mutex_lock(&programs->mutex);
  Program *program = find_or_add(programs, source, options, &is_new);
  if (is_new)
    enqueue(program);
  g_mutex_unlock(&programs->mutex);
}

void
ddim_cl_program_rest(DdimContext *context)
{
  DdimClPrograms *programs = programs_of(context);
  g_mutex_lock(&programs->mutex);
  programs->resting = TRUE;
  if (!programs->pool || g_thread_pool_unprocessed(programs->pool) == 0)
    for (GList *l = programs->idle.head; l; l = l->next)
      ddim_cl_compile_client_rest(l->data);
  g_mutex_unlock(&programs->mutex);
}

/* Let a thread that has a worker build the program next. FALSE when there is no such thread. The
 * caller holds the mutex. */
static gboolean
hurry(Program *program)
{
  DdimClPrograms *programs = program->programs;
  if (!programs->clients->len || (!program->queued && !enqueue(program)))
    return FALSE;
  g_thread_pool_move_to_front(programs->pool, program);
  return TRUE;
}

/* Wait until the program is built. If it has to be compiled, tell the user so, and again whenever
 * one more program is compiled. The caller holds the mutex, which is released while waiting. */
static void
wait_for(Program *program)
{
  DdimClPrograms *programs = program->programs;
  guint done = 0;
  while (program->state != DONE) {
    const DdimBuildProgress progress = count_programs(programs);
    if (program->state == COMPILING && (!program->told || progress.done != done)) {
      done = progress.done;
      report(program, progress);
      continue;
    }
    g_cond_wait(&programs->changed, &programs->mutex);
  }
  if (program->compiled && !program->told)
    report(program, count_programs(programs));
}

/* A program that is queued and not built yet, or NULL. The caller holds the mutex. */
static Program *
find_unfinished(DdimClPrograms *programs)
{
  GHashTableIter iter;
  gpointer program;
  g_hash_table_iter_init(&iter, programs->table);
  while (g_hash_table_iter_next(&iter, NULL, &program))
    if (((Program *)program)->queued && ((Program *)program)->state != DONE)
      return program;
  return NULL;
}

void
ddim_context_wait_builds(DdimContext *context)
{
  DdimClPrograms *programs = programs_of(context);
  Program *program;
  g_mutex_lock(&programs->mutex);
  while ((program = find_unfinished(programs)))
    wait_for(program);
  g_mutex_unlock(&programs->mutex);
}

/* Return the program once it is built, by this thread or by another. The caller holds the mutex.
 * (transfer none) */
static cl_program
wait_and_get(Program *program, GError **error)
{
  if (program->state == NOT_BEGUN && !hurry(program))
    build(program, on_compiling_here);
  wait_for(program);
  if (program->program)
    return program->program;
  /* The error is reported once. If the program is needed again later, it is built again. */
  g_propagate_error(error, g_steal_pointer(&program->error));
  program->state = NOT_BEGUN;
  program->queued = program->told = FALSE;
  return NULL;
}

cl_kernel
ddim_cl_kernel_new(DdimContext *context, const char *source, const char *options, const char *name,
                   GError **error)
{
  DdimClPrograms *programs = programs_of(context);
  gboolean is_new;
  g_mutex_lock(&programs->mutex);
  cl_program program = wait_and_get(find_or_add(programs, source, options, &is_new), error);
  g_mutex_unlock(&programs->mutex);
  if (!program)
    return NULL;
  cl_int status = CL_SUCCESS;
  cl_kernel kernel = clCreateKernel(program, name, &status);
  return ddim_cl_check(status, "clCreateKernel", error) ? kernel : NULL;
}
