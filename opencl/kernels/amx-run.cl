/* SPDX-License-Identifier: LGPL-3.0-or-later
 * The one kernel of the matrix units: it runs tasks, one after another, in as many work-groups as there are cores.
 *
 * A network of small images is hundreds of operations of some 10 to 100 microseconds each, and a driver takes as long to hand one
 * operation to its threads. So here the groups take the items of a task from counters. Each group begins with a share of its own, so
 * that a core mostly works on the same part of the memory, and then helps the other groups. The next task begins when all items of
 * this one are done.
 *
 * A group only waits for items that another group has taken, and that group is therefore running. So nothing depends on whether groups
 * run at the same time: one group alone would do everything. */

/* Each counter has a line of the cache for itself. A task has one counter for each group's share, and one of the items that
 * are done. */
#define LINE 16

INLINE void do_item(__global const ulong *task, uint item)
{
  const uint width = task[AMX_TASK_RANGE], height = task[AMX_TASK_RANGE + 1];
  const uint x = item % width, y = item / width % height, z = item / width / height;
  __global const ulong *args = task + AMX_TASK_ARGS;
  switch ((uint)task[0]) {
  case AMX_INPUT:
    input(x, y, z, args);
    break;
  case AMX_INPUT_NORMALISED:
    input_normalised(x, y, args);
    break;
  case AMX_PRODUCT:
    product(x, y, args, false);
    break;
  case AMX_PRODUCT_WHOLE:
    product(x, y, args, true);
    break;
  case AMX_PRODUCT_FEW:
    product_few(x, args);
    break;
  case AMX_WIDEN:
    widen(x, args);
    break;
  case AMX_ATTENTION_PACK:
    attention_pack(x, y, z, args);
    break;
  case AMX_ATTENTION:
    attention(x, y, z, args);
    break;
  case AMX_WINOGRAD_INPUT:
    winograd_input(x, y, args);
    break;
  case AMX_WINOGRAD_INPUT_NORMALISED:
    winograd_input_normalised(x, y, args);
    break;
  case AMX_WINOGRAD_PRODUCT:
    winograd_product(x, y, args);
    break;
  case AMX_NORM_MOMENTS:
    norm_moments(x, y, z, args);
    break;
  case AMX_NORM_FINISH:
    norm_finish(x, y, args);
    break;
  }
}

/* Wait: for a short while with the processor's hint for such loops, after that by giving the processor to other threads. */
INLINE void wait_until(__global volatile uint *counter, uint value)
{
  for (uint spins = 0; *counter < value; spins++) {
    if (spins < 4096) {
      __asm__ volatile("pause" : : : "memory");
    } else {
      ulong sched_yield = 24;
      __asm__ volatile("syscall" : "+a"(sched_yield) : : "rcx", "r11", "memory");
    }
  }
  WRITTEN
}

/* Take and do items of a task until none is left to be taken. */
INLINE void do_task(__global const ulong *task, uint me, uint groups, __global volatile uint *counters)
{
  const uint items = task[AMX_TASK_RANGE] * task[AMX_TASK_RANGE + 1] * task[AMX_TASK_RANGE + 2];
  uint done = 0;
  for (uint i = 0; i < groups; i++) {
    const uint share = (me + i) % groups;
    const uint first = (ulong)items * share / groups, end = (ulong)items * (share + 1) / groups;
    __global volatile uint *next = counters + share * LINE;
    while (first + *next < end) {
      const uint item = first + atomic_inc(next);
      if (item >= end)
        break;
      do_item(task, item);
      done++;
    }
  }
  __global volatile uint *all = counters + groups * LINE;
  WRITTEN
  if (done)
    atomic_add(all, done);
  wait_until(all, items);
}

INLINE ulong time_stamp(void)
{
  uint low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
  return (ulong)high << 32 | low;
}

/* Tasks [first, first + count). Global size: (groups), in groups of one. counters: one line, then groups + 1 lines for each
 * task. They are all 0 before and after a launch. */
__kernel void amx_run(__global ulong *tasks, uint first, uint count, __global volatile uint *counters)
{
  const uint me = get_global_id(0), groups = get_global_size(0), lines = groups + 1;
  tasks += (ulong)first * AMX_TASK_WORDS;
  CONFIGURE
  for (uint i = 0; i < count; i++, tasks += AMX_TASK_WORDS) {
    const ulong began = time_stamp();
    do_task(tasks, me, groups, counters + (1 + i * lines) * LINE);
    if (me == 0)
      tasks[AMX_TASK_TICKS] = time_stamp() - began;
  }
  RELEASE
  if (atomic_inc(counters) + 1 == groups)
    for (uint i = 0; i < 1 + count * lines; i++)
      counters[i * LINE] = 0;
}
