/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/job/request-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "core/data/error.h"
#include "core/data/printable.h"
#include "core/diffusion/sampler.h"
#include "core/job/options.h"

/* There is no member for each property. `values` has one value for each option of the table, in the
 * table's order. The identifier of a property is the place of its option in the table, counted from
 * 1. */
struct _DdimRequest {
  GObject parent_instance;
  GValue *values;
};

G_DEFINE_FINAL_TYPE(DdimRequest, ddim_request, G_TYPE_OBJECT)

static void
ddim_request_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  g_value_copy(&DDIM_REQUEST(object)->values[id - 1], value);
}

static void
ddim_request_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GValue *own = &DDIM_REQUEST(object)->values[id - 1];

  if (g_param_values_cmp(pspec, own, value) == 0)
    return;
  g_value_copy(value, own);
  g_object_notify_by_pspec(object, pspec);
}

static void
ddim_request_finalize(GObject *object)
{
  DdimRequest *self = DDIM_REQUEST(object);
  guint n;

  ddim_options_get_table(&n);
  for (guint i = 0; i < n; i++)
    if (G_IS_VALUE(&self->values[i]))
      g_value_unset(&self->values[i]);
  g_free(self->values);
  G_OBJECT_CLASS(ddim_request_parent_class)->finalize(object);
}

static void
ddim_request_init(DdimRequest *self)
{
  guint n = 0, n_options;
  g_autofree GParamSpec **specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(self), &n);

  ddim_options_get_table(&n_options);
  self->values = g_new0(GValue, n_options);
  for (guint i = 0; i < n; i++) {
    GValue *value = &self->values[specs[i]->param_id - 1];
    g_value_init(value, specs[i]->value_type);
    g_param_value_set_default(specs[i], value);
  }
}

static void
ddim_request_class_init(DdimRequestClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  guint n;
  const DdimOption *options = ddim_options_get_table(&n);

  object_class->get_property = ddim_request_get_property;
  object_class->set_property = ddim_request_set_property;
  object_class->finalize = ddim_request_finalize;
  for (guint i = 0; i < n; i++)
    if (options[i].type)
      g_object_class_install_property(object_class, i + 1,
                                      ddim_option_to_pspec(&options[i], G_PARAM_EXPLICIT_NOTIFY));
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
  guint n;

  ddim_options_get_table(&n);
  for (guint i = 0; i < n; i++)
    if (G_IS_VALUE(&request->values[i]))
      g_value_copy(&request->values[i], &copy->values[i]);
  return copy;
}

static gboolean
check_choice(DdimRequest *self, const char *name, const char *const *choices, GError **error)
{
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

/* Check eta, whose range has a gap between -1 and 0. */
static gboolean
check_eta(DdimRequest *self, GError **error)
{
  double eta;

  g_object_get(self, "eta", &eta, NULL);
  if (eta >= 0 || eta == -1)
    return TRUE;
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
              _("eta: %g is not valid; expected a number from 0 to %d, or -1"), eta, DDIM_MAX_ETA);
  return FALSE;
}

gboolean
ddim_request_takes(DdimRequest *request, const char *name)
{
  g_autofree char *command = NULL;

  g_object_get(request, "command", &command, NULL);
  if (g_str_equal(name, "command"))
    return g_strcmp0(command, "generate") != 0;
  return ddim_option_is_for(ddim_option_find(name), ddim_command_from_name(command));
}

DdimWrap
ddim_request_get_axes(DdimRequest *request, const char *name)
{
  g_autofree char *axes = NULL;

  g_object_get(request, name, &axes, NULL);
  if (!axes)
    return DDIM_WRAP_NONE;
  return (strchr(axes, 'x') ? DDIM_WRAP_X : 0) | (strchr(axes, 'y') ? DDIM_WRAP_Y : 0);
}

DdimPrecision
ddim_request_get_precision(DdimRequest *request)
{
  g_autofree char *precision = NULL;

  g_object_get(request, "precision", &precision, NULL);
  return g_strcmp0(precision, "f16") == 0 ? DDIM_PRECISION_F16 : DDIM_PRECISION_F32;
}

gboolean
ddim_request_check(DdimRequest *request, GError **error)
{
  guint n;
  const DdimOption *options = ddim_options_get_table(&n);

  if (!check_eta(request, error))
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (options[i].choices && !check_choice(request, options[i].name, options[i].choices, error))
      return FALSE;
  return TRUE;
}
