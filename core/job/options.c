/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/job/options.h"

#include <glib/gi18n-lib.h>

#include "core/diffusion/sampler.h"

static const char *const samplers[] = {"own", DDIM_SAMPLER_NAMES, NULL};
static const char *const precisions[] = {"f32", "f16", NULL};
static const char *const axes[] = {"x", "y", "xy", NULL};
static const char *const seamless_axes[] = {"none", "x", "y", "xy", NULL};
/* In the order of DdimCommands. */
static const char *const commands[] = {"generate", "inpaint",     "vary",     "upscale", "colorize",
                                       "encode",   "interpolate", "seamless", NULL};

#define MAX_SIDE 65536

static const DdimOption table[] = {
    /* What is made, and of what. */
    {.name = "command", /* no option: the command itself */
     .type = G_TYPE_STRING,
     .label = N_("Command"),
     .help = N_("what is done"),
     .text = "generate",
     .choices = commands},
    {.name = "input",
     .type = G_TYPE_STRING,
     .label = N_("Picture"),
     .help = N_("the picture, a .png; samples of 16 bits are rounded to 8"),
     .on_command_line = 1,
     .letter = 'i',
     .value_word = "I.png",
     .commands = DDIM_COMMANDS_EDITS | DDIM_COMMAND_ENCODE,
     .is_filename = TRUE},
    {.name = "from",
     .type = G_TYPE_STRING,
     .label = N_("From"),
     .help = N_("where to begin: a seed, noise (.npy), or a picture (.png)"),
     .on_command_line = 2,
     .value_word = N_("SEED|FILE"),
     .commands = DDIM_COMMAND_INTERPOLATE,
     .in_edits = 1,
     .is_filename = TRUE},
    {.name = "to",
     .type = G_TYPE_STRING,
     .label = N_("To"),
     .help = N_("where to end, likewise"),
     .on_command_line = 3,
     .value_word = N_("SEED|FILE"),
     .commands = DDIM_COMMAND_INTERPOLATE,
     .in_edits = 2,
     .is_filename = TRUE},
    {.name = "mask",
     .type = G_TYPE_STRING,
     .label = N_("Mask"),
     .help = N_("a picture of the same size: white is filled, black stays; default: what is "
                "transparent is filled"),
     .on_command_line = 4,
     .value_word = "M.png",
     .commands = DDIM_COMMAND_INPAINT,
     .is_filename = TRUE},
    {.name = "box",
     .type = G_TYPE_STRING,
     .label = N_("Box"),
     .help = N_("in place of a mask: the rectangle to fill, its left upper corner first"),
     .on_command_line = 5,
     .value_word = "X,Y,W,H",
     .commands = DDIM_COMMAND_INPAINT},
    {.name = "axis",
     .type = G_TYPE_STRING,
     .label = N_("Axis"),
     .help = N_("which edges are made to meet: left and right (x), top and bottom (y), or both"),
     .text = "xy",
     .choices = axes,
     .on_command_line = 4,
     .value_word = "x|y|xy",
     .in_edits = 5,
     .commands = DDIM_COMMAND_SEAMLESS},
    {.name = "seam-width",
     .type = G_TYPE_INT,
     .label = N_("Width of the seam"),
     .help = N_("pixels on each side of a seam that are made anew; 0: an eighth of the size that "
                "the model was trained with, at most a quarter of the picture"),
     .maximum = MAX_SIDE / 2,
     .on_command_line = 5,
     .long_name = "width",
     .value_word = N_("N"),
     .in_edits = 6,
     .commands = DDIM_COMMAND_SEAMLESS},
    {.name = "strength",
     .type = G_TYPE_DOUBLE,
     .label = N_("Strength"),
     .help = N_("how much changes: 0 nothing, 1 everything"),
     .minimum = 0,
     .maximum = 1,
     .number = 0.5,
     .on_command_line = 6,
     .value_word = N_("S"),
     .in_edits = 3,
     .commands = DDIM_COMMAND_VARY},
    {.name = "scale",
     .type = G_TYPE_INT,
     .label = N_("Scale"),
     .help = N_("how many times as wide and high the result is; 0: the model's own scale, else 4"),
     .maximum = 16,
     .on_command_line = 7,
     .value_word = N_("K"),
     .in_edits = 4,
     .in_procedure = 14,
     .commands = DDIM_COMMAND_UPSCALE},
    {.name = "context",
     .type = G_TYPE_INT,
     .label = N_("Context"),
     .help = N_("pixels around the mask that the model sees; -1: half the size it was trained "
                "with"),
     .minimum = -1,
     .maximum = 4096,
     .number = -1,
     .on_command_line = 8,
     .value_word = N_("N"),
     .in_edits = 7,
     .commands = DDIM_COMMAND_INPAINT | DDIM_COMMAND_SEAMLESS},
    {.name = "feather",
     .type = G_TYPE_INT,
     .label = N_("Feather"),
     .help = N_("pixels around the mask, or at the edges of the seam, that are blended; 0: none"),
     .maximum = 1024,
     .number = 2,
     .on_command_line = 9,
     .value_word = N_("N"),
     .in_edits = 8,
     .commands = DDIM_COMMAND_INPAINT | DDIM_COMMAND_SEAMLESS},
    {.name = "quality",
     .type = G_TYPE_INT,
     .label = N_("Quality"),
     .help = N_("how often each part of the sampling is done again, so that new and old fit "
                "together; the time grows with it; 0: 4 for inpaint and seamless, else 1"),
     .maximum = 100,
     .on_command_line = 10,
     .value_word = N_("N"),
     .in_edits = 9,
     .commands = DDIM_COMMAND_INPAINT | DDIM_COMMAND_UPSCALE | DDIM_COMMAND_COLORIZE |
                 DDIM_COMMAND_SEAMLESS},
    {.name = "input-noise",
     .type = G_TYPE_DOUBLE,
     .label = N_("Noise of the picture"),
     .help = N_("standard deviation of the noise in the picture, as a part of the range of "
                "colors; it is removed"),
     .minimum = 0,
     .maximum = 0.5,
     .on_command_line = 11,
     .value_word = N_("S"),
     .in_edits = 10,
     .commands = DDIM_COMMAND_INPAINT | DDIM_COMMAND_UPSCALE | DDIM_COMMAND_COLORIZE |
                 DDIM_COMMAND_SEAMLESS},
    {.name = "color",
     .type = G_TYPE_STRING,
     .label = N_("Color"),
     .help = N_("the mean color of what is made, or a picture that has it"),
     .on_command_line = 18,
     .value_word = N_("\"#rrggbb\"|F.png"),
     .commands = DDIM_COMMAND_GENERATE | DDIM_COMMAND_INPAINT | DDIM_COMMAND_VARY |
                 DDIM_COMMAND_COLORIZE | DDIM_COMMAND_SEAMLESS,
     .in_edits = 11,
     .in_procedure = 13,
     .is_filename = TRUE},
    {.name = "model",
     .type = G_TYPE_STRING,
     .label = N_("Model"),
     .help = N_("a listed model (see 'ddim models') or a checkpoint file; default: textures"),
     .on_command_line = 1,
     .letter = 'm',
     .value_word = N_("MODEL"),
     .is_filename = TRUE,
     .in_edits = 12,
     .in_procedure = 1},
    {.name = "class",
     .type = G_TYPE_STRING,
     .label = N_("Class"),
     .help =
         N_("classes by name or number, repeated over the images, or a blend of classes with "
            "weights, NAME:WEIGHT,...; default: what fits a picture that is given, else random"),
     .on_command_line = 2,
     .value_word = N_("NAME|INDEX,..."),
     .in_edits = 13,
     .in_procedure = 2},
    {.name = "class-map",
     .type = G_TYPE_STRING,
     .label = N_("Map of classes"),
     .help = N_("a picture whose colors say where each class is; it is scaled, and where colors "
                "mix, classes do"),
     .on_command_line = 2,
     .value_word = "M.png",
     .commands = DDIM_COMMAND_GENERATE,
     .is_filename = TRUE},
    {.name = "class-colors",
     .type = G_TYPE_STRING,
     .label = N_("Colors of classes"),
     .help = N_("which color in the map stands for which class"),
     .on_command_line = 2,
     .value_word = N_("NAME=#RRGGBB,..."),
     .commands = DDIM_COMMAND_GENERATE},
    {.name = "width",
     .type = G_TYPE_INT,
     .label = N_("Width"),
     .help = N_("width in pixels; 0: the model's own"),
     .maximum = MAX_SIDE,
     .in_procedure = 3,
     .in_edits = 14,
     .commands = DDIM_COMMAND_GENERATE | DDIM_COMMAND_INTERPOLATE},
    {.name = "height",
     .type = G_TYPE_INT,
     .label = N_("Height"),
     .help = N_("height in pixels; 0: the model's own"),
     .maximum = MAX_SIDE,
     .in_procedure = 4,
     .in_edits = 15,
     .commands = DDIM_COMMAND_GENERATE | DDIM_COMMAND_INTERPOLATE},
    {.name = "size", /* width and height at once */
     .on_command_line = 4,
     .value_word = N_("WxH"),
     .command_help =
         N_("width and height in pixels, or one number for both; default: the model's own"),
     .commands = DDIM_COMMAND_GENERATE | DDIM_COMMAND_INTERPOLATE},
    {.name = "seamless",
     .type = G_TYPE_STRING,
     .label = N_("Seamless"),
     .help = N_("copies fit together side by side (x), one above the other (y), or both (xy)"),
     .text = "none",
     .choices = seamless_axes,
     .on_command_line = 4,
     .value_word = "x|y|xy",
     .in_procedure = 12,
     .commands = DDIM_COMMAND_GENERATE | DDIM_COMMAND_ENCODE | DDIM_COMMAND_INTERPOLATE |
                 DDIM_COMMAND_UPSCALE},
    {.name = "count",
     .type = G_TYPE_INT,
     .label = N_("Count"),
     .help = N_("how many images"),
     .minimum = 1,
     .maximum = 1000000,
     .number = 1,
     .on_command_line = 3,
     .letter = 'n',
     .value_word = N_("COUNT"),
     .in_procedure = 9,
     .in_edits = 16,
     .commands = DDIM_COMMAND_ALL & ~DDIM_COMMAND_ENCODE},
    {.name = "batch",
     .type = G_TYPE_INT,
     .label = N_("Batch"),
     .help = N_("images computed together, which draw their noise together; 0: chosen"),
     .maximum = 4096,
     .on_command_line = 10,
     .value_word = N_("N"),
     .commands = DDIM_COMMAND_ALL & ~DDIM_COMMAND_ENCODE},

    {.name = "window",
     .type = G_TYPE_INT,
     .label = N_("Window"),
     .help = N_("side of the overlapping windows that a large picture is computed in; 0: in one "
                "piece; -1: in one piece up to 1024x1024 pixels in area, else windows of the "
                "model's own size"),
     .minimum = -1,
     .maximum = MAX_SIDE,
     .number = -1,
     .on_command_line = 4,
     .value_word = N_("N"),
     .commands = DDIM_COMMAND_GENERATE | DDIM_COMMAND_ENCODE | DDIM_COMMAND_INTERPOLATE},
    {.name = "overlap",
     .type = G_TYPE_INT,
     .label = N_("Overlap"),
     .help = N_("pixels that neighboring windows share, at most half a window; -1: a quarter"),
     .minimum = -1,
     .maximum = MAX_SIDE / 2,
     .number = -1,
     .on_command_line = 4,
     .value_word = N_("N"),
     .commands = DDIM_COMMAND_GENERATE | DDIM_COMMAND_ENCODE | DDIM_COMMAND_INTERPOLATE},

    /* How it is sampled. */
    {.name = "steps",
     .type = G_TYPE_STRING,
     .label = N_("Steps"),
     .help = N_(
         "denoising steps: 'N', sections 'A,B,C', 'ddimN', 'uniform:N', 'quad:N', '' for all, or "
         "auto: what suits the model, usually 25"),
     .text = "auto",
     .on_command_line = 5,
     .value_word = N_("SPEC"),
     .in_edits = 17,
     .in_procedure = 5},
    {.name = "sampler",
     .type = G_TYPE_STRING,
     .label = N_("Sampler"),
     .help = N_("own: what the model's maker recommends or its program does, else ddim; ddim needs "
                "few steps, dpm++ and unipc fewer; ddpm is for many"),
     .text = "own",
     .choices = samplers,
     .on_command_line = 6,
     .value_word = "own|ddim|ddpm|dpm++|dpm++sde|unipc|plms|heun",
     .in_procedure = 6,
     .in_edits = 18,
     .commands = DDIM_COMMAND_ALL & ~(DDIM_COMMAND_ENCODE | DDIM_COMMAND_INTERPOLATE)},
    {.name = "eta",
     .type = G_TYPE_DOUBLE,
     .label = N_("Eta"),
     .help = N_("noise of a DDIM step: 0 none, 1 as much as DDPM; -1: what suits the model"),
     .minimum = -1,
     .maximum = DDIM_MAX_ETA,
     .number = -1,
     .on_command_line = 7,
     .value_word = N_("E"),
     .in_procedure = 7,
     .in_edits = 19,
     .commands = DDIM_COMMAND_ALL & ~DDIM_COMMAND_ENCODE},
    {.name = "seed",
     .type = G_TYPE_INT64,
     .label = N_("Seed"),
     .help = N_("the same seed and settings make the same picture; -1: random"),
     .minimum = -1,
     .number = -1,
     .on_command_line = 8,
     .value_word = N_("N"),
     .in_edits = 20,
     .in_procedure = 8},
    {.name = "rng",
     .type = G_TYPE_STRING,
     .label = N_("Random numbers"),
     .help = N_("whose numbers: torch, torch-cuda:SMS,THREADS as PyTorch on such a card, or "
                "torch-per-image, where image k has those of seed + k"),
     .text = "torch",
     .on_command_line = 9,
     .value_word = N_("KIND")},

    /* What it is computed with. */
    {.name = "flags",
     .type = G_TYPE_STRING,
     .label = N_("Flags"),
     .help = N_("improved-diffusion's MODEL_FLAGS and DIFFUSION_FLAGS, in one argument"),
     .on_command_line = 14,
     .value_word = "\"...\""},
    {.name = "clip",
     .type = G_TYPE_BOOLEAN,
     .label = N_("Clip"),
     .help = N_("keep predicted pictures within the range of colors"),
     .number = TRUE,
     .on_command_line = 11,
     .long_name = "no-clip",
     .command_help = N_("do not keep predicted pictures within the range of colors")},
    {.name = "precision",
     .type = G_TYPE_STRING,
     .label = N_("Precision"),
     .help = N_("f16 keeps weights and activations in half precision: half the memory, not less "
                "time on processors, and a model's outputs change by some thousandths"),
     .text = "f32",
     .choices = precisions,
     .on_command_line = 17,
     .value_word = "f32|f16",
     .in_edits = 22,
     .in_procedure = 11},
    {.name = "device",
     .type = G_TYPE_STRING,
     .label = N_("Device"),
     .help = N_("number or part of the name, see 'ddim devices'; several, as in 0,1, share the "
                "batches out; default: the best"),
     .on_command_line = 16,
     .value_word = N_("DEVICE"),
     .in_edits = 21,
     .in_procedure = 10},
    {.name = "model-path",
     .type = G_TYPE_STRING,
     .label = N_("Model folders"),
     .help = N_("look for models in these folders first, separated by colons"),
     .on_command_line = 15,
     .value_word = N_("FOLDERS"),
     .is_filename = TRUE},
    {.name = "init-noise",
     .type = G_TYPE_STRING,
     .label = N_("Initial noise"),
     .help = N_("start from this .npy, count x channels x height x width"),
     .on_command_line = 12,
     .value_word = "F.npy",
     .is_filename = TRUE,
     .commands = DDIM_COMMAND_GENERATE},
    {.name = "low-res",
     .type = G_TYPE_STRING,
     .label = N_("Small picture"),
     .help = N_("what a super-resolution model enlarges: .png, .npy or .npz"),
     .on_command_line = 13,
     .value_word = "F.png|F.npy",
     .is_filename = TRUE,
     .commands = DDIM_COMMAND_GENERATE},
    {.name = "classifier",
     .type = G_TYPE_STRING,
     .label = N_("Classifier"),
     .help = N_("guide the steps by this classifier of noisy pictures, guided-diffusion's "
                "EncoderUNetModel, towards the class"),
     .on_command_line = 13,
     .value_word = N_("FILE"),
     .is_filename = TRUE,
     .commands = DDIM_COMMAND_GENERATE},
    {.name = "classifier-flags",
     .type = G_TYPE_STRING,
     .label = N_("Classifier's flags"),
     .help = N_("guided-diffusion's CLASSIFIER_FLAGS, in one argument"),
     .on_command_line = 13,
     .value_word = "\"...\"",
     .commands = DDIM_COMMAND_GENERATE},
    {.name = "classifier-scale",
     .type = G_TYPE_DOUBLE,
     .label = N_("Classifier's scale"),
     .help = N_("how strongly the classifier guides; 0: not at all"),
     .minimum = 0,
     .maximum = 10000,
     .number = 1,
     .on_command_line = 13,
     .value_word = N_("S"),
     .commands = DDIM_COMMAND_GENERATE},
};

const DdimOption *
ddim_options_get_table(guint *n)
{
  *n = G_N_ELEMENTS(table);
  return table;
}

const DdimOption *
ddim_option_find(const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS(table); i++)
    if (g_str_equal(table[i].name, name))
      return &table[i];
  return NULL;
}

GParamSpec *
ddim_option_to_pspec(const DdimOption *o, GParamFlags flags)
{
  const char *label = _(o->label), *help = _(o->help);

  flags |= G_PARAM_READWRITE | G_PARAM_STATIC_NAME;
  switch (o->type) {
  case G_TYPE_STRING:
    return g_param_spec_string(o->name, label, help, o->text, flags);
  case G_TYPE_INT:
    return g_param_spec_int(o->name, label, help, (int)o->minimum, (int)o->maximum, (int)o->number,
                            flags);
  case G_TYPE_INT64:
    return g_param_spec_int64(o->name, label, help, (gint64)o->minimum, G_MAXINT64,
                              (gint64)o->number, flags);
  case G_TYPE_DOUBLE:
    return g_param_spec_double(o->name, label, help, o->minimum, o->maximum, o->number, flags);
  case G_TYPE_BOOLEAN:
    return g_param_spec_boolean(o->name, label, help, o->number != 0, flags);
  default:
    g_return_val_if_reached(NULL);
  }
}

guint
ddim_option_get_procedure_place(const DdimOption *option)
{
  return option->in_procedure;
}

guint
ddim_option_get_edit_place(const DdimOption *option)
{
  return option->in_edits;
}

gboolean
ddim_option_is_for(const DdimOption *option, DdimCommands command)
{
  return option->commands == 0 || (option->commands & command);
}

const char *
ddim_command_get_name(DdimCommands command)
{
  for (guint i = 0; commands[i]; i++)
    if (command == 1u << i)
      return commands[i];
  g_return_val_if_reached(NULL);
}

DdimCommands
ddim_command_from_name(const char *name)
{
  for (guint i = 0; commands[i]; i++)
    if (g_strcmp0(name, commands[i]) == 0)
      return 1u << i;
  return 0;
}

const char *
ddim_option_get_long_name(const DdimOption *option)
{
  return option->long_name ? option->long_name : option->name;
}

const char **
ddim_options_list_command(DdimCommands command)
{
  GPtrArray *names = g_ptr_array_new();

  for (gboolean general = FALSE; general <= TRUE; general++)
    for (guint at = 1; at <= G_N_ELEMENTS(table); at++)
      for (guint i = 0; i < G_N_ELEMENTS(table); i++)
        if (table[i].on_command_line == at && ddim_option_is_for(&table[i], command) &&
            ddim_option_is_for(&table[i], DDIM_COMMAND_GENERATE) == general)
          g_ptr_array_add(names, (gpointer)table[i].name);
  g_ptr_array_add(names, NULL);
  return (const char **)g_ptr_array_free(names, FALSE);
}

const char **
ddim_options_list(DdimOptionPlaceFunc place)
{
  GPtrArray *names = g_ptr_array_new();

  for (guint at = 1; at <= G_N_ELEMENTS(table); at++)
    for (guint i = 0; i < G_N_ELEMENTS(table); i++)
      if (place(&table[i]) == at)
        g_ptr_array_add(names, (gpointer)table[i].name);
  g_ptr_array_add(names, NULL);
  return (const char **)g_ptr_array_free(names, FALSE);
}
