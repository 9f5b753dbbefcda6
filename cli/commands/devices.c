/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* `ddim devices`: the OpenCL devices, and which of them is used by default. */

#include <glib/gi18n-lib.h>

#include "cli/commands/commands.h"
#include "cli/terminal/command.h"
#include "cli/terminal/members.h"
#include "opencl/device/device-choice.h"
#include "cli/terminal/print.h"

static const char *
kind_name(DdimDeviceKind kind)
{
  switch (kind) {
  case DDIM_DEVICE_CPU:
    return "CPU";
  case DDIM_DEVICE_GPU:
    return "GPU";
  default:
    return "accelerator";
  }
}

/* @chosen  (nullable) */
static gboolean
is_same(const DdimDeviceInfo *chosen, const DdimDeviceInfo *device)
{
  return chosen && ddim_device_info_get_index(chosen) == ddim_device_info_get_index(device);
}

/* @why  it is used by default; NULL: it is not */
static void
add_device(JsonBuilder *builder, const DdimDeviceInfo *device, const char *why)
{
  json_builder_begin_object(builder);
  ddim_member_int(builder, "index", ddim_device_info_get_index(device));
  ddim_member_string(builder, "kind", kind_name(ddim_device_info_get_kind(device)));
  ddim_member_string(builder, "name", ddim_device_info_get_name(device));
  ddim_member_string(builder, "vendor", ddim_device_info_get_vendor(device));
  ddim_member_string(builder, "platform", ddim_device_info_get_platform(device));
  ddim_member_string(builder, "device_version", ddim_device_info_get_device_version(device));
  ddim_member_string(builder, "driver_version", ddim_device_info_get_driver_version(device));
  ddim_member_int(builder, "compute_units", ddim_device_info_get_compute_units(device));
  ddim_member_int(builder, "global_memory", ddim_device_info_get_global_memory(device));
  ddim_member_int(builder, "max_allocation", ddim_device_info_get_max_allocation(device));
  ddim_member_int(builder, "local_memory", ddim_device_info_get_local_memory(device));
  ddim_member_int(builder, "max_work_group_size", ddim_device_info_get_max_work_group_size(device));
  ddim_member_boolean(builder, "fp16", ddim_device_info_has_fp16(device));
  ddim_member_boolean(builder, "default", why != NULL);
  if (why)
    ddim_member_string(builder, "default_because", why);
  json_builder_end_object(builder);
}

static int
print_json(GPtrArray *devices, const DdimDeviceInfo *chosen, const char *why)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_array(builder);
  for (guint i = 0; i < devices->len; i++) {
    const DdimDeviceInfo *device = devices->pdata[i];
    add_device(builder, device, is_same(chosen, device) ? why : NULL);
  }
  json_builder_end_array(builder);
  return ddim_cli_print_json(builder);
}

static void
print_table(GPtrArray *devices, const DdimDeviceInfo *chosen, const char *why)
{
  for (guint i = 0; i < devices->len; i++) {
    const DdimDeviceInfo *device = devices->pdata[i];
    g_autofree char *memory =
        g_format_size_full(ddim_device_info_get_global_memory(device), G_FORMAT_SIZE_IEC_UNITS);

    g_print("%c %u  %s  %s\n", is_same(chosen, device) ? '*' : ' ',
            ddim_device_info_get_index(device), kind_name(ddim_device_info_get_kind(device)),
            ddim_device_info_get_name(device));
    g_print("     %s, %s; %s %s; %s %s\n", memory,
            ddim_device_info_has_fp16(device) ? _("computes half precision")
                                              : _("no half precision"),
            _("platform"), ddim_device_info_get_platform(device), _("driver"),
            ddim_device_info_get_driver_version(device));
  }
  if (chosen)
    /* Translators: a device's name, and why it is used: "is the only graphics card" */
    g_print(_("* is used unless --device or DDIM_DEVICE says otherwise: %s %s\n"),
            ddim_device_info_get_name(chosen), why);
}

int
ddim_cmd_devices(DdimCli *cli, int argc, char **argv)
{
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
      {"json", 0, 0, G_OPTION_ARG_NONE, &json, N_("print one JSON array"), NULL},
      G_OPTION_ENTRY_NULL};
  const DdimHelp help = {
      .description = N_("List the devices that OpenCL offers. Their number, or a part "
                        "of their name, is what --device takes. The one with the star is used when "
                        "nothing else is asked for; the last line says why."),
      .examples = "ddim devices\nddim devices --json"};
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) devices = NULL;
  g_autoptr(DdimDeviceInfo) chosen = NULL;
  g_autofree char *why = NULL;
  int code;

  if (!ddim_cli_parse(cli, &help, entries, NULL, &argc, &argv, &code))
    return code;
  devices = ddim_device_list(&error);
  if (!devices)
    return ddim_cli_fail(error);
  /* $DDIM_DEVICE may match no device; the user still wants to see the list. */
  chosen = ddim_device_choose(NULL, NULL);
  why = chosen ? ddim_device_explain(devices, chosen) : NULL;
  if (json)
    return print_json(devices, chosen, why);
  print_table(devices, chosen, why);
  return DDIM_EXIT_OK;
}
