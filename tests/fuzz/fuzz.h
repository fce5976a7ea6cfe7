/* SPDX-License-Identifier: Apache-2.0
 *
 * What every fuzz target is: one function that takes any bytes and comes back. A promise that is broken aborts. */
#ifndef BAKERY_TESTS_FUZZ_H
#define BAKERY_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must_hold(condition)                                                                                           \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			abort();                                                                                       \
	} while (0)

#endif
