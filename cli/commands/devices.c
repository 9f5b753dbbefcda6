/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* `ddim devices`: what OpenCL offers, and which of it is used when nobody chooses. */

#include <glib/gi18n-lib.h>

#include "cli/commands/commands.h"
#include "cli/terminal/command.h"
#include "cli/terminal/members.h"
#include "opencl/device/device.h"
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

static void
add_device(JsonBuilder *builder, const DdimDeviceInfo *device, gboolean chosen)
{
  json_builder_begin_object(builder);
  ddim_member_int(builder, "index", device->index);
  ddim_member_string(builder, "kind", kind_name(device->kind));
  ddim_member_string(builder, "name", device->name);
  ddim_member_string(builder, "vendor", device->vendor);
  ddim_member_string(builder, "platform", device->platform);
  ddim_member_string(builder, "device_version", device->device_version);
  ddim_member_string(builder, "driver_version", device->driver_version);
  ddim_member_int(builder, "compute_units", device->compute_units);
  ddim_member_int(builder, "global_memory", device->global_memory);
  ddim_member_int(builder, "max_allocation", device->max_allocation);
  ddim_member_int(builder, "local_memory", device->local_memory);
  ddim_member_int(builder, "max_work_group_size", device->max_work_group_size);
  ddim_member_boolean(builder, "fp16", device->has_fp16);
  ddim_member_boolean(builder, "default", chosen);
  json_builder_end_object(builder);
}

static int
print_json(GPtrArray *devices, const DdimDeviceInfo *chosen)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_array(builder);
  for (guint i = 0; i < devices->len; i++) {
    const DdimDeviceInfo *device = devices->pdata[i];
    add_device(builder, device, chosen && chosen->index == device->index);
  }
  json_builder_end_array(builder);
  return ddim_cli_print_json(builder);
}

static void
print_table(GPtrArray *devices, const DdimDeviceInfo *chosen)
{
  for (guint i = 0; i < devices->len; i++) {
    const DdimDeviceInfo *device = devices->pdata[i];
    g_autofree char *memory = g_format_size_full(device->global_memory, G_FORMAT_SIZE_IEC_UNITS);

    g_print("%c %u  %s  %s\n", chosen && chosen->index == device->index ? '*' : ' ', device->index,
            kind_name(device->kind), device->name);
    g_print("     %s, %s; %s %s; %s %s\n", memory,
            device->has_fp16 ? _("computes half precision") : _("no half precision"), _("platform"),
            device->platform, _("driver"), device->driver_version);
  }
  if (chosen)
    g_print("%s\n", _("* is used unless --device or DDIM_DEVICE says otherwise"));
}

int
ddim_cmd_devices(DdimCli *cli, int argc, char **argv)
{
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
      {"json", 0, 0, G_OPTION_ARG_NONE, &json, N_("print one JSON array"), NULL},
      G_OPTION_ENTRY_NULL};
  const DdimHelp help = {.description =
                             N_("List the devices that OpenCL offers. Their number, or a part "
                                "of their name, is what --device takes."),
                         .examples = "ddim devices\nddim devices --json"};
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) devices = NULL;
  g_autoptr(DdimDeviceInfo) chosen = NULL;
  int code;

  if (!ddim_cli_parse(cli, &help, entries, NULL, &argc, &argv, &code))
    return code;
  devices = ddim_device_list(&error);
  if (!devices)
    return ddim_cli_fail(error);
  /* $DDIM_DEVICE may match nothing; the list is still what was asked for. */
  chosen = ddim_device_choose(NULL, NULL);
  if (json)
    return print_json(devices, chosen);
  print_table(devices, chosen);
  return DDIM_EXIT_OK;
}
