/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/job/edit.h"
#include "core/job/runner.h"

G_BEGIN_DECLS

/** Make all images of @edit with @runner, whose job it is. For each batch are drawn: the classes,
 * where they are random; then for each window, row by row, x_T of the whole batch, and one draw for
 * each step of the loop that draws. A window in which nothing is left to make draws nothing. */
gboolean ddim_edit_run(DdimRunner *runner, const DdimEdit *edit, GError **error);

G_END_DECLS
