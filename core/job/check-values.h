/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

/** Of 3072 values of the default model's output, every 48th, see tests/data/make-check-values.py.
 */
#define DDIM_CHECK_N_VALUES 64
#define DDIM_CHECK_STEP 48

extern const double ddim_check_values[DDIM_CHECK_N_VALUES];
