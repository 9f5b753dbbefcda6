/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/job/classifier.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "core/model/config-details.h"
#include "core/model/models.h"

DdimClassifier *
ddim_classifier_new(DdimRequest *request, GError **error)
{
  g_autoptr(DdimClassifier) classifier = g_new0(DdimClassifier, 1);
  g_autofree char *name = NULL, *flags = NULL, *model_path = NULL;

  g_object_get(request, "classifier", &name, "classifier-flags", &flags, "model-path", &model_path,
               NULL);
  if (!(classifier->path = ddim_models_find(name, model_path, error)) ||
      !(classifier->checkpoint = ddim_checkpoint_open(classifier->path, error)) ||
      !(classifier->config = ddim_config_load_classifier(classifier->checkpoint, flags, error))) {
    g_prefix_error(error, "classifier: ");
    return NULL;
  }
  return g_steal_pointer(&classifier);
}

void
ddim_classifier_free(DdimClassifier *classifier)
{
  if (!classifier)
    return;
  ddim_classifier_stop(classifier);
  g_clear_pointer(&classifier->config, ddim_config_unref);
  g_clear_pointer(&classifier->checkpoint, ddim_checkpoint_unref);
  g_free(classifier->path);
  g_free(classifier);
}

gboolean
ddim_classifier_start(DdimClassifier *classifier, DdimContext *context,
                      const DdimNetworkParams *params, GError **error)
{
  if (!classifier->network)
    classifier->network =
        ddim_network_new(context, classifier->checkpoint, classifier->config, params, error);
  return classifier->network != NULL;
}

void
ddim_classifier_forget(DdimClassifier *classifier)
{
  g_clear_pointer(&classifier->evaluator, ddim_evaluator_unref);
}

void
ddim_classifier_stop(DdimClassifier *classifier)
{
  ddim_classifier_forget(classifier);
  g_clear_pointer(&classifier->network, ddim_network_unref);
}

DdimEvaluator *
ddim_classifier_get_evaluator(DdimClassifier *classifier, const DdimEvaluatorSize *size,
                              const DdimNetworkParams *params, GError **error)
{
  DdimEvaluatorSize wanted = *size;

  if (!wanted.usual_batch)
    wanted.usual_batch = wanted.batch;
  if (classifier->evaluator &&
      memcmp(ddim_evaluator_get_size(classifier->evaluator), &wanted, sizeof wanted) == 0)
    return classifier->evaluator;
  g_clear_pointer(&classifier->evaluator, ddim_evaluator_unref);
  classifier->evaluator = ddim_evaluator_new(classifier->network, &wanted, params, error);
  return classifier->evaluator;
}
