/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/work/devices.h"

#include <glib/gi18n-lib.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include "opencl/device/device.h"

/* The argument with which the program looks for devices. */
#define ARGUMENT "--list-devices"
/* What goes on after this many seconds hangs. Drivers of graphics cards may take some to start. */
#define PATIENCE 60
/* Bytes of a crashed process's last words that are shown. */
#define MAX_WORDS 300

static void
item_free(DevicesItem *item)
{
  g_free(item->id);
  g_free(item->text);
  g_free(item);
}

/* The value for option "device": the device's name, or its number if another device's name contains
 * that name. */
static char *
get_id(GPtrArray *devices, const DdimDeviceInfo *device)
{
  for (guint i = 0; i < devices->len; i++) {
    const DdimDeviceInfo *other = g_ptr_array_index(devices, i);
    if (other != device &&
        strstr(ddim_device_info_get_name(other), ddim_device_info_get_name(device)))
      return g_strdup_printf("%u", ddim_device_info_get_index(device));
  }
  return g_strdup(ddim_device_info_get_name(device));
}

static DevicesItem *
item_new(GPtrArray *devices, const DdimDeviceInfo *device)
{
  DevicesItem *item = g_new0(DevicesItem, 1);

  item->id = get_id(devices, device);
  item->text = g_strdup_printf("%s (%s)", ddim_device_info_get_name(device),
                               ddim_device_info_get_platform(device));
  return item;
}

/* ---- the other process ---- */

/* One line for each device: id, a tab, and the text. */
static void
print_device(GPtrArray *devices, const DdimDeviceInfo *device)
{
  DevicesItem *item = item_new(devices, device);

  g_strdelimit(item->id, "\n\r\t", ' ');
  g_strdelimit(item->text, "\n\r", ' ');
  printf("%s\t%s\n", item->id, item->text);
  item_free(item);
}

gboolean
devices_begin(int argc, char **argv, int *status)
{
  g_autoptr(GPtrArray) devices = NULL;
  const struct rlimit no_core = {0, 0};

  if (argc != 2 || !g_str_equal(argv[1], ARGUMENT))
    return FALSE;
  setrlimit(RLIMIT_CORE, &no_core);
  devices = ddim_device_list(NULL);
  for (guint i = 0; devices && i < devices->len; i++)
    print_device(devices, g_ptr_array_index(devices, i));
  *status = devices ? 0 : 1;
  return TRUE;
}

/* ---- this process ---- */

static GPtrArray *
parse(const char *lines)
{
  GPtrArray *devices = g_ptr_array_new_with_free_func((GDestroyNotify)item_free);
  g_auto(GStrv) all = g_strsplit(lines, "\n", -1);

  for (guint i = 0; all[i]; i++) {
    const char *tab = strchr(all[i], '\t');
    DevicesItem *item;
    if (!tab || !g_utf8_validate(all[i], -1, NULL))
      continue;
    item = g_new0(DevicesItem, 1);
    item->id = g_strndup(all[i], tab - all[i]);
    item->text = g_strdup(tab + 1);
    g_ptr_array_add(devices, item);
  }
  return devices;
}

static void
set_crash_error(int signal, const char *said, GError **error)
{
  g_autofree char *valid = g_utf8_make_valid(said, -1);
  g_autofree char *words = g_utf8_substring(valid, 0, MIN(g_utf8_strlen(valid, -1), MAX_WORDS));

  g_set_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_NO_DEVICE,
              _("An OpenCL driver crashed (%s) while devices were looked for, so nothing can be "
                "computed here. Update or remove the driver that is at fault: “ddim devices” in a "
                "terminal crashes likewise as long as it is installed. %s"),
              g_strsignal(signal), g_strstrip(words));
}

/* Ends a process that takes too long, and one that is not wanted any more. */
typedef struct {
  GSubprocess *process;
  GMainLoop *loop;
  gboolean late;
  char *out, *words;
  GError *error;
} Wait;

static gboolean
on_late(gpointer user_data)
{
  Wait *wait = user_data;

  wait->late = TRUE;
  g_subprocess_force_exit(wait->process);
  return G_SOURCE_REMOVE;
}

static void
on_communicated(GObject *source, GAsyncResult *result, gpointer user_data)
{
  Wait *wait = user_data;

  g_subprocess_communicate_utf8_finish(wait->process, result, &wait->out, &wait->words,
                                       &wait->error);
  g_main_loop_quit(wait->loop);
}

/* Run the process to its end, in a main context of the calling thread's own. */
static void
wait_for(Wait *wait, GCancellable *cancellable)
{
  g_autoptr(GMainContext) context = g_main_context_new();
  g_autoptr(GSource) late = g_timeout_source_new_seconds(PATIENCE);

  g_main_context_push_thread_default(context);
  wait->loop = g_main_loop_new(context, FALSE);
  g_source_set_callback(late, on_late, wait, NULL);
  g_source_attach(late, context);
  g_subprocess_communicate_utf8_async(wait->process, NULL, cancellable, on_communicated, wait);
  g_main_loop_run(wait->loop);
  g_source_destroy(late);
  g_main_loop_unref(wait->loop);
  g_main_context_pop_thread_default(context);
}

/* (nullable) what the process found, maybe nothing */
static GPtrArray *
judge(Wait *wait, GError **error)
{
  if (wait->error) {
    g_propagate_error(error, g_steal_pointer(&wait->error));
    return NULL;
  }
  if (wait->late) {
    g_set_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_NO_DEVICE,
                _("The OpenCL drivers did not answer within %d seconds"), PATIENCE);
    return NULL;
  }
  if (!g_subprocess_get_if_exited(wait->process)) {
    set_crash_error(g_subprocess_get_term_sig(wait->process), wait->words, error);
    return NULL;
  }
  return parse(wait->out);
}

/* In this process: for the message when there is no device, in the user's language; and where the
 * program cannot be started again, as when it was replaced meanwhile. */
static GPtrArray *
list_here(GError **error)
{
  GPtrArray *items;
  g_autoptr(GPtrArray) devices = ddim_device_list(error);

  if (!devices)
    return NULL;
  items = g_ptr_array_new_with_free_func((GDestroyNotify)item_free);
  for (guint i = 0; i < devices->len; i++)
    g_ptr_array_add(items, item_new(devices, g_ptr_array_index(devices, i)));
  return items;
}

GPtrArray *
devices_list(GCancellable *cancellable, GError **error)
{
  g_autoptr(GSubprocess) process = NULL;
  g_autofree char *program = g_file_read_link("/proc/self/exe", NULL);
  Wait wait = {0};
  g_autoptr(GPtrArray) devices = NULL;

  process = g_subprocess_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE, NULL,
                             program ? program : g_get_prgname(), ARGUMENT, NULL);
  if (!process)
    return list_here(error);
  wait.process = process;
  wait_for(&wait, cancellable);
  devices = judge(&wait, error);
  g_subprocess_force_exit(process);
  g_clear_error(&wait.error);
  g_free(wait.out);
  g_free(wait.words);
  if (devices && devices->len == 0)
    return list_here(error);
  return g_steal_pointer(&devices);
}

gboolean
devices_check(GCancellable *cancellable, GError **error)
{
  static gint good;
  g_autoptr(GPtrArray) devices = NULL;

  if (g_atomic_int_get(&good))
    return TRUE;
  devices = devices_list(cancellable, error);
  if (!devices)
    return FALSE;
  g_atomic_int_set(&good, TRUE);
  return TRUE;
}
