/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose turn it is to publish: one build at a time for each channel of a recipe. */
#ifndef BAKERY_PIPELINE_TURN_H
#define BAKERY_PIPELINE_TURN_H

#include "bakery/error.h"

struct build;

bool turn_wait(struct build *build, struct error *err) must_check; /* until it is this build's */
/* ERROR_CONFLICT when another build has taken it meanwhile: this process was taken for dead. */
bool turn_keep(struct build *build, struct error *err) must_check;
void turn_end(struct build *build);

#endif
