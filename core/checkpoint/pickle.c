/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Python's Lib/pickletools.py describes the opcodes. What PyTorch puts into pickles is in
 * torch/serialization.py, torch/_utils.py. */
#include "core/checkpoint/pickle.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "core/data/error.h"
#include "core/checkpoint/pickle-private.h"

typedef struct {
  DdimPickle *pickle;
  const guint8 *start, *at, *end;
  GPtrArray *stack;
  GArray *marks;          /* guint: the stack's length at each MARK */
  guint highest, deepest; /* the most that the stack and the marks have held */
  GHashTable *memo;       /* number -> value */
} Machine;

typedef gboolean (*Operation)(Machine *machine, guint8 opcode, GError **error);

/* --- The machine's input and stack --- */

static gboolean
fail(Machine *machine, const char *what, GError **error)
{
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("its pickle is broken at byte %zu: %s"),
              (gsize)(machine->at - machine->start), what);
  return FALSE;
}

static const guint8 *
take(Machine *machine, guint64 n, GError **error)
{
  const guint8 *data = machine->at;

  if (n > (guint64)(machine->end - machine->at)) {
    fail(machine, _("it is truncated"), error);
    return NULL;
  }
  machine->at += n;
  return data;
}

/* Take an unsigned little-endian integer of @n bytes. */
static gboolean
take_uint(Machine *machine, guint n, guint64 *value, GError **error)
{
  const guint8 *data = take(machine, n, error);

  *value = 0;
  for (guint i = n; data && i-- > 0;)
    *value = *value << 8 | data[i];
  return data != NULL;
}

/* Take the text up to the next newline, and skip the newline. */
static const char *
take_line(Machine *machine, gsize *n, GError **error)
{
  const guint8 *data = machine->at;
  const guint8 *end = memchr(data, '\n', (gsize)(machine->end - data));

  if (!end) {
    fail(machine, _("it is truncated"), error);
    return NULL;
  }
  machine->at = end + 1;
  *n = (gsize)(end - data);
  return (const char *)data;
}

/* Take a line as a copy, for functions that need the terminating zero. No honest number is longer
 * than the limit here. */
static char *
take_number(Machine *machine, GError **error)
{
  gsize n;
  const char *line = take_line(machine, &n, error);

  if (line && n > 40) {
    fail(machine, _("a number is too long"), error);
    return NULL;
  }
  return line ? g_strndup(line, n) : NULL;
}

/* @value  NULL when making it failed, which @error tells already */
static gboolean
push(Machine *machine, DdimPickleValue *value, GError **error)
{
  if (!value)
    return FALSE;
  if (machine->stack->len == machine->highest) {
    if (!ddim_pickle_spend(machine->pickle, DDIM_PICKLE_POINTER, error))
      return FALSE;
    machine->highest++;
  }
  g_ptr_array_add(machine->stack, value);
  return TRUE;
}

static DdimPickleValue *
push_new(Machine *machine, DdimPickleType type, GError **error)
{
  DdimPickleValue *value = ddim_pickle_new_value(machine->pickle, type, error);

  return push(machine, value, error) ? value : NULL;
}

static gboolean
push_integer(Machine *machine, DdimPickleType type, gint64 integer, GError **error)
{
  DdimPickleValue *value = push_new(machine, type, error);

  if (value)
    value->integer = integer;
  return value != NULL;
}

/* How many values lie above the last mark. Those below it cannot be reached until the mark is taken
 * off. */
static guint
count_reachable(Machine *machine)
{
  guint n = machine->marks->len;
  return machine->stack->len - (n > 0 ? g_array_index(machine->marks, guint, n - 1) : 0);
}

static DdimPickleValue *
top(Machine *machine, GError **error)
{
  if (count_reachable(machine) == 0) {
    fail(machine, _("its stack is empty"), error);
    return NULL;
  }
  return machine->stack->pdata[machine->stack->len - 1];
}

static DdimPickleValue *
pop(Machine *machine, GError **error)
{
  DdimPickleValue *value = top(machine, error);

  if (value)
    g_ptr_array_set_size(machine->stack, (int)machine->stack->len - 1);
  return value;
}

/* Take everything above the last mark off the stack. @items stays valid until the next push. */
static gboolean
pop_mark(Machine *machine, DdimPickleValue ***items, guint *n, GError **error)
{
  guint mark;

  if (machine->marks->len == 0)
    return fail(machine, _("a mark is missing"), error);
  mark = g_array_index(machine->marks, guint, machine->marks->len - 1);
  g_array_set_size(machine->marks, machine->marks->len - 1);
  *items = (DdimPickleValue **)machine->stack->pdata + mark;
  *n = machine->stack->len - mark;
  g_ptr_array_set_size(machine->stack, (int)mark);
  return TRUE;
}

/* --- Operations: plain values --- */

static gboolean
op_skip(Machine *machine, guint8 opcode, GError **error)
{
  /* PROTO's version and FRAME's length say nothing that the opcodes do not say themselves. */
  return take(machine, opcode == 0x80 ? 1 : 8, error) != NULL;
}

static gboolean
op_singleton(Machine *machine, guint8 opcode, GError **error)
{
  if (opcode == 'N')
    return push_new(machine, DDIM_PICKLE_NONE, error) != NULL;
  return push_integer(machine, DDIM_PICKLE_BOOL, opcode == 0x88, error);
}

static gboolean
op_int(Machine *machine, guint8 opcode, GError **error)
{
  guint size = opcode == 'K' ? 1 : opcode == 'M' ? 2 : 4;
  guint64 value;

  if (!take_uint(machine, size, &value, error))
    return FALSE;
  return push_integer(machine, DDIM_PICKLE_INT,
                      opcode == 'J' ? (gint32)(guint32)value : (gint64)value, error);
}

static gboolean
op_long(Machine *machine, guint8 opcode, GError **error)
{
  DdimPickleValue *value;
  const guint8 *data;
  guint64 n, bits = 0;

  if (!take_uint(machine, opcode == 0x8a ? 1 : 4, &n, error) || !(data = take(machine, n, error)))
    return FALSE;
  if (n <= 8) {
    for (guint64 i = n; i-- > 0;)
      bits = bits << 8 | data[i];
    if (n > 0 && n < 8 && data[n - 1] & 0x80)
      bits |= ~(guint64)0 << (8 * n);
    return push_integer(machine, DDIM_PICKLE_INT, (gint64)bits, error);
  }
  value = push_new(machine, DDIM_PICKLE_LONG, error);
  if (value) {
    value->text = data;
    value->n = (guint32)n;
  }
  return value != NULL;
}

static gboolean
push_number(Machine *machine, double number, GError **error)
{
  DdimPickleValue *value = push_new(machine, DDIM_PICKLE_FLOAT, error);

  if (value)
    value->number = number;
  return value != NULL;
}

static gboolean
op_float(Machine *machine, guint8 opcode, GError **error)
{
  const guint8 *data = take(machine, 8, error);
  guint64 bits = 0;
  double number;

  if (!data)
    return FALSE;
  for (guint i = 0; i < 8; i++) /* the one big-endian number of the format */
    bits = bits << 8 | data[i];
  memcpy(&number, &bits, sizeof number);
  return push_number(machine, number, error);
}

/* The opcodes I, L and F of protocol 0: numbers as decimal text. */
static gboolean
op_decimal(Machine *machine, guint8 opcode, GError **error)
{
  g_autofree char *line = take_number(machine, error);
  char *end;

  if (!line)
    return FALSE;
  if (opcode == 'I' && (g_str_equal(line, "00") || g_str_equal(line, "01")))
    return push_integer(machine, DDIM_PICKLE_BOOL, line[1] == '1', error);
  if (opcode == 'F')
    return push_number(machine, g_ascii_strtod(line, NULL), error);
  gint64 integer = g_ascii_strtoll(line, &end, 10);
  if (end == line)
    return fail(machine, _("a number is missing"), error);
  return push_integer(machine, DDIM_PICKLE_INT, integer, error);
}

static gboolean
push_text(Machine *machine, const guint8 *data, guint64 n, GError **error)
{
  DdimPickleValue *value;

  if (n > G_MAXUINT32)
    return fail(machine, _("a text is too long"), error);
  value = push_new(machine, DDIM_PICKLE_TEXT, error);
  if (value) {
    value->text = data;
    value->n = (guint32)n;
  }
  return value != NULL;
}

static gboolean
op_text(Machine *machine, guint8 opcode, GError **error)
{
  gboolean is_short = opcode == 'U' || opcode == 'C' || opcode == 0x8c;
  gboolean is_long = opcode == 0x8d || opcode == 0x8e;
  const guint8 *data;
  guint64 n;

  return take_uint(machine,
                   is_short  ? 1
                   : is_long ? 8
                             : 4,
                   &n, error) &&
         (data = take(machine, n, error)) && push_text(machine, data, n, error);
}

/* The opcodes S and V of protocol 0. Escapes are left as they are: names of weights have none. */
static gboolean
op_text_line(Machine *machine, guint8 opcode, GError **error)
{
  gsize n;
  const char *line = take_line(machine, &n, error);

  if (!line)
    return FALSE;
  if (opcode == 'S') {
    if (n < 2 || line[0] != line[n - 1])
      return fail(machine, _("a text has no quotes"), error);
    line++;
    n -= 2;
  }
  return push_text(machine, (const guint8 *)line, n, error);
}

/* --- Operations: containers --- */

static gboolean
op_mark(Machine *machine, guint8 opcode, GError **error)
{
  if (machine->marks->len == machine->deepest) {
    if (!ddim_pickle_spend(machine->pickle, DDIM_PICKLE_POINTER, error))
      return FALSE;
    machine->deepest++;
  }
  g_array_append_val(machine->marks, machine->stack->len);
  return TRUE;
}

static gboolean
op_empty(Machine *machine, guint8 opcode, GError **error)
{
  DdimPickleType type = opcode == ')'   ? DDIM_PICKLE_TUPLE
                        : opcode == '}' ? DDIM_PICKLE_DICT
                                        : DDIM_PICKLE_LIST;
  return push_new(machine, type, error) != NULL;
}

/* The opcodes t, l, d and FROZENSET: everything above the mark becomes one container. */
static gboolean
op_collect(Machine *machine, guint8 opcode, GError **error)
{
  DdimPickleType type = opcode == 't'   ? DDIM_PICKLE_TUPLE
                        : opcode == 'd' ? DDIM_PICKLE_DICT
                                        : DDIM_PICKLE_LIST;
  DdimPickleValue *value = ddim_pickle_new_value(machine->pickle, type, error), **items;
  guint n;

  if (!value || !pop_mark(machine, &items, &n, error))
    return FALSE;
  if (type == DDIM_PICKLE_DICT && n % 2 != 0)
    return fail(machine, _("a dict has a key without a value"), error);
  return ddim_pickle_append(machine->pickle, value, items, n, error) && push(machine, value, error);
}

static gboolean
op_tuple(Machine *machine, guint8 opcode, GError **error)
{
  guint n = opcode - 0x85u + 1, length = machine->stack->len;
  DdimPickleValue *value = ddim_pickle_new_value(machine->pickle, DDIM_PICKLE_TUPLE, error);

  if (!value)
    return FALSE;
  if (count_reachable(machine) < n)
    return fail(machine, _("its stack is empty"), error);
  if (!ddim_pickle_append(machine->pickle, value,
                          (DdimPickleValue **)machine->stack->pdata + length - n, n, error))
    return FALSE;
  g_ptr_array_set_size(machine->stack, (int)(length - n));
  return push(machine, value, error);
}

static gboolean
append_to_top(Machine *machine, DdimPickleType type, DdimPickleValue **items, guint n,
              GError **error)
{
  DdimPickleValue *value = top(machine, error);

  if (!value)
    return FALSE;
  if (value->type != type)
    return fail(machine, _("items for something that is no container"), error);
  if (type == DDIM_PICKLE_DICT && n % 2 != 0)
    return fail(machine, _("a dict has a key without a value"), error);
  return ddim_pickle_append(machine->pickle, value, items, n, error);
}

static gboolean
op_append(Machine *machine, guint8 opcode, GError **error)
{
  DdimPickleValue *item = pop(machine, error);

  return item && append_to_top(machine, DDIM_PICKLE_LIST, &item, 1, error);
}

static gboolean
op_set_item(Machine *machine, guint8 opcode, GError **error)
{
  DdimPickleValue *items[2];

  items[1] = pop(machine, error);
  items[0] = items[1] ? pop(machine, error) : NULL;
  return items[0] && append_to_top(machine, DDIM_PICKLE_DICT, items, 2, error);
}

static gboolean
op_extend(Machine *machine, guint8 opcode, GError **error)
{
  DdimPickleValue **items;
  guint n;

  return pop_mark(machine, &items, &n, error) &&
         append_to_top(machine, opcode == 'u' ? DDIM_PICKLE_DICT : DDIM_PICKLE_LIST, items, n,
                       error);
}

/* --- Operations: stack and memo --- */

static gboolean
op_pop(Machine *machine, guint8 opcode, GError **error)
{
  DdimPickleValue **items;
  guint n;

  if (opcode == '1' || (count_reachable(machine) == 0 && machine->marks->len > 0))
    return pop_mark(machine, &items, &n, error);
  return pop(machine, error) != NULL;
}

static gboolean
op_dup(Machine *machine, guint8 opcode, GError **error)
{
  return push(machine, top(machine, error), error);
}

static gboolean
take_memo_number(Machine *machine, guint8 opcode, guint64 *number, GError **error)
{
  g_autofree char *line = NULL;

  if (opcode != 'p' && opcode != 'g')
    return take_uint(machine, opcode == 'q' || opcode == 'h' ? 1 : 4, number, error);
  line = take_number(machine, error);
  return line && (g_ascii_string_to_unsigned(line, 10, 0, G_MAXUINT32, number, NULL) ||
                  fail(machine, _("a number is missing"), error));
}

static gboolean
op_put(Machine *machine, guint8 opcode, GError **error)
{
  guint64 number = g_hash_table_size(machine->memo);
  DdimPickleValue *value;

  if (opcode != 0x94 && !take_memo_number(machine, opcode, &number, error))
    return FALSE;
  value = top(machine, error);
  if (!value || !ddim_pickle_spend(machine->pickle, DDIM_PICKLE_ENTRY, error))
    return FALSE;
  g_hash_table_insert(machine->memo, GUINT_TO_POINTER((guint)number), value);
  return TRUE;
}

static gboolean
op_get(Machine *machine, guint8 opcode, GError **error)
{
  DdimPickleValue *value;
  guint64 number;

  if (!take_memo_number(machine, opcode, &number, error))
    return FALSE;
  value = g_hash_table_lookup(machine->memo, GUINT_TO_POINTER((guint)number));
  if (!value)
    return fail(machine, _("it recalls a value it never saw"), error);
  return push(machine, value, error);
}

/* --- Operations: objects --- */

static gboolean
push_name(Machine *machine, const char *module, gsize module_length, const char *name,
          gsize name_length, GError **error)
{
  const DdimPickleName *known =
      ddim_pickle_find_name(module, module_length, name, name_length, error);
  DdimPickleValue *value = known ? push_new(machine, DDIM_PICKLE_NAME, error) : NULL;

  if (value)
    value->name = known;
  return value != NULL;
}

/* The opcodes GLOBAL and INST. INST would also call what it names, so no known name may come by
 * INST. */
static gboolean
op_global(Machine *machine, guint8 opcode, GError **error)
{
  gsize module_length, name_length;
  const char *module = take_line(machine, &module_length, error);
  const char *name = module ? take_line(machine, &name_length, error) : NULL;

  if (!name || !push_name(machine, module, module_length, name, name_length, error))
    return FALSE;
  return opcode == 'c' || fail(machine, _("an object of an old kind"), error);
}

static gboolean
op_stack_global(Machine *machine, guint8 opcode, GError **error)
{
  DdimPickleValue *name = pop(machine, error);
  DdimPickleValue *module = name ? pop(machine, error) : NULL;

  if (!module)
    return FALSE;
  if (name->type != DDIM_PICKLE_TEXT || module->type != DDIM_PICKLE_TEXT)
    return fail(machine, _("a name is no text"), error);
  return push_name(machine, (const char *)module->text, module->n, (const char *)name->text,
                   name->n, error);
}

static gboolean
op_reduce(Machine *machine, guint8 opcode, GError **error)
{
  DdimPickleValue *arguments = pop(machine, error);
  DdimPickleValue *callee = arguments ? pop(machine, error) : NULL;

  if (!callee)
    return FALSE;
  if (callee->type != DDIM_PICKLE_NAME || arguments->type != DDIM_PICKLE_TUPLE)
    return fail(machine, _("a call of something that is no name"), error);
  return push(machine, ddim_pickle_make_object(machine->pickle, callee->name, arguments, error),
              error);
}

static gboolean
op_build(Machine *machine, guint8 opcode, GError **error)
{
  /* The state of an OrderedDict or Parameter (_metadata, hooks) says nothing about the weights. */
  return pop(machine, error) != NULL && top(machine, error) != NULL;
}

static gboolean
op_persistent(Machine *machine, guint8 opcode, GError **error)
{
  DdimPickleValue *id = pop(machine, error);

  return id && push(machine, ddim_pickle_make_storage(machine->pickle, id, error), error);
}

static const Operation operations[256] = {
    [0x80] = op_skip,      [0x95] = op_skip,         ['N'] = op_singleton, [0x88] = op_singleton,
    [0x89] = op_singleton, ['K'] = op_int,           ['M'] = op_int,       ['J'] = op_int,
    [0x8a] = op_long,      [0x8b] = op_long,         ['G'] = op_float,     ['I'] = op_decimal,
    ['L'] = op_decimal,    ['F'] = op_decimal,       ['X'] = op_text,      ['T'] = op_text,
    ['U'] = op_text,       ['B'] = op_text,          ['C'] = op_text,      [0x8c] = op_text,
    [0x8d] = op_text,      [0x8e] = op_text,         ['S'] = op_text_line, ['V'] = op_text_line,
    ['('] = op_mark,       [')'] = op_empty,         ['}'] = op_empty,     [']'] = op_empty,
    [0x8f] = op_empty,     ['t'] = op_collect,       ['l'] = op_collect,   ['d'] = op_collect,
    [0x91] = op_collect,   [0x85] = op_tuple,        [0x86] = op_tuple,    [0x87] = op_tuple,
    ['a'] = op_append,     ['e'] = op_extend,        ['u'] = op_extend,    [0x90] = op_extend,
    ['s'] = op_set_item,   ['0'] = op_pop,           ['1'] = op_pop,       ['2'] = op_dup,
    ['p'] = op_put,        ['q'] = op_put,           ['r'] = op_put,       [0x94] = op_put,
    ['g'] = op_get,        ['h'] = op_get,           ['j'] = op_get,       ['c'] = op_global,
    ['i'] = op_global,     [0x93] = op_stack_global, ['R'] = op_reduce,    [0x81] = op_reduce,
    ['b'] = op_build,      ['Q'] = op_persistent,
};

static gboolean
run(Machine *machine, GError **error)
{
  for (;;) {
    const guint8 *opcode = take(machine, 1, error);
    Operation operation;

    if (!opcode)
      return FALSE;
    ddim_pickle_note_read(machine->pickle, (gsize)(machine->at - machine->start));
    if (*opcode == '.') {
      DdimPickleValue *root = pop(machine, error);
      ddim_pickle_set_root(machine->pickle, root);
      return root != NULL;
    }
    operation = operations[*opcode];
    if (!operation) {
      g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT,
                  _("its pickle has the opcode 0x%02x at byte %zu"
                    ", which weights do not need"),
                  *opcode, (gsize)(opcode - machine->start));
      return FALSE;
    }
    if (!operation(machine, *opcode, error))
      return FALSE;
  }
}

DdimPickle *
ddim_pickle_read(const guint8 *data, gsize size, gsize *used, GError **error)
{
  g_autoptr(DdimPickle) pickle = ddim_pickle_new();
  Machine machine = {.pickle = pickle, .start = data, .at = data, .end = data + size};
  gboolean ok;

  machine.stack = g_ptr_array_sized_new(64); /* with memory from the start: NULL + 0 is undefined */
  machine.marks = g_array_new(FALSE, FALSE, sizeof(guint));
  machine.memo = g_hash_table_new(NULL, NULL);
  ok = run(&machine, error);
  if (used)
    *used = (gsize)(machine.at - data);
  g_ptr_array_unref(machine.stack);
  g_array_unref(machine.marks);
  g_hash_table_unref(machine.memo);
  return ok ? g_steal_pointer(&pickle) : NULL;
}
