/* SPDX-License-Identifier: Apache-2.0
 *
 * The forms that a setting's value can have (settings.h says which is which). All return false when the text is not of
 * the form. */
#ifndef BAKERY_SANDBOX_SETTINGS_VALUES_H
#define BAKERY_SANDBOX_SETTINGS_VALUES_H

#include "strike.h"

/* "+10m", "-90s": signed milliseconds. */
bool value_offset(const char *text, int64_t *ms);
bool value_duration(const char *text, int64_t *ms);
bool value_fault(const char *text, struct strike *strike, int64_t *count);
bool value_hang(const char *text, struct strike *strike);
bool value_hold(const char *text, struct strike *strike, int64_t *at);
bool value_strike(const char *text, struct strike *strike, int64_t *at);

#endif
