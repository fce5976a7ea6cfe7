/* SPDX-License-Identifier: Apache-2.0
 *
 * What the decoder and the encoder of field tables share. */
#ifndef BAKERY_BASE_FIELDS_PRIVATE_H
#define BAKERY_BASE_FIELDS_PRIVATE_H

#include <stdint.h>

void fields_duration_text(int64_t seconds, char text[32]); /* "90d": the largest unit that keeps it exact */

#endif
