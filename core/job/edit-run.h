/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/job/edit.h"
#include "core/job/runner.h"

G_BEGIN_DECLS

/** Make all images of @edit with @runner, whose job must be made for @edit. The random numbers of a
 * batch are drawn in this order: first the classes, if they are random; then, for each window, row
 * by row, x_T of the whole batch and one draw for each step that draws noise. Nothing is drawn for
 * a window in which nothing is left to make. */
gboolean ddim_edit_run(DdimRunner *runner, const DdimEdit *edit, GError **error);

G_END_DECLS
