/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/commands/info-modules.h"

#include <glib/gi18n-lib.h>

#include "cli/terminal/members.h"

/* One line of the list. */
typedef struct {
  const char *name; /* what the names of its tensors begin with */
  const char *type;
  guint in, out; /* channels; for the table of classes: classes and channels */
  guint scale;   /* the module's result has 1/scale of the image's width and height */
  guint heads;   /* 0: no attention */
  guint64 parameters;
} Row;

typedef void (*RowFunc)(const Row *row, gpointer user_data);

static const char *
get_type(const DdimModule *module)
{
  switch (module->type) {
  case DDIM_MODULE_CONV_IN:
    return N_("convolution");
  case DDIM_MODULE_ATTENTION:
    return N_("attention");
  case DDIM_MODULE_DOWN:
    return module->conv1.name ? N_("convolution, down") : N_("pooling");
  case DDIM_MODULE_UP:
    return module->conv1.name ? N_("convolution, up") : N_("enlargement");
  case DDIM_MODULE_RES:
  default:
    break;
  }
  switch (module->resample) {
  case DDIM_RESAMPLE_DOWN:
    return N_("residual block, down");
  case DDIM_RESAMPLE_UP:
    return N_("residual block, up");
  case DDIM_RESAMPLE_NONE:
  default:
    return N_("residual block");
  }
}

static void
foreach_embedding(const DdimEmbedding *embedding, RowFunc func, gpointer user_data)
{
  const guint width = embedding->second.out;

  func(&(Row){.name = embedding->first.name,
              .type = N_("time embedding"),
              .in = embedding->channels,
              .out = width,
              .parameters = ddim_embedding_count_parameters(embedding)},
       user_data);
  if (embedding->label_table)
    func(&(Row){.name = embedding->label_table,
                .type = N_("table of classes"),
                .in = embedding->n_classes,
                .out = width,
                .parameters = (guint64)embedding->n_classes * width},
         user_data);
}

static void
foreach_row(const DdimArchitecture *architecture, RowFunc func, gpointer user_data)
{
  guint scale = 1;

  foreach_embedding(&architecture->embedding, func, user_data);
  for (guint s = 0; s < architecture->stages->len; s++) {
    const DdimStage *stage = architecture->stages->pdata[s];
    for (guint m = 0; m < stage->modules->len; m++) {
      const DdimModule *module = stage->modules->pdata[m];
      const DdimResample resample = ddim_module_get_resample(module);
      if (resample == DDIM_RESAMPLE_DOWN)
        scale *= 2;
      else if (resample == DDIM_RESAMPLE_UP)
        scale /= 2;
      func(&(Row){.name = module->prefix,
                  .type = get_type(module),
                  .in = module->in,
                  .out = module->out,
                  .scale = scale,
                  .heads = module->heads,
                  .parameters = ddim_module_count_parameters(module)},
           user_data);
    }
  }
  const DdimPool *pool = &architecture->pool;
  const DdimLayer *last = pool->type ? &pool->last : &architecture->out_conv;
  func(&(Row){.name = pool->type ? "out" : last->name,
              .type = pool->type ? N_("pool, classes") : N_("output"),
              .in = pool->first.name ? pool->first.in : last->in,
              .out = last->out,
              .scale = pool->type ? 0 : scale,
              .heads = pool->heads,
              .parameters = ddim_architecture_count_output_parameters(architecture)},
       user_data);
}

/* printf() counts bytes, so columns after text in a script other than Latin would be misplaced. */
static void
append_cell(GString *out, const char *text, int width)
{
  const int pad = width - (int)g_utf8_strlen(text, -1);

  g_string_append_printf(out, "%s%*s ", text, MAX(pad, 0), "");
}

static void
append_row(const Row *row, gpointer user_data)
{
  GString *out = user_data;
  g_autofree char *channels = g_strdup_printf("%u → %u", row->in, row->out);
  g_autofree char *size = row->scale > 1    ? g_strdup_printf("1/%u", row->scale)
                          : row->scale == 1 ? g_strdup("1")
                                            : g_strdup("");
  g_autofree char *heads = row->heads ? g_strdup_printf("%u", row->heads) : g_strdup("");

  g_string_append(out, "  ");
  append_cell(out, row->name, 22);
  append_cell(out, _(row->type), 20);
  append_cell(out, channels, 13);
  append_cell(out, size, 6);
  append_cell(out, heads, 6);
  g_string_append_printf(out, "%11" G_GUINT64_FORMAT "\n", row->parameters);
}

void
ddim_info_append_modules(GString *out, const DdimArchitecture *architecture)
{
  g_string_append_printf(out, "\n%s\n  ", _("Modules"));
  append_cell(out, _("name"), 22);
  append_cell(out, _("type"), 20);
  append_cell(out, _("channels"), 13);
  append_cell(out, _("size"), 6);
  append_cell(out, _("heads"), 6);
  g_string_append_printf(out, "%s\n", _("parameters"));
  foreach_row(architecture, append_row, out);
}

static void
add_row(const Row *row, gpointer user_data)
{
  JsonBuilder *builder = user_data;

  json_builder_begin_object(builder);
  ddim_member_string(builder, "name", row->name);
  ddim_member_string(builder, "type", row->type);
  ddim_member_int(builder, "in", row->in);
  ddim_member_int(builder, "out", row->out);
  if (row->scale)
    ddim_member_int(builder, "size_divisor", row->scale);
  if (row->heads)
    ddim_member_int(builder, "heads", row->heads);
  ddim_member_int(builder, "parameters", row->parameters);
  json_builder_end_object(builder);
}

void
ddim_info_add_modules(JsonBuilder *builder, const DdimArchitecture *architecture)
{
  json_builder_set_member_name(builder, "modules");
  json_builder_begin_array(builder);
  foreach_row(architecture, add_row, builder);
  json_builder_end_array(builder);
}
