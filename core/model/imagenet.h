/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

/** How many classes ImageNet has (ILSVRC 2012). */
#define DDIM_IMAGENET_CLASSES 1000

/** Their names in the order of the classes' numbers, with line breaks between. Source: torchvision
 * 0.29.2, torchvision/models/_meta.py; core/model/imagenet.txt has one a line. */
extern const char ddim_imagenet_names[];
