/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/job/request.h"

#include <glib/gi18n-lib.h>

#include "core/diffusion/diffusion.h"
#include "core/data/error.h"
#include "core/data/printable.h"

enum {
  PROP_0,
  PROP_MODEL,
  PROP_CLASS,
  PROP_WIDTH,
  PROP_HEIGHT,
  PROP_COUNT,
  PROP_BATCH,
  PROP_STEPS,
  PROP_SAMPLER,
  PROP_ETA,
  PROP_SEED,
  PROP_RNG,
  PROP_FLAGS,
  PROP_CLIP,
  PROP_PRECISION,
  PROP_DEVICE,
  PROP_MODEL_PATH,
  PROP_INIT_NOISE,
  PROP_LOW_RES,
  N_PROPS
};

/* No member per property: the values live beside their ParamSpecs, so that a new option is one
 * entry in class_init and nothing else. */
struct _DdimRequest {
  GObject parent_instance;
  GValue values[N_PROPS];
};

G_DEFINE_FINAL_TYPE(DdimRequest, ddim_request, G_TYPE_OBJECT)

#define FLAGS (G_PARAM_READWRITE | G_PARAM_STATIC_NAME | G_PARAM_EXPLICIT_NOTIFY)

static const char *const samplers[] = {"ddim", "ddpm", NULL};
static const char *const precisions[] = {"f32", "f16", NULL};

static void
ddim_request_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  g_value_copy(&DDIM_REQUEST(object)->values[id], value);
}

static void
ddim_request_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GValue *own = &DDIM_REQUEST(object)->values[id];

  if (g_param_values_cmp(pspec, own, value) == 0)
    return;
  g_value_copy(value, own);
  g_object_notify_by_pspec(object, pspec);
}

static void
ddim_request_finalize(GObject *object)
{
  DdimRequest *self = DDIM_REQUEST(object);

  for (guint i = 1; i < N_PROPS; i++)
    g_value_unset(&self->values[i]);
  G_OBJECT_CLASS(ddim_request_parent_class)->finalize(object);
}

static void
ddim_request_init(DdimRequest *self)
{
  guint n = 0;
  g_autofree GParamSpec **specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(self), &n);

  for (guint i = 0; i < n; i++) {
    GValue *value = &self->values[specs[i]->param_id];
    g_value_init(value, specs[i]->value_type);
    g_param_value_set_default(specs[i], value);
  }
}

/* What is made. */
static void
install_picture(GObjectClass *klass)
{
  g_object_class_install_property(
      klass, PROP_MODEL,
      g_param_spec_string(
          "model", _("Model"),
          _("a listed model (see 'ddim models') or a checkpoint file; default: textures"), NULL,
          FLAGS));
  g_object_class_install_property(
      klass, PROP_CLASS,
      g_param_spec_string("class", _("Class"),
                          _("classes by name or number, repeated over the images; default: random"),
                          NULL, FLAGS));
  g_object_class_install_property(klass, PROP_WIDTH,
                                  g_param_spec_int("width", _("Width"),
                                                   _("width in pixels; 0: the model's own"), 0,
                                                   65536, 0, FLAGS));
  g_object_class_install_property(klass, PROP_HEIGHT,
                                  g_param_spec_int("height", _("Height"),
                                                   _("height in pixels; 0: the model's own"), 0,
                                                   65536, 0, FLAGS));
  g_object_class_install_property(
      klass, PROP_COUNT,
      g_param_spec_int("count", _("Count"), _("how many images"), 1, 1000000, 1, FLAGS));
  g_object_class_install_property(
      klass, PROP_SEED,
      g_param_spec_int64("seed", _("Seed"),
                         _("the same seed and settings make the same picture; -1: random"), -1,
                         G_MAXINT64, -1, FLAGS));
}

/* How it is sampled. */
static void
install_sampling(GObjectClass *klass)
{
  g_object_class_install_property(
      klass, PROP_STEPS,
      g_param_spec_string("steps", _("Steps"),
                          _("denoising steps: 'N', sections 'A,B,C', 'ddimN', or '' for all"), "25",
                          FLAGS));
  g_object_class_install_property(klass, PROP_SAMPLER,
                                  g_param_spec_string("sampler", _("Sampler"),
                                                      _("ddim needs few steps; ddpm is for many"),
                                                      "ddim", FLAGS));
  g_object_class_install_property(
      klass, PROP_ETA,
      g_param_spec_double(
          "eta", _("Eta"),
          _("noise of a DDIM step: 0 none, 1 as much as DDPM; -1: what suits the model"), -1,
          DDIM_MAX_ETA, -1, FLAGS));
  g_object_class_install_property(
      klass, PROP_CLIP,
      g_param_spec_boolean("clip", _("Clip"),
                           _("keep predicted pictures within the range of colors"), TRUE, FLAGS));
  g_object_class_install_property(
      klass, PROP_BATCH,
      g_param_spec_int("batch", _("Batch"),
                       _("images computed together, which draw their noise together; 0: chosen"), 0,
                       4096, 0, FLAGS));
  g_object_class_install_property(
      klass, PROP_RNG,
      g_param_spec_string(
          "rng", _("Random numbers"),
          _("whose numbers: torch, or torch-cuda:SMS,THREADS as PyTorch on such a card"), "torch",
          FLAGS));
  g_object_class_install_property(
      klass, PROP_INIT_NOISE,
      g_param_spec_string("init-noise", _("Initial noise"),
                          _("start from this .npy, count x channels x height x width"), NULL,
                          FLAGS));
  g_object_class_install_property(
      klass, PROP_LOW_RES,
      g_param_spec_string("low-res", _("Small picture"),
                          _("what a super-resolution model enlarges: .png, .npy or .npz"), NULL,
                          FLAGS));
}

/* With what. */
static void
install_means(GObjectClass *klass)
{
  g_object_class_install_property(
      klass, PROP_FLAGS,
      g_param_spec_string(
          "flags", _("Flags"),
          _("improved-diffusion's MODEL_FLAGS and DIFFUSION_FLAGS, in one argument"), NULL, FLAGS));
  g_object_class_install_property(
      klass, PROP_MODEL_PATH,
      g_param_spec_string("model-path", _("Model folders"),
                          _("look for models in these folders first, separated by colons"), NULL,
                          FLAGS));
  g_object_class_install_property(
      klass, PROP_DEVICE,
      g_param_spec_string("device", _("Device"),
                          _("number or part of the name, see 'ddim devices'; default: the best"),
                          NULL, FLAGS));
  g_object_class_install_property(klass, PROP_PRECISION,
                                  g_param_spec_string("precision", _("Precision"),
                                                      _("f16 keeps weights in half precision, "
                                                        "which changes a model's outputs by some "
                                                        "thousandths"),
                                                      "f32", FLAGS));
}

static void
ddim_request_class_init(DdimRequestClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);

  object_class->get_property = ddim_request_get_property;
  object_class->set_property = ddim_request_set_property;
  object_class->finalize = ddim_request_finalize;
  install_picture(object_class);
  install_sampling(object_class);
  install_means(object_class);
}

DdimRequest *
ddim_request_new(void)
{
  return g_object_new(DDIM_TYPE_REQUEST, NULL);
}

DdimRequest *
ddim_request_copy(DdimRequest *request)
{
  DdimRequest *copy = ddim_request_new();

  for (guint i = 1; i < N_PROPS; i++)
    g_value_copy(&request->values[i], &copy->values[i]);
  return copy;
}

const char *const *
ddim_request_get_choices(const char *name)
{
  if (g_str_equal(name, "sampler"))
    return samplers;
  return g_str_equal(name, "precision") ? precisions : NULL;
}

static gboolean
check_choice(DdimRequest *self, const char *name, GError **error)
{
  const char *const *choices = ddim_request_get_choices(name);
  g_autofree char *value = NULL, *list = NULL, *shown = NULL;

  g_object_get(self, name, &value, NULL);
  if (value && g_strv_contains(choices, value))
    return TRUE;
  list = g_strjoinv(", ", (char **)choices);
  shown = ddim_printable(value ? value : "");
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT, _("%s: '%s' is none of: %s"), name, shown,
              list);
  return FALSE;
}

/* Its range has a gap between -1 and 0. */
static gboolean
check_eta(DdimRequest *self, GError **error)
{
  double eta = g_value_get_double(&self->values[PROP_ETA]);

  if (eta >= 0 || eta == -1)
    return TRUE;
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
              _("eta: %g is not valid; expected a number from 0 to %d, or -1"), eta, DDIM_MAX_ETA);
  return FALSE;
}

gboolean
ddim_request_check(DdimRequest *request, GError **error)
{
  return check_eta(request, error) && check_choice(request, "sampler", error) &&
         check_choice(request, "precision", error);
}
