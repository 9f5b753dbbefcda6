/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/diffusion/noise.h"
#include "core/data/samples.h"
#include "core/diffusion/step-table.h"
#include "core/job/class-map.h"
#include "core/job/classes.h"
#include "core/job/session.h"
#include "core/job/window-choice.h"
#include "opencl/ops/wrap.h"

G_BEGIN_DECLS

/** One generation with every choice made and checked, before any device is touched. Private to the
 * generator. */
typedef struct {
  DdimRequest *resolved; /* the request with seed, size, batch and model filled in */
  DdimDiffusion *diffusion;
  DdimSampleParams sample;
  DdimStepTable *steps; /* of `diffusion`, or of the model's own program */
  guint channels, height, width;
  DdimWindowChoice windows;
  guint count;
  guint batch;   /* how many images share one draw of noise */
  DdimWrap wrap; /* axes along which images are seamless */
  gint64 seed;
  DdimRng *rng; /* seeded; its state moves as the job runs */
  guint n_classes;
  DdimClasses classes;
  DdimConfig *naming;      /* whose classes they are: the model's, or the classifier's of a model
                              that has none; the session's */
  double classifier_scale; /* 0: no guidance by a classifier */
  DdimClassMap *class_map; /* (nullable) for pictures of this size */
  DdimSamples *init_noise; /* (nullable) [count][C][H][W]; read batch by batch */
  DdimSamples *low_res;    /* (nullable) [1 or count][C][h][w] */
} DdimJob;

/** Choices that the request does not make. */
typedef struct {
  guint width, height; /* size of what is computed; 0: the request's size */
  double eta;          /* used when the request leaves eta open; -1: what suits the model */
  DdimWrap wrap;       /* with a size: in place of the request's `seamless` */
} DdimJobFrame;

/* @frame  (nullable) */
DdimJob *ddim_job_new(DdimSession *session, DdimRequest *request, const DdimJobFrame *frame,
                      GError **error);
void ddim_job_free(DdimJob *job);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimJob, ddim_job_free)

/** Give a job whose request left the class open the class @label, for all images. The resolved
 * request names it. */
void ddim_job_set_class(DdimJob *job, gint64 label);

G_END_DECLS
